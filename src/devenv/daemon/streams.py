"""Sends the units' logs to a client: the end of them, and what comes after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from devenv.daemon.environment import Environment
from devenv.daemon.logs import Follower, Line, merged_tail

Emit = Callable[[dict[str, Any]], Awaitable[None]]


async def follow_logs(
    environment: Environment, names: Iterable[str], emit: Emit, *, tail: int, follow: bool
) -> None:
    """Emit the last *tail* lines of each unit, merged by time, and then each new one."""
    files = {name: environment.paths.logs / f"{name}.log" for name in names}
    followers = [Follower(name, path) for name, path in files.items()] if follow else []
    lock = asyncio.Lock()

    async def send(lines: Iterable[Line]) -> None:
        async with lock:
            for line in lines:
                await emit(
                    {"event": "line", "unit": line.unit, "time": line.time, "text": line.text}
                )

    async def pump(follower: Follower) -> None:
        async for batch in follower.lines(environment.upkeep.watch_log):
            await send(batch)

    try:
        await send(await asyncio.to_thread(merged_tail, files, tail))
        async with asyncio.TaskGroup() as group:
            for follower in followers:
                group.create_task(pump(follower))
    finally:
        for follower in followers:
            follower.close()
