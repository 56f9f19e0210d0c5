"""Pure. What the edge itself answers: which page stands for which failure, in three formats.

A browser gets HTML made from the layout in `proxy/pages/`, a program that accepts JSON gets the
shape that `--json` errors have, everybody else a line of text. Nothing here comes from the request,
so nothing needs escaping but what the developer's own configuration says.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Template

LISTED_HOSTS = 200
"""More would only be scrolled past; each page of this kind stays in Envoy's memory."""


class Format(StrEnum):
    """A content type that pages are made in; the order is the order of preference."""

    HTML = "text/html"
    JSON = "application/json"
    TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the edge's own."""

    status: int
    code: str
    title: str
    message: str
    hint: str
    flags: tuple[str, ...] = ()
    """Envoy's response flags that it answers (Envoy: access log, `%RESPONSE_FLAGS%`)."""
    retry_after_s: int | None = None
    urls: tuple[str, ...] = ()
    """Where the reader may have wanted to go."""
    unlisted: int = 0
    """How many more there are."""


UNAVAILABLE = Page(
    status=503,
    code="upstream.unavailable",
    title="Nothing answers here yet",
    message="The process behind this address is not running, or is still starting.",
    hint="`devenv status` shows its state, `devenv logs` what it said.",
    flags=("UF", "UH", "URX", "UO", "NC"),
    retry_after_s=2,
)
BROKEN = Page(
    status=502,
    code="upstream.broken",
    title="The application hung up",
    message="The process behind this address ended the connection before its answer was complete.",
    hint="It may have crashed: `devenv logs` has its last words.",
    flags=("UC", "UR", "UPE", "LR"),
)
FAILURES = (UNAVAILABLE, BROKEN)


def unknown_host(hosts: Sequence[str], port: int) -> Page:
    """Return the page for a host that no environment has, naming those there are."""
    suffix = "" if port == 443 else f":{port}"
    return Page(
        status=404,
        code="host.unknown",
        title="No such host",
        message="No environment that is up serves this name. These are served:"
        if hosts
        else "No environment is up.",
        hint="`devenv up` in a checkout brings its hosts here.",
        urls=tuple(f"https://{host}{suffix}/" for host in hosts[:LISTED_HOSTS]),
        unlisted=max(0, len(hosts) - LISTED_HOSTS),
    )


def render_page(page: Page, format_: Format, layout: str) -> str:
    """Return the body of *page*; *layout* is the HTML template."""
    if format_ is Format.JSON:
        return _render_json(page)
    if format_ is Format.TEXT:
        return _render_text(page)
    return Template(layout).substitute(
        status=page.status,
        title=html.escape(page.title),
        message=html.escape(page.message),
        hint=_mark_up(page.hint),
        list=_render_list(page),
    )


def _render_json(page: Page) -> str:
    body: dict[str, object] = {"code": page.code, "message": page.message, "hint": page.hint}
    if page.urls:
        body["urls"] = page.urls
    return json.dumps(body) + "\n"


def _render_text(page: Page) -> str:
    more = [f"and {page.unlisted} more"] if page.unlisted else []
    lines = [f"{page.status} {page.title.lower()}", page.message, *page.urls, *more, page.hint]
    return "\n".join(lines) + "\n"


def _mark_up(text: str) -> str:
    """Return *text* as HTML, what stands in backticks as code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _render_list(page: Page) -> str:
    if not page.urls:
        return ""
    items = [_render_item(html.escape(url)) for url in page.urls]
    if page.unlisted:
        items.append(f"<li><span>and {page.unlisted} more</span></li>")
    return "<ul>\n" + "\n".join(items) + "\n</ul>\n"


def _render_item(url: str) -> str:
    """Return a link, or plain text for a wildcard, which leads nowhere."""
    inner = f"<span>{url}</span>" if "*" in url else f'<a href="{url}">{url}</a>'
    return f"<li>{inner}</li>"
