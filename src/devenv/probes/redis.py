"""Ready when `PING` is answered (RESP, the Redis serialization protocol).

While Redis reads its data it accepts connections and answers with an error; so does one that wants
a password, and both mean that the application cannot use it yet.
"""

from __future__ import annotations

import asyncio

from devenv.model.unit import ServiceProbe
from devenv.probes.base import ProbeError
from devenv.probes.streams import converse

PING = b"*1\r\n$4\r\nPING\r\n"
STRANGE = "answered with something other than the Redis protocol"


async def check_redis(probe: ServiceProbe) -> None:
    """Send `PING` and judge the answer."""
    async with converse(probe.endpoint) as (reader, writer):
        writer.write(PING)
        try:
            line = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            raise ProbeError(STRANGE) from error
    parse_reply(line)


def parse_reply(line: bytes) -> None:
    """Return if *line* is the answer to a `PING`.

    Raises:
        ProbeError: it is an error of the server's, or no Redis at all.
    """
    if line == b"+PONG\r\n":
        return
    if line.startswith(b"-"):
        raise ProbeError(f"redis says: {line[1:].decode('utf-8', 'replace').strip()}")
    raise ProbeError(STRANGE)
