"""Pure. Which URL paths can name an asset at all.

A path arrives decoded once, as HTTP servers decode it (RFC 3986 section 2.4: never twice). What
would mean something else to a file system than to a browser is no name: the rest of the CDN then
has relative names without a way up. Symbolic links are the finders' business.
"""

from __future__ import annotations

FORBIDDEN = frozenset("\0\\")
"""NUL ends a name in C; browsers turn a backslash into a slash (URL standard, section 4.4)."""


def asset_name(path: str) -> str | None:
    """Return the name that a URL path gives an asset, such as `css/site.css`, or None."""
    name = path.lstrip("/")
    if not FORBIDDEN.isdisjoint(name):
        return None
    if any(segment in {"", ".", ".."} for segment in name.split("/")):
        return None
    return name
