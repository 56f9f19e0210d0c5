"""Reading the units' log files: the last lines of several merged by time, and what comes after.

The files are the buffer: a follower reads them at its own pace and asks the shim to be told once
when there is more, so that neither the shim nor the daemon holds lines for anybody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 18
FRUITLESS_S = 0.5
"""Pause before asking again for more of a log that grows where it cannot be read."""
MOST_FILES = 1001
"""The current log and all its rotations that a shim may keep."""
STAMP_LENGTH = len("2026-11-20T20:37:19.123Z")

Watch = Callable[[str, int, int], Awaitable[None]]
"""(unit, inode, size) -> returns when the unit's log is not that any more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a unit's log; `time` is UTC as RFC 3339 has it, empty if it has no stamp."""

    unit: str
    time: str
    text: str


def parse_line(unit: str, raw: bytes) -> Line:
    """Split a line of a log file into its time stamp and its text."""
    text = raw.decode("utf-8", "replace").rstrip("\n")
    stamp, space, rest = text.partition(" ")
    if space and len(stamp) == STAMP_LENGTH and stamp.endswith("Z"):
        return Line(unit, stamp, rest)
    return Line(unit, "", text)


def last_line(path: Path) -> str:
    """Return the text of the last line that is not empty; empty if there is none."""
    lines = [parse_line("", raw).text.strip() for raw in tail(path, 5)]
    return next((line for line in reversed(lines) if line), "")


def tail(path: Path, count: int) -> list[bytes]:
    """Return the last *count* lines of a file, its last rotation included if it is too short."""
    if count <= 0:
        return []
    lines = _tail_one(path, count)
    if len(lines) < count:
        lines = _tail_one(path.with_name(f"{path.name}.1"), count - len(lines)) + lines
    return lines


def _tail_one(path: Path, count: int) -> list[bytes]:
    try:
        with path.open("rb") as file:
            position, data = file.seek(0, os.SEEK_END), b""
            while position > 0 and data.count(b"\n") <= count:
                step = min(CHUNK_BYTES, position)
                position -= step
                file.seek(position)
                data = file.read(step) + data
    except OSError:
        return []
    return data.splitlines(keepends=True)[-count:]


def merged_tail(files: Mapping[str, Path], count: int) -> list[Line]:
    """Return the last *count* lines of each unit, merged in the order of their times."""
    lines: list[Line] = []
    for unit, path in files.items():
        stamp = ""
        for raw in tail(path, count):
            line = parse_line(unit, raw)
            stamp = line.time or stamp
            lines.append(Line(unit, stamp, line.text))
    return sorted(lines, key=lambda line: line.time)


class Follower:
    """Reads one log file as it grows, over rotations."""

    def __init__(self, unit: str, path: Path) -> None:
        self._unit = unit
        self._path = path
        self._file = path.open("rb") if path.exists() else None
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)
        self._rest = b""

    async def lines(self, watch: Watch) -> AsyncIterator[list[Line]]:
        """Yield whole lines in batches, some empty, for ever; *watch* waits for more."""
        try:
            fruitless = False
            while True:
                data = self._read()
                if data:
                    fruitless = False
                    yield self._whole_lines(data)
                    await asyncio.sleep(0)
                    continue
                if fruitless:  # it grows where its name does not lead
                    await asyncio.sleep(FRUITLESS_S)
                await watch(self._unit, *self._position())
                fruitless = True
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _whole_lines(self, data: bytes) -> list[Line]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [parse_line(self._unit, raw) for raw in whole]

    def _read(self) -> bytes:
        """Return what comes next, from the next file at the end of one that was renamed away."""
        if self._file is None:
            self._reopen(self._path)
        while self._file is not None:
            data = self._file.read(CHUNK_BYTES)
            successor = None if data else self._successor()
            if successor is None:
                return data
            late = self._file.read(CHUNK_BYTES)  # written after that look, before the renaming
            if late:
                return late
            self.close()
            self._reopen(successor)
        return b""

    def _successor(self) -> Path | None:
        """Return the file after the one that is open; None: it is the newest, or none is there."""
        assert self._file is not None
        status = os.fstat(self._file.fileno())
        newer: Path | None = None
        for number in range(MOST_FILES):
            path = self._path.with_name(f"{self._path.name}.{number}") if number else self._path
            try:
                found = path.stat()
            except OSError:
                return newer  # ours was deleted: the oldest that is left
            if found.st_ino == status.st_ino:
                return newer
            newer = path
        return None

    def _reopen(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError:
            self._file = None

    def _position(self) -> tuple[int, int]:
        if self._file is None:
            return 0, 0
        return os.fstat(self._file.fileno()).st_ino, self._file.tell()
