"""Follows a unit's log as it grows, over rotations, from a place in it that may be an old one.

The files are the buffer: a follower reads them at its own pace and asks the shim to be told once
when there is more, so that neither the shim nor the daemon holds lines for anybody. Who was told
the place behind each line can go on there after the daemon's death, and misses nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from devenv.daemon.logs import BEGINNING, CHUNK_BYTES, Line, Place, parse_line, rotations

FRUITLESS_S = 0.5
"""Pause before asking again for more of a log that grows where it cannot be read."""

Watch = Callable[[str, int, int], Awaitable[None]]
"""(unit, inode, size) -> returns when the unit's log is not that any more."""


class Follower:
    """Reads one log on from the place *start*; None: from its end."""

    def __init__(self, unit: str, path: Path, start: Place | None = None) -> None:
        self.unit = unit
        """Whose log it is."""
        self._path = path
        self._rest = b""
        self._file = _open_end(path) if start is None else _open_at(path, start)

    @property
    def place(self) -> Place:
        """Where the next line begins."""
        inode, read = self._position()
        return Place(inode, read - len(self._rest))

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
                await watch(self.unit, *self._position())
                fruitless = True
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _whole_lines(self, data: bytes) -> list[Line]:
        inode, read = self._position()
        end = read - len(data) - len(self._rest)
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = []
        for raw in whole:
            end += len(raw) + 1
            lines.append(parse_line(self.unit, raw, Place(inode, end)))
        return lines

    def _read(self) -> bytes:
        """Return what comes next, from the next file at the end of one that was renamed away."""
        if self._file is None:
            self._file = _open(self._path)
        while self._file is not None:
            self._begin_again_if_emptied(self._file)
            data = self._file.read(CHUNK_BYTES)
            successor = None if data else self._successor()
            if successor is None:
                return data
            late = self._file.read(CHUNK_BYTES)  # written after that look, before the renaming
            if late:
                return late
            self.close()
            self._file = _open(successor)
        return b""

    def _begin_again_if_emptied(self, file: BinaryIO) -> None:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            self._rest = b""

    def _successor(self) -> Path | None:
        """Return the file after the one that is open; None: it is the newest, or none is there."""
        assert self._file is not None
        status = os.fstat(self._file.fileno())
        newer: Path | None = None
        for path in rotations(self._path):
            if _inode(path) == status.st_ino:
                return newer
            newer = path
        return newer  # ours was deleted: the oldest that is left

    def _position(self) -> tuple[int, int]:
        if self._file is None:
            return 0, 0
        return os.fstat(self._file.fileno()).st_ino, self._file.tell()


def _open_end(path: Path) -> BinaryIO | None:
    """Open the log behind its last whole line, if it is there."""
    file = _open(path)
    if file is not None:
        end = file.seek(0, os.SEEK_END)
        begun = max(0, end - CHUNK_BYTES)
        file.seek(begun)
        last = file.read(end - begun).rfind(b"\n")
        file.seek(begun + last + 1 if last >= 0 or not begun else end)
    return file


def _open_at(path: Path, start: Place) -> BinaryIO | None:
    """Open the file that *start* is in, else, that being gone, the oldest that is there."""
    oldest: Path | None = None
    for candidate in rotations(path):
        if start != BEGINNING and _inode(candidate) == start.inode:
            file = _open(candidate)
            if file is not None:
                file.seek(start.offset)
            return file
        oldest = candidate
    return None if oldest is None else _open(oldest)


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except OSError:
        return None


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
