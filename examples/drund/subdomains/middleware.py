"""Middleware that every subdomain shares: routing by host, and headers for its origins."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

DEBUG_PAGES = frozenset({400, 403, 404, 500})
"""Django's own pages for developers; their styles are inline."""

Handler = Callable[[HttpRequest], HttpResponse]


def content_security_policy() -> str:
    """Return the policy of all pages: everything from the CDN, data from `api.` and `activity.`."""
    cdn = settings.SITE.origin("cdn")
    connections = (
        settings.SITE.origin("api"),
        settings.SITE.origin("activity"),
        settings.SITE.origin("activity", scheme="wss"),
    )
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {cdn}",  # the admin serves its catalogue of words itself
            f"style-src {cdn}",
            f"img-src {cdn} data:",
            f"font-src {cdn}",
            f"connect-src {' '.join(connections)}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def subdomain_urls(get_response: Handler) -> Handler:
    """Give a request the URL configuration of its subdomain.

    `request.subdomain` is None for a host of another name, such as the address that a health check
    asks: that gets the site's default.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        subdomain = settings.SITE.subdomain_of(request.get_host())
        request.subdomain = subdomain
        if subdomain is not None:
            request.urlconf = settings.SUBDOMAIN_URLCONFS.get(subdomain, settings.PERSON_URLCONF)
        return get_response(request)

    return middleware


def site_origins(get_response: Handler) -> Handler:
    """Say where a page may load from, and let the site's own pages read across subdomains."""
    policy = content_security_policy()

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not (settings.DEBUG and response.status_code in DEBUG_PAGES):
            response.setdefault("Content-Security-Policy", policy)
        if request.subdomain == "api":
            patch_vary_headers(response, ["Origin"])
            origin = request.headers.get("Origin", "")
            if settings.SITE.owns(origin):
                response["Access-Control-Allow-Origin"] = origin
        return response

    return middleware
