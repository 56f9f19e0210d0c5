"""Reading the units' log files: the last lines of several, merged by time.

A log is a file and those rotated before it (`web.log`, `web.log.1`, ...). A place in it is a file's
inode and a number of bytes, which hold through every rotation; `daemon.follower` reads on from one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

CHUNK_BYTES = 1 << 18
MOST_FILES = 1001
"""The current log and all its rotations that a shim may keep."""
STAMP_LENGTH = len("2026-11-20T20:37:19.123Z")


class Place(NamedTuple):
    """A place in a log, at the start of a line; inode 0: there was no file yet."""

    inode: int
    offset: int


BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a unit's log; `time` is UTC as RFC 3339 has it, empty if it has no stamp."""

    unit: str
    time: str
    text: str
    end: Place = BEGINNING
    """The place behind it, for who reads on from there."""


def parse_line(unit: str, raw: bytes, end: Place = BEGINNING) -> Line:
    """Split a line of a log file into its time stamp and its text."""
    text = raw.decode("utf-8", "replace").rstrip("\n")
    stamp, space, rest = text.partition(" ")
    if space and len(stamp) == STAMP_LENGTH and stamp.endswith("Z"):
        return Line(unit, stamp, rest, end)
    return Line(unit, "", text, end)


def last_line(path: Path) -> str:
    """Return the text of the last line that is not empty; empty if there is none."""
    lines = [parse_line("", raw).text.strip() for raw in tail(path, 5)]
    return next((line for line in reversed(lines) if line), "")


def rotations(path: Path) -> Iterator[Path]:
    """Yield the log's files that are there, the newest first."""
    gaps = 0
    for number in range(MOST_FILES):
        file = path.with_name(f"{path.name}.{number}") if number else path
        gaps = 0 if file.exists() else gaps + 1
        if gaps > 1:  # a single one is there for a moment while files are renamed
            return
        if not gaps:
            yield file


def tail(path: Path, count: int, until: Place | None = None) -> list[bytes]:
    """Return the last *count* lines before *until* (None: the end), rotated files included."""
    lines: list[bytes] = []
    for file in rotations(path):
        if len(lines) >= count:
            break
        with contextlib.suppress(OSError), file.open("rb") as opened:
            end = opened.seek(0, os.SEEK_END)
            if until is not None:
                if os.fstat(opened.fileno()).st_ino != until.inode:
                    continue
                end, until = until.offset, None
            lines = _last_lines(opened, end, count - len(lines)) + lines
    return lines


def _last_lines(file: BinaryIO, end: int, count: int) -> list[bytes]:
    chunks: list[bytes] = []
    newlines = 0
    while end > 0 and newlines <= count:
        step = min(CHUNK_BYTES, end)
        end -= step
        file.seek(end)
        chunks.append(file.read(step))
        newlines += chunks[-1].count(b"\n")
    return b"".join(reversed(chunks)).splitlines(keepends=True)[-count:]


def merged_tail(
    files: Mapping[str, Path], count: int, until: Mapping[str, Place] | None = None
) -> list[Line]:
    """Return the last *count* lines of each unit, merged in the order of their times.

    With *until*, the place in each unit's log that they end at.
    """
    lines: list[Line] = []
    for unit, path in files.items():
        stamp = ""
        for raw in tail(path, count, None if until is None else until[unit]):
            line = parse_line(unit, raw)
            stamp = line.time or stamp
            lines.append(Line(unit, stamp, line.text))
    return sorted(lines, key=lambda line: line.time)
