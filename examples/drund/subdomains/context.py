"""What every template knows about the site."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Return the origins of the site, and who is looking at it."""
    names = ("www", "api", "admin", "activity", "cdn")
    return {
        "debug": settings.DEBUG,
        "site": settings.SITE,
        "origins": {name: settings.SITE.origin(name) for name in names},
        "live_url": settings.SITE.origin("activity", scheme="wss") + "/live",
        "subdomain": request.subdomain,
        "visitor": request.session.get("name", ""),
    }
