"""The shim's control socket: who may connect, what may be asked, and what is answered.

A request that cannot be understood gets an error answer; one that cannot even be told apart ends
its own connection and nothing else. Answers and events leave in the order in which things happened,
so `started` is always told before `exited`, even if the process ended at once.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
from collections.abc import Callable

from devenv.shim.connection import Connection
from devenv.shim.framing import Lines, decode_line, encode_line
from devenv.shim.loop import READ, Loop
from devenv.shim.protocol import (
    NOTE_BYTES,
    VERSION,
    Fields,
    RefusedError,
    Run,
    RunStatus,
    ShimState,
)
from devenv.shim.run import LiveRun
from devenv.shim.runs import Runs

CONNECTIONS = 128
"""More than a daemon and every terminal of a developer need; the rest is turned away."""
_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid of SO_PEERCRED (unix(7))."""

LATER = object()
"""What an operation returns that is answered later, or not at all."""

Operation = Callable[["Client", Fields], object]


class Client:
    """One control connection and what it asked for."""

    def __init__(self, connection: Connection, serve: Callable[[Client, bytes], None]) -> None:
        self.connection = connection
        self.is_subscribed = False
        self.watches: dict[int, LiveRun] = {}
        """Request -> run whose log it watches."""
        self.request = 0
        """The request that is being served."""
        self._lines = Lines()
        self._serve = serve
        connection.receive = self._receive

    def answer(self, request: int, result: object) -> None:
        """Answer *request*."""
        self.connection.send(encode_line({"id": request, "ok": result}))

    def refuse(self, request: int, error: RefusedError) -> None:
        """Answer *request* with an error."""
        self.connection.send(encode_line({"id": request, "error": error.encode()}))

    def _receive(self, data: bytes) -> None:
        try:
            for line in self._lines.feed(data):
                self._serve(self, line)
                if self.connection.receive != self._receive:  # it became an attachment
                    self.connection.receive(self._lines.rest())
                    return
        except RefusedError as error:
            self.refuse(0, error)
            self.connection.finish()


class Server:
    """Serves everything of one shim; it ends the loop when it was told to and nothing lives."""

    def __init__(self, loop: Loop, identity: str, record_path: str) -> None:
        self._loop = loop
        self._identity = identity
        self._clients: set[Client] = set()
        self._note = ""
        self._is_ending = False
        self._runs = Runs(loop, identity, record_path, self._publish)
        self._operations: dict[str, Operation] = {
            "list": self._list,
            "start": self._start,
            "stop": self._stop,
            "forget": self._forget,
            "note": self._set_note,
            "subscribe": self._subscribe,
            "watch": self._watch,
            "unwatch": self._unwatch,
            "attach": self._attach,
            "shutdown": self._shutdown,
        }

    def listen(self, listener: socket.socket) -> None:
        """Accept whoever connects to *listener*."""
        self._loop.watch(listener.fileno(), READ, lambda _events: self._accept(listener))

    def sweep(self) -> None:
        """Notice which children have ended."""
        self._runs.sweep()

    def end(self, grace_s: float, reason: str) -> None:
        """Stop every run, and then end."""
        self._is_ending = True
        for run in self._runs.alive:
            run.stop(signal.SIGTERM, grace_s, reason)
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._is_ending and not self._runs.alive:
            self._runs.delete_record()
            self._loop.end()

    def _publish(self, status: RunStatus) -> None:
        event = encode_line({"event": "exited", "run": status.encode()})
        for client in tuple(self._clients):
            if client.is_subscribed:
                client.connection.send(event)
        self._end_if_idle()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connected, _ = listener.accept()
        except OSError:
            return
        if len(self._clients) >= CONNECTIONS or not _is_allowed(connected):
            connected.close()
            return
        connection = Connection(self._loop, connected)
        client = Client(connection, self._serve)
        self._clients.add(client)
        connection.on_close = lambda: self._forget_client(client)

    def _forget_client(self, client: Client) -> None:
        self._clients.discard(client)
        for request, run in client.watches.items():
            run.unwatch((client, request))

    def _serve(self, client: Client, line: bytes) -> None:
        fields = Fields(decode_line(line))
        client.request = request = fields.whole("id")
        try:
            operation = self._operations.get(fields.text("op"), _unknown)
            result = operation(client, fields)
        except RefusedError as error:
            client.refuse(request, error)
            return
        except Exception:  # noqa: BLE001 (a bug is answered, and told in the log)
            sys.excepthook(*sys.exc_info())
            client.refuse(request, RefusedError("shim.failed", "the shim failed; see its log"))
            return
        if result is not LATER:
            client.answer(request, result)

    def _list(self, _client: Client, _fields: Fields) -> object:
        runs = self._runs.statuses
        return ShimState(self._identity, os.getpid(), VERSION, self._note, runs).encode()

    def _start(self, client: Client, fields: Fields) -> object:
        if self._is_ending:
            raise RefusedError("shim.ending", "the shim is ending", "try again")
        status = self._runs.start(Run.decode(fields.value("run")))
        client.answer(client.request, status.encode())
        return LATER

    def _stop(self, _client: Client, fields: Fields) -> object:
        number = fields.whole("signal", high=64)
        self._runs.find(fields.name()).stop(number, fields.number("grace_s"), fields.text("reason"))
        return None

    def _forget(self, _client: Client, fields: Fields) -> object:
        self._runs.forget(fields.name())
        return None

    def _set_note(self, _client: Client, fields: Fields) -> object:
        self._note = fields.text("text", limit=NOTE_BYTES)
        return None

    def _subscribe(self, client: Client, _fields: Fields) -> object:
        client.is_subscribed = True
        return None

    def _watch(self, client: Client, fields: Fields) -> object:
        run = self._runs.find(fields.name())
        request = client.request
        client.watches[request] = run

        def tell() -> None:
            client.watches.pop(request, None)
            client.answer(request, None)

        run.watch((client, request), fields.whole("inode"), fields.whole("size"), tell)
        return LATER

    def _unwatch(self, client: Client, fields: Fields) -> object:
        request = fields.whole("request")
        run = client.watches.pop(request, None)
        if run is not None:
            run.unwatch((client, request))
        return None

    def _attach(self, client: Client, fields: Fields) -> object:
        run = self._runs.find(fields.name())
        if not run.is_alive:
            raise RefusedError("run.ended", f"`{run.status.name}` is not running")
        client.answer(client.request, run.status.encode())
        client.is_subscribed = False
        detach = run.attach(client.connection)

        def leave() -> None:
            detach()
            self._forget_client(client)

        client.connection.on_close = leave
        return LATER

    def _shutdown(self, client: Client, _fields: Fields) -> object:
        alive = [run.status.name for run in self._runs.alive]
        if alive:
            raise RefusedError("shim.busy", f"still running: {', '.join(alive)}", "devenv down")
        client.answer(client.request, None)
        self._is_ending = True
        self._end_if_idle()
        return LATER


def _unknown(_client: Client, fields: Fields) -> object:
    raise RefusedError("protocol.unknown", f"unknown operation `{fields.text('op')}`")


def _is_allowed(connected: socket.socket) -> bool:
    """Tell if the peer is this user or root; elsewhere the socket's mode has to do."""
    if sys.platform != "linux":
        return True
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(raw)[1] in (0, os.getuid())
