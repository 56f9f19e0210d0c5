"""The files that an output was made from, and whether they are still what they were.

A file is unchanged if its stamp is: modification time, size, inode and change time. A stamp proves
nothing for a file that was written within one tick of the clock of its file system before it was
read (git's "racy" entries), so those are read again and compared by content, as are files whose
stamp differs: `git checkout` there and back changes no byte. Files that were looked for and missing
are inputs too: an import that appears must be noticed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RACY_NS = 2_000_000_000
"""The coarsest modification times in use are FAT's, 2 s (exFAT and FAT32 specifications)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `stat` tells of one state of a file; times in nanoseconds."""

    mtime_ns: int
    size_bytes: int
    inode: int
    ctime_ns: int
    """The change time: it moves even where a tool sets the modification time back."""

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a regular file."""
        return cls(status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Input:
    """One file as it was read; `stamp` is None if it was missing."""

    path: str
    stamp: Stamp | None
    digest: str = ""
    read_at_ns: int = 0
    """Wall clock, like the stamps it is compared with."""

    @property
    def is_racy(self) -> bool:
        """Whether a write after the reading could have left the same stamp."""
        of = self.stamp
        return of is not None and max(of.mtime_ns, of.ctime_ns) > self.read_at_ns - RACY_NS

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Input:
        """Return the input that the worker or the cache wrote down."""
        if raw["stamp"] is None:
            return cls(raw["path"], None)
        stamp = Stamp(*map(int, raw["stamp"]))
        return cls(raw["path"], stamp, raw["digest"], int(raw["read_at"]))

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        if self.stamp is None:
            return {"path": self.path, "stamp": None}
        of = self.stamp
        return {
            "path": self.path,
            "stamp": [of.mtime_ns, of.size_bytes, of.inode, of.ctime_ns],
            "digest": self.digest,
            "read_at": self.read_at_ns,
        }


def stamp_of(path: str) -> Stamp | None:
    """Return the stamp of a regular file, or None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 (the hot path; the name is text)
    except (OSError, ValueError):
        return None
    return Stamp.of(status) if stat.S_ISREG(status.st_mode) else None


def read_input(path: str) -> tuple[Input, bytes]:
    """Read a file together with the stamp that its bytes had.

    Raises:
        OSError: it is missing or may not be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 (see stamp_of)
        read_at_ns = time.time_ns()
        stamp = Stamp.of(os.fstat(file.fileno()))
        data = file.read()
    return Input(path, stamp, hashlib.sha256(data).hexdigest(), read_at_ns), data


def recheck(inputs: Sequence[Input]) -> tuple[Input, ...] | None:
    """Return the inputs with their stamps of now, or None if any has another content."""
    current: list[Input] = []
    for known in inputs:
        fresh = _recheck_one(known)
        if fresh is None:
            return None
        current.append(fresh)
    return tuple(current)


def _recheck_one(known: Input) -> Input | None:
    stamp = stamp_of(known.path)
    if stamp is None or known.stamp is None:
        return known if stamp is known.stamp else None
    if stamp == known.stamp and not known.is_racy:
        return known
    if stamp.size_bytes != known.stamp.size_bytes:
        return None
    try:
        fresh, _ = read_input(known.path)
    except OSError:
        return None
    return fresh if fresh.digest == known.digest else None
