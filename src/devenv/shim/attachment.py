"""One client at a run's terminal: output to it, its input and its window's size to the terminal.

A client that is slower than the run is told how much it missed; the run never waits for it.
"""

from __future__ import annotations

from devenv.shim.connection import Connection
from devenv.shim.framing import (
    END,
    INPUT,
    OUTPUT,
    SIZE,
    Frames,
    decode_window,
    encode_frames,
    encode_line,
)
from devenv.shim.protocol import RunStatus
from devenv.shim.terminal import Terminal

BEHIND_BYTES = 256 * 1024
"""Output that waits for a slow client; what comes on top is skipped."""


class Attachment:
    """Turns *connection* into the stream of one run's terminal."""

    def __init__(self, connection: Connection, terminal: Terminal) -> None:
        self._connection = connection
        self._terminal = terminal
        self._frames = Frames()
        self._skipped = 0
        connection.receive = self._receive
        connection.on_drained = self._tell_skipped

    def output(self, data: bytes) -> None:
        """Pass on what the run printed, or count it if the client is too far behind."""
        if self._skipped or self._connection.backlog > BEHIND_BYTES:
            self._skipped += len(data)
            return
        self._connection.send(encode_frames(OUTPUT, data))

    def go_on(self) -> None:
        """Take input again, after the terminal was full."""
        self._connection.pause(paused=False)

    def end(self, status: RunStatus) -> None:
        """Tell that the run ended, and hang up."""
        self._tell_skipped()
        self._connection.send(encode_frames(END, encode_line(status.encode())))
        self._connection.finish()

    def _tell_skipped(self) -> None:
        if self._skipped:
            text = f"\r\n[devenv] skipped {self._skipped} bytes that came too fast\r\n"
            self._skipped = 0
            self._connection.send(encode_frames(OUTPUT, text.encode("ascii")))

    def _receive(self, data: bytes) -> None:
        for kind, payload in self._frames.feed(data):
            if kind == INPUT:
                self._terminal.type(payload)
            elif kind == SIZE:
                self._terminal.resize(*decode_window(payload))
        if self._terminal.is_full:
            self._connection.pause(paused=True)
