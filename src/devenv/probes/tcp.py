"""Ready when the port accepts a connection."""

from __future__ import annotations

from devenv.model.unit import TcpProbe
from devenv.probes.streams import converse


async def check_tcp(probe: TcpProbe) -> None:
    """Connect and close."""
    async with converse(probe.endpoint):
        return
