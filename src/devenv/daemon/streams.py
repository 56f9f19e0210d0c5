"""Sends the units' logs to a client: the end of them, and what comes after.

With each line goes the place behind it. A client that outlives the daemon hands these to the next
one and goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from devenv.daemon.environment import Environment
from devenv.daemon.follower import Follower
from devenv.daemon.logs import BEGINNING, Line, Place, merged_tail

Emit = Callable[[dict[str, Any]], Awaitable[None]]


async def send_tail(
    environment: Environment, names: Iterable[str], emit: Emit, *, tail: int
) -> None:
    """Emit the last *tail* lines of each unit, merged by time."""
    for line in await asyncio.to_thread(merged_tail, _files(environment, names), tail):
        await emit(_event(line))


async def follow_logs(
    environment: Environment,
    names: Iterable[str],
    emit: Emit,
    *,
    tail: int,
    resume: Mapping[str, Place],
) -> None:
    """Emit the last *tail* lines of each unit and then each new one; or go on at *resume*."""
    files = _files(environment, names)
    followers = [Follower(name, path, resume.get(name)) for name, path in files.items()]
    starts = {follower.unit: follower.place for follower in followers}
    lock = asyncio.Lock()

    async def pump(follower: Follower) -> None:
        async for batch in follower.lines(environment.upkeep.watch_log):
            async with lock:
                for line in batch:
                    await emit(_event(line))

    try:
        if not resume:
            for line in await asyncio.to_thread(merged_tail, files, tail, starts):
                await emit(_event(line))
        for unit, place in starts.items():
            await emit({"event": "place", "unit": unit, "place": place})
        async with asyncio.TaskGroup() as group:
            for follower in followers:
                group.create_task(pump(follower))
    finally:
        for follower in followers:
            follower.close()


def _files(environment: Environment, names: Iterable[str]) -> dict[str, Path]:
    return {name: environment.paths.logs / f"{name}.log" for name in names}


def _event(line: Line) -> dict[str, Any]:
    """Return the event of a line; only a line that was followed tells its place."""
    event = {"event": "line", "unit": line.unit, "time": line.time, "text": line.text}
    return event if line.end == BEGINNING else {**event, "place": line.end}
