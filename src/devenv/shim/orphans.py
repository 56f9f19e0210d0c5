"""What a killed shim left behind: find it, let it end cleanly, and end it if it does not.

Its runs got SIGTERM from the kernel when it died (parent-death signal) and their terminals hung up.
Processes are told apart by pid and start time, and each is signalled through its pidfd, so a number
that was reused meanwhile is never hit. What runs under a shim that lives is nobody's orphan.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devenv.shim import kernel, record

DYING_S = 1.0
"""How long a killed shim may take to have gone."""
LAST_WORD_S = 2.0
"""After SIGTERM, and again after SIGKILL: how long to wait for the kernel to do it."""


@dataclass(frozen=True, slots=True)
class _Orphan:
    pid: int
    name: str
    pidfd: int
    was_told: bool
    """True if its parent was the shim, whose death the kernel told it by SIGTERM."""


async def end_orphans(record_path: Path, *, grace_s: float) -> tuple[str, ...]:
    """End what the dead shim of *record_path* left behind and return the names of those runs.

    Does nothing if there is no record, or if its shim lives.
    """
    found = record.read(str(record_path))
    if found is None or not await _is_dead(found.shim):
        return ()
    orphans = _find(found)
    try:
        for orphan in orphans:
            if not orphan.was_told:
                _signal(orphan, signal.SIGTERM)
        for number, patience_s in ((None, grace_s), (signal.SIGTERM, LAST_WORD_S)):
            await _end(orphans, number, patience_s)
        # Killed parents cannot start children any more, but may have while they were ending.
        orphans += _find(found, known={orphan.pid for orphan in orphans})
        await _end(orphans, signal.SIGKILL, LAST_WORD_S)
    finally:
        for orphan in orphans:
            os.close(orphan.pidfd)
    record.delete(str(record_path))
    return tuple(sorted({orphan.name for orphan in orphans}))


async def _is_dead(shim: record.Entry) -> bool:
    """Tell if the shim has gone; its sockets are closed a moment before it has."""
    try:
        pidfd = os.pidfd_open(shim.pid)
    except OSError:
        return True
    try:
        if shim.is_alive:
            await _wait([pidfd], DYING_S)
        return not shim.is_alive
    finally:
        os.close(pidfd)


def _find(found: record.Record, known: Iterable[int] = ()) -> list[_Orphan]:
    """Return the living: recorded, of a recorded one's session, or marked with the identity."""
    mains = {entry.pid: entry for entry in found.runs if not _is_reused(entry)}
    orphans = []
    for pid in kernel.processes():
        name = _name(pid, mains, found.identity)
        if name is None or pid in known:
            continue
        ticks = kernel.alive_since(pid)
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            continue
        if ticks == 0 or kernel.alive_since(pid) != ticks:
            os.close(pidfd)
            continue
        orphans.append(_Orphan(pid, name, pidfd, pid in mains))
    return orphans


def _is_reused(entry: record.Entry) -> bool:
    """Tell if the pid, and so the session, is another process's by now."""
    return kernel.start_ticks(entry.pid) not in (0, entry.start_ticks)


def _name(pid: int, mains: Mapping[int, record.Entry], identity: str) -> str | None:
    """Return the name of the run that a process belongs to, or None."""
    session = kernel.session(pid)
    if session in mains:
        return mains[session].name
    marked, _, name = kernel.marker(pid).rpartition("/")
    return name if marked == identity and name else None


async def _end(orphans: list[_Orphan], number: signal.Signals | None, patience_s: float) -> None:
    """Signal those that live and wait until none does, at most *patience_s*."""
    alive = [orphan for orphan in orphans if kernel.alive_since(orphan.pid)]
    if number is not None:
        for orphan in alive:
            _signal(orphan, number)
    await _wait([orphan.pidfd for orphan in alive], patience_s)


async def _wait(pidfds: Sequence[int], patience_s: float) -> None:
    """Wait until every process has gone, at most *patience_s*."""
    try:
        async with asyncio.timeout(patience_s):
            for pidfd in pidfds:
                await _gone(pidfd)
    except TimeoutError:
        return


async def _gone(pidfd: int) -> None:
    """Wait until the process has gone; its pidfd is readable then (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(pidfd, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(pidfd)


def _signal(orphan: _Orphan, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(orphan.pidfd, number)
    except OSError:
        return
