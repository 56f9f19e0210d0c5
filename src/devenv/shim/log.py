"""A run's log file: a time stamp per line, rotation by rename, and no crash when the disk is full.

The format is `2026-11-20T20:37:19.123Z text`, in UTC; lines that begin with `[devenv] ` behind the
stamp are devenv's own. The file is opened for appending and may be deleted, truncated or moved by
anybody at any time. While it cannot be written, lines are counted instead of kept, so that the
process never waits for the disk; the count is written as soon as there is room again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

ENDLESS_LINE_BYTES = 1024 * 1024
"""Rotation waits this much longer for the end of a line, and then cuts it."""


class Stamper:
    """Bytes of a terminal in, stamped lines out."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._second = -1
        self._prefix = ""
        self._held = b""
        self._is_line_open = False

    def stamp(self) -> bytes:
        """Return the stamp of this moment, with the space behind it."""
        now = self._clock()
        second = int(now)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._prefix}.{int((now - second) * 1000):03d}Z ".encode("ascii")

    def render(self, data: bytes) -> bytes:
        r"""Return *data* with a stamp at each line's start and `\n` for the terminal's `\r\n`."""
        if self._held:
            data = self._held + data
            self._held = b""
        if data.endswith(b"\r"):  # the next chunk may begin with its newline
            data, self._held = data[:-1], b"\r"
        if not data:
            return b""
        stamp = self.stamp()
        data = data.replace(b"\r\n", b"\n")
        was_open = self._is_line_open
        self._is_line_open = not data.endswith(b"\n")
        last = len(data) if self._is_line_open else len(data) - 1
        text = data[:last].replace(b"\n", b"\n" + stamp) + data[last:]
        return text if was_open else stamp + text

    def own_line(self, text: str) -> bytes:
        """Return a line of devenv's own, which ends an open one first."""
        opening = self._held + b"\n" if self._is_line_open or self._held else b""
        self.restart()
        return opening + self.stamp() + f"[devenv] {text}\n".encode("utf-8", "replace")

    def restart(self) -> None:
        """Forget an open line: what comes next begins one."""
        self._held = b""
        self._is_line_open = False


class LogFile:
    """One log file and those rotated before it (`.1` is the youngest)."""

    def __init__(self, path: str, limit_bytes: int, keep: int) -> None:
        self._path = path
        self._limit = limit_bytes
        self._keep = keep
        self._stamper = Stamper()
        self._file: int | None = None
        self._size = 0
        self._is_line_open = False
        self._appended = 0
        self._lost_lines = 0
        self._cause = ""

    @property
    def error(self) -> str:
        """Why output is being lost right now; empty if it is not."""
        return f"{self._lost_lines} lines lost: {self._cause}" if self._cause else ""

    def position(self) -> tuple[int, int]:
        """Return inode and size of the current file; zeros if there is none."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 (no pathlib in the shim)
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size

    def write(self, data: bytes) -> None:
        """Write what the process printed."""
        if self._recover():
            self._put(self._stamper.render(data))
        else:
            self._lost_lines += data.count(b"\n")

    def own_line(self, text: str) -> None:
        """Write a line of devenv's own."""
        if self._recover():
            self._put(self._stamper.own_line(text))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _recover(self) -> bool:
        """Return whether the file can be written, after saying in it what was lost."""
        if not self._cause:
            return True
        lost, cause = self._lost_lines, self._cause
        self._lost_lines, self._cause = 0, ""
        self._stamper.restart()
        opening = b"\n" if self._is_line_open else b""
        self._put(opening + self._stamper.own_line(f"{lost} lines lost: {cause}"))
        if self._cause:
            self._lost_lines = lost
        return not self._cause

    def _put(self, text: bytes) -> None:
        """Append *text*, in the next file where it does not fit into this one."""
        if not text:
            return
        begun = self._appended
        whole = text
        try:
            self._ensure_open()
            if self._size and self._size + len(text) > self._limit:
                head = self._end_of_line(text)
                if head is not None:
                    self._append(text[:head])
                    self._rotate()
                    text = text[head:]
            self._append(text)
        except OSError as error:
            self._cause = (error.strerror or "input/output error").lower()
            self._lost_lines += whole.count(b"\n", self._appended - begun)

    def _append(self, text: bytes) -> None:
        assert self._file is not None
        while text:
            written = os.write(self._file, text)
            self._size += written
            self._appended += written
            self._is_line_open = text[written - 1] != ord("\n")
            text = text[written:]

    def _end_of_line(self, text: bytes) -> int | None:
        """Return how much of *text* still belongs into this file; None: all of it."""
        if not self._is_line_open:
            return 0
        end = text.find(b"\n") + 1
        if end or self._size > self._limit + ENDLESS_LINE_BYTES:
            return end
        return None

    def _ensure_open(self) -> None:
        """Open the file, again if it was deleted, and take its size, which others may change."""
        if self._file is not None:
            status = os.fstat(self._file)
            if status.st_nlink:
                self._size = status.st_size
                return
            self.close()
        self._open()

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self._path), exist_ok=True)  # noqa: PTH103, PTH120
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
        self._is_line_open = False
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            os.write(self._file, b"\n")

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            older = f"{self._path}.{number - 1}" if number > 1 else self._path
            try:
                os.replace(older, f"{self._path}.{number}")  # noqa: PTH105
            except FileNotFoundError:
                continue
        if not self._keep:
            os.unlink(self._path)  # noqa: PTH108
        self._open()
