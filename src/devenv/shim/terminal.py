"""The shim's side of one PTY: bounded reads, input that waits, and the hang-up.

The kernel holds back a process that prints faster than it is read, so nothing piles up here.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from devenv.shim import process
from devenv.shim.loop import READ, WRITE, Loop

INPUT_BYTES = 64 * 1024
"""Input that waits for the process; beyond this, clients are held back."""
_READ_BYTES = 16 * 1024
_READS_PER_TURN = 16
"""One read gives at most 4 KiB (the line discipline's buffer); after 64 KiB it is others' turn."""


class Terminal:
    """Owns the master side *descriptor* until it is closed."""

    def __init__(
        self,
        loop: Loop,
        descriptor: int,
        on_output: Callable[[bytes], None],
        on_input_taken: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._on_output = on_output
        self._on_input_taken = on_input_taken
        self._input = bytearray()
        self._is_hung_up = False
        loop.watch(descriptor, READ, self._ready)

    @property
    def is_full(self) -> bool:
        """True while more input waits than should."""
        return len(self._input) > INPUT_BYTES

    def type(self, data: bytes) -> None:
        """Give the process input, as fast as it takes it."""
        if not self._is_hung_up:
            self._input += data
            self._flush()

    def resize(self, rows: int, cols: int) -> None:
        """Set the window's size."""
        if not self._is_hung_up:
            process.resize(self._descriptor, rows, cols)

    def drain(self) -> None:
        """Read what the ended process left in the kernel's buffers, a bounded amount."""
        for _ in range(_READS_PER_TURN):
            if not self._read():
                return

    def close(self) -> None:
        """Hang up: whoever still has the other side open gets EIO from it."""
        self._hang_up()
        os.close(self._descriptor)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ:
            self._read()

    def _read(self) -> bool:
        """Read one turn's worth and return whether there was any."""
        chunks: list[bytes] = []
        try:
            while not self._is_hung_up and len(chunks) < _READS_PER_TURN:
                chunks.append(os.read(self._descriptor, _READ_BYTES))
        except BlockingIOError:
            pass
        except OSError:  # EIO: nobody has the other side open any more
            self._hang_up()
        if chunks:
            self._on_output(b"".join(chunks))
        return bool(chunks)

    def _flush(self) -> None:
        was_full = self.is_full
        try:
            del self._input[: os.write(self._descriptor, self._input) if self._input else 0]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
        if not self._is_hung_up:
            self._loop.set_events(
                self._descriptor, READ | (WRITE if self._input else 0), self._ready
            )
        if was_full and not self.is_full:
            self._on_input_taken()

    def _hang_up(self) -> None:
        self._is_hung_up = True
        self._input.clear()
        self._loop.ignore(self._descriptor)
