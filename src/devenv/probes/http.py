"""Ready when a GET answers with a status under 400 (RFC 9112 sections 3 and 4).

Only the status line is read: a page may be long, and its end says nothing more about readiness.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

from devenv.model.unit import HttpProbe
from devenv.probes.base import ProbeError
from devenv.probes.streams import converse

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r?\n")
FIRST_ERROR = 400
URL_CHARACTERS = "/?#[]@!$&'()*+,;=:%-._~"


async def check_http(probe: HttpProbe) -> None:
    """Ask for the path and judge the status."""
    async with converse(probe.endpoint) as (reader, writer):
        writer.write(render_request(probe))
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise ProbeError("answered with something other than HTTP") from error
    status = parse_status(line)
    if status >= FIRST_ERROR:
        raise ProbeError(f"GET {probe.path} answered with status {status}")


def render_request(probe: HttpProbe) -> bytes:
    """Return the request; nothing in the path can add a line to it."""
    path = "/" + quote(probe.path, safe=URL_CHARACTERS).lstrip("/")
    host = probe.host or str(probe.endpoint)
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\n"
        "User-Agent: devenv\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ).encode()


def parse_status(line: bytes) -> int:
    """Return the status of a status line.

    Raises:
        ProbeError: it is none.
    """
    match = STATUS_LINE.fullmatch(line)
    if match is None:
        raise ProbeError("answered with something other than HTTP")
    return int(match[1])
