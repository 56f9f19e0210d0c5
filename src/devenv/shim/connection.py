"""One client's socket: bytes received go to a receiver, bytes sent wait in a bounded buffer.

What the bytes mean is the receiver's matter; it may be exchanged when a connection turns from
control into an attachment. A client that does not read is dropped, never waited for.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from devenv.shim.loop import READ, WRITE, Loop
from devenv.shim.protocol import RefusedError

BACKLOG_BYTES = 16 * 1024 * 1024
"""More than any answer needs; a client that is this far behind has stopped reading."""
_RECEIVE_BYTES = 64 * 1024


class Connection:
    """Owns *connected* until it is closed; `on_close` is called once then, whoever closed it."""

    def __init__(self, loop: Loop, connected: socket.socket) -> None:
        self._loop = loop
        self._socket = connected
        self._descriptor = connected.fileno()
        self._waiting = bytearray()
        self._is_paused = False
        self._is_finishing = False
        self.is_closed = False
        self.receive: Callable[[bytes], None] = lambda _data: None
        self.on_drained: Callable[[], None] = lambda: None
        self.on_close: Callable[[], None] = lambda: None
        connected.setblocking(False)
        loop.watch(self._descriptor, READ, self._ready)

    @property
    def backlog(self) -> int:
        """How many bytes the client has not taken yet."""
        return len(self._waiting)

    def send(self, data: bytes) -> None:
        """Send *data* after what still waits; a client that is too far behind is dropped."""
        if self.is_closed or self._is_finishing:
            return
        self._waiting += data
        if len(self._waiting) > BACKLOG_BYTES:
            self.close()
            return
        self._flush()

    def pause(self, *, paused: bool) -> None:
        """Take no more from the client, or go on."""
        self._is_paused = paused
        self._choose_events()

    def finish(self) -> None:
        """Close as soon as the client took everything."""
        self._is_finishing = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Close now."""
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.ignore(self._descriptor)
        self._socket.close()
        self._waiting.clear()
        self.on_close()

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and not self.is_closed:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        if self._is_finishing:
            return
        try:
            self.receive(data)
        except RefusedError:
            self.close()

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._waiting) if self._waiting else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._waiting[:sent]
        if not self._waiting:
            if self._is_finishing:
                self.close()
                return
            if sent:
                self.on_drained()
        self._choose_events()

    def _choose_events(self) -> None:
        if self.is_closed:
            return
        reading = 0 if self._is_paused else READ
        writing = WRITE if self._waiting else 0
        self._loop.set_events(self._descriptor, reading | writing, self._ready)
