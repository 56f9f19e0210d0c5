"""Pure. What a request is told when there is no asset for it: in a form that its asker shows.

A browser drops a stylesheet or a script that comes with an error status, so for those it is a
stylesheet that draws the message over the page, and a module that throws it, both with status 200.
It says what it asks for in `Sec-Fetch-Dest` (Fetch Metadata, section 2.1). Everybody else gets the
status and the same words as text. None of this may be stored.
"""

from __future__ import annotations

import html
import json

from devenv.assets.answers import Answer, Request, text
from devenv.assets.cache import Failure
from devenv.assets.finders import NotFound
from devenv.errors import DevenvError

OVERLAY = """\
body::before {{
  content: {message} !important;
  position: fixed !important;
  inset: 0 !important;
  z-index: 2147483647 !important;
  display: block !important;
  overflow: auto !important;
  padding: 2rem !important;
  background: #1d1013 !important;
  color: #ffd9d9 !important;
  font: 15px/1.5 ui-monospace, monospace !important;
  text-align: left !important;
  white-space: pre-wrap !important;
}}
"""
THROWING_MODULE = """\
(function () {{
  function fail() {{ throw new Error({message}); }}
  if (typeof define === 'function' && define.amd) {{ define([], fail); }} else {{ fail(); }}
}}());
"""
PAGE = """\
<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 50rem }}</style>
<h1>{title}</h1>
<pre>{body}</pre>
"""


def source_failed(request: Request, name: str, failure: Failure) -> Answer:
    """Answer for a source that cannot be compiled."""
    lines = [f"cannot compile {name}", "", f"{failure.place}: {failure.message}", ""]
    for number, line in failure.excerpt:
        mark = ">" if number == failure.line else " "
        lines.append(f"{mark} {number:>4} | {line}")
    return _error(request, name, "\n".join(lines).rstrip() + "\n")


def failed(request: Request, name: str, error: DevenvError) -> Answer:
    """Answer for a request that could not be worked on."""
    return _error(request, name, f"{error.message}\n\n{error.hint}\n")


def not_found(request: Request, names: tuple[str, ...], missing: NotFound) -> Answer:
    """Answer for an asset that has no source: say which files would do, and where."""
    lines = [f"{names[-1]} was not found", "", "looked for:", *(f"  {name}" for name in names)]
    lines += ["", "in:", *(f"  {root}" for root in missing.searched or ("no folder at all",))]
    if missing.refused:
        lines += ["", f"not served, because a link leads out of its folder: {missing.refused}"]
    return _status(request, 404, "\n".join(lines) + "\n")


def no_such_name(request: Request) -> Answer:
    """Answer for a path that no asset can have."""
    return _status(
        request, 404, "an asset's path has no empty, `.` or `..` part and no backslash\n"
    )


def _error(request: Request, name: str, message: str) -> Answer:
    """Answer an asset's request with a message that its asker shows."""
    wanted = request.header("sec-fetch-dest")
    if wanted == "style" and name.endswith(".css"):
        return text(200, OVERLAY.format(message=css_string(message)), "text/css")
    if wanted == "script" and name.endswith(".js"):
        return text(200, THROWING_MODULE.format(message=json.dumps(message)), "text/javascript")
    return _status(request, 500, message)


def _status(request: Request, status: int, message: str) -> Answer:
    """Answer with a status, as a page where a page is wanted."""
    if "text/html" not in request.header("accept"):
        return text(status, message)
    title, _, body = (html.escape(part) for part in message.partition("\n"))
    return text(status, PAGE.format(title=title, body=body.strip("\n")), "text/html")


def css_string(value: str) -> str:
    """Return *value* as a string of CSS (CSS Syntax Level 3, section 4.3.7: escapes)."""
    safe = (char if char.isalnum() or char in " .,:;|>()[]{}#@/-_+*=`'" else "" for char in value)
    pairs = zip(safe, value, strict=True)
    return '"' + "".join(kept or f"\\{ord(char):x} " for kept, char in pairs) + '"'
