"""Ready when `hello` is answered by a server that takes writes (MongoDB wire protocol, OP_MSG)."""

from __future__ import annotations

import struct

from devenv.model.unit import ServiceProbe
from devenv.probes.base import ProbeError
from devenv.probes.bson import STRANGE, parse_document, render_document
from devenv.probes.streams import converse

HEADER = struct.Struct("<iiii")
"""Length of the message with this header, its number, the number it answers, its kind."""
OP_MSG = 2013
REQUEST = 1
FLAGS_AND_KIND = struct.Struct("<IB")
"""Flag bits, then the kind of the first section: 0, one document."""
LARGEST_MESSAGE = 1 << 20
"""An answer to `hello` takes some hundred bytes."""


async def check_mongodb(probe: ServiceProbe) -> None:
    """Say `hello` and judge the answer."""
    async with converse(probe.endpoint) as (reader, writer):
        writer.write(render_hello())
        size = parse_header(await reader.readexactly(HEADER.size))
        reply = parse_reply(await reader.readexactly(size))
    if reply.get("ok") != 1:
        raise ProbeError(f"mongodb says: {reply.get('errmsg', 'not ok')}")
    if not reply.get("isWritablePrimary"):
        raise ProbeError("the server takes no writes yet")


def render_hello() -> bytes:
    """Return the command as a message."""
    body = FLAGS_AND_KIND.pack(0, 0) + render_document({"hello": 1, "$db": "admin"})
    return HEADER.pack(HEADER.size + len(body), REQUEST, 0, OP_MSG) + body


def parse_header(header: bytes) -> int:
    """Return the size of what follows the header.

    Raises:
        ProbeError: it is no header of an answer to our request.
    """
    size, _, answers, kind = HEADER.unpack(header)
    if kind != OP_MSG or answers != REQUEST or not HEADER.size < size <= LARGEST_MESSAGE:
        raise ProbeError(STRANGE)
    return int(size) - HEADER.size


def parse_reply(body: bytes) -> dict[str, object]:
    """Return the plain fields of the answer's document.

    Raises:
        ProbeError: the body holds something else than one document.
    """
    if len(body) < FLAGS_AND_KIND.size or body[FLAGS_AND_KIND.size - 1] != 0:
        raise ProbeError(STRANGE)
    return dict(parse_document(body[FLAGS_AND_KIND.size :]))
