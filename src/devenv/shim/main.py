"""The shim's process: become a daemon, hold the lock, bind the socket, serve until told to end.

Theory of operation. One shim per checkout is started by the daemon and outlives it. It is one
thread around one `Loop`; everything else is a callback in it:

    server (control socket) ──▶ runs ──▶ run (one per process) ──▶ terminal (PTY) ──▶ log file
                                                          └──▶ attachments (clients)

The socket is bound before the process that was started goes into the background, so whoever started
it may connect as soon as that one exits. A lock beside the record, not beside the socket, decides
who is the shim: runtime folders are wiped when a user logs out, state folders are not. A second
shim that finds the lock taken asks the first, by SIGHUP, to bind its socket again, and ends.

SIGCHLD sweeps, SIGTERM and SIGINT stop every run with grace and end. The shim adopts every
descendant whose parent dies. What the shim must not do: read `devenv.yml`, decide when anything is
started again, or import anything beyond the standard library.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass

from devenv.shim import kernel, record
from devenv.shim.loop import Loop
from devenv.shim.server import Server

END_GRACE_S = 10.0
"""For every run, when the shim itself is told to end; `stop_grace_period`'s default."""
BACKLOG = 64


@dataclass(frozen=True, slots=True)
class Places:
    """Where this shim is found."""

    identity: str
    socket: str
    record: str
    log: str


def main() -> None:
    """Run the shim that the command line describes: identity, socket, record and log."""
    places = Places(*sys.argv[-4:])
    lock = _lock(places.record)
    if lock is None:
        _ask_to_bind_again(places.record)
        return
    listener = _bind(places.socket)
    _go_to_background(places.log)
    kernel.name_process("devenv-shim")
    kernel.adopt_descendants()
    _serve(places, listener)
    os.close(lock)


def _serve(places: Places, listener: socket.socket) -> None:
    loop = Loop()
    server = Server(loop, places.identity, places.record)
    server.listen(listener)
    listeners = [listener]

    def bind_again() -> None:
        if not _is_at(places.socket, listeners[-1]):
            listeners.append(_bind(places.socket))
            server.listen(listeners[-1])

    loop.on_signal(signal.SIGCHLD, server.sweep)
    loop.on_signal(signal.SIGHUP, bind_again)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.on_signal(number, lambda: server.end(END_GRACE_S, "the shim was told to end"))
    loop.run()
    loop.close()
    if _is_at(places.socket, listeners[-1]):
        os.unlink(places.socket)  # noqa: PTH108 (no pathlib in the shim)


def _lock(record_path: str) -> int | None:
    """Return the held lock's descriptor, or None if another shim holds it."""
    os.makedirs(os.path.dirname(record_path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    lock = os.open(f"{record_path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _ask_to_bind_again(record_path: str) -> None:
    found = record.read(record_path)
    if found is not None and found.shim.is_alive:
        os.kill(found.shim.pid, signal.SIGHUP)


def _bind(path: str) -> socket.socket:
    """Listen at *path*, in the place of what a dead shim left there."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(mask)
    listener.listen(BACKLOG)
    return listener


def _is_at(path: str, listener: socket.socket) -> bool:
    """Tell if a socket file is still at *path*; the lock says that it can only be ours."""
    return listener.fileno() >= 0 and os.path.exists(path)  # noqa: PTH110


def _go_to_background(log: str) -> None:
    """Leave session, terminal and folder of whoever started this; fork twice, as daemons do."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)
