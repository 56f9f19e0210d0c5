"""Pure. Requests and answers of HTTP as values: validators, ranges, content types.

Rules: RFC 9110 sections 8.8 (validators), 13 (conditional requests) and 14 (ranges). Validators are
strong: an entity tag changes with every byte. Nothing is fresh without asking (`no-cache`), because
a developer reloads to see what was just saved.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Headers = tuple[tuple[str, str], ...]

OPEN_TO_ALL: Headers = (("access-control-allow-origin", "*"),)
"""Fonts and modules are fetched in CORS mode from the other hosts of the application."""
REVALIDATE: Headers = (("cache-control", "no-cache"),)
UNCACHED: Headers = (("cache-control", "no-store"),)

BYTE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
"""One range; several at once may be answered with the whole (RFC 9110 section 14.2)."""

TYPES = mimetypes.MimeTypes(())
"""Python's own table: the machine's `/etc/mime.types` must not change what a browser gets."""
OWN_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",  # RFC 9239
    ".mjs": "text/javascript",
    ".map": "application/json",
    ".less": "text/plain",
    ".scss": "text/plain",
    ".mustache": "text/plain",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
TEXTUAL = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Request:
    """What the CDN needs to know of a request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header, or the empty text."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and a body: bytes, or a part of the file `path`."""

    status: int
    headers: Headers
    body: bytes = b""
    path: str = ""
    """A file that is streamed instead of `body`."""
    span: range = range(0)
    """Which of its bytes."""

    @property
    def size_bytes(self) -> int:
        """The length of what is sent."""
        return len(self.span) if self.path else len(self.body)

    def part(self, span: range) -> Answer:
        """Return this answer with some of its bytes only."""
        if self.path:
            return replace(self, span=span)
        return replace(self, body=self.body[span.start : span.stop])


def content_type(name: str) -> str:
    """Return the media type of an asset by its name, text as UTF-8."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    media = OWN_TYPES.get(suffix) or TYPES.guess_type(f"x{suffix}")[0] or "application/octet-stream"
    return f"{media}; charset=utf-8" if media.startswith(TEXTUAL) else media


def text(status: int, body: str, media: str = "text/plain") -> Answer:
    """Return an answer that is made for this request alone."""
    kind = ("content-type", f"{media}; charset=utf-8")
    return Answer(status, (kind, *UNCACHED, *OPEN_TO_ALL), body.encode("utf-8", "replace"))


def asset(name: str, etag: str, body: bytes = b"", *, path: str = "", size: int = 0) -> Answer:
    """Return the whole of an asset; *etag* without quotes."""
    headers = (
        ("content-type", content_type(name)),
        ("etag", f'"{etag}"'),
        ("accept-ranges", "bytes"),
        *REVALIDATE,
        *OPEN_TO_ALL,
    )
    return Answer(200, headers, body, path, range(size))


def conditional(request: Request, whole: Answer) -> Answer:
    """Return what the request's conditions and range make of the whole answer."""
    etag = dict(whole.headers)["etag"]
    if _matches(request.header("if-none-match"), etag):
        kept = tuple(pair for pair in whole.headers if pair[0] != "content-type")
        return Answer(304, kept)
    if_range = request.header("if-range")
    found = BYTE_RANGE.fullmatch(request.header("range").strip())
    if found is None or request.method != "GET" or (if_range and if_range != etag):
        return whole
    return _partial(whole, *found.groups())


def _matches(condition: str, etag: str) -> bool:
    """Whether `If-None-Match` holds the tag; the comparison is weak (RFC 9110 section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
    return "*" in tags or etag in tags


def _partial(whole: Answer, first: str, last: str) -> Answer:
    size = whole.size_bytes
    if first:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return whole  # not a valid range: ignored (RFC 9110 section 14.1.1)
    elif last:
        start, stop = max(size - int(last), 0), size
    else:
        return whole
    if start >= stop:
        return Answer(416, (("content-range", f"bytes */{size}"), *OPEN_TO_ALL))
    content_range = ("content-range", f"bytes {start}-{stop - 1}/{size}")
    part = whole.part(range(start, stop))
    return replace(part, status=206, headers=(*whole.headers, content_range))
