"""One door to all probes: which one a spec asks for, and the time it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from devenv.model.unit import HttpProbe, ServiceProbe, TcpProbe
from devenv.probes.amqp import check_amqp
from devenv.probes.base import ProbeError
from devenv.probes.http import check_http
from devenv.probes.mongodb import check_mongodb
from devenv.probes.mysql import check_mysql
from devenv.probes.redis import check_redis
from devenv.probes.tcp import check_tcp

PROTOCOLS: Mapping[str, Callable[[ServiceProbe], Awaitable[None]]] = {
    "amqp": check_amqp,
    "mongodb": check_mongodb,
    "mysql": check_mysql,
    "redis": check_redis,
}


async def check(probe: ServiceProbe | TcpProbe | HttpProbe, *, timeout_s: float) -> None:
    """Return if *probe* passes.

    Raises:
        ProbeError: it does not, for the reason in its text.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await _ask(probe)
    except TimeoutError as error:
        raise ProbeError(f"no answer within {timeout_s:g} s") from error


async def _ask(probe: ServiceProbe | TcpProbe | HttpProbe) -> None:
    match probe:
        case TcpProbe():
            await check_tcp(probe)
        case HttpProbe():
            await check_http(probe)
        case ServiceProbe():
            await PROTOCOLS[probe.protocol](probe)
