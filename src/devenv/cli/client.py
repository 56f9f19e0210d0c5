"""Asks the daemon, and starts it if there is none.

The standard library alone, and little of it: every command pays for what is imported here.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from devenv import __version__
from devenv.errors import DevenvError, ExitCode
from devenv.system.paths import MachinePaths

Json = dict[str, Any]
OnEvent = Callable[[Json | None], None]
"""Takes each event; None: a tick, nothing happened for a while, where ticks are asked for."""

START_TIMEOUT_S = 15.0
START_PAUSE_S = 0.01
TICK_S = 0.1


class RefusedError(DevenvError):
    """The daemon's answer was an error."""

    def __init__(self, body: Json) -> None:
        super().__init__(body["message"], hint=body.get("hint", ""), code=body["code"])
        self.exit_code = ExitCode(body.get("exit", 1))


class DaemonGoneError(DevenvError):
    """The daemon ended while it was being asked."""


def call(
    op: str,
    *,
    on_event: OnEvent | None = None,
    ticking: bool = False,
    start: bool = True,
    **arguments: Any,
) -> Any:
    """Send one request and return its result; events go to *on_event* as they come.

    Ticks are for what is redrawn though nothing happens; whoever follows logs sleeps without.

    Raises:
        RefusedError: the daemon says why not.
        DaemonGoneError: the daemon was killed meanwhile.
        FileNotFoundError, ConnectionRefusedError: there is no daemon and *start* is false.
    """
    request = {"op": op, "version": __version__, "cwd": current_folder(), **arguments}
    try:
        return _exchange(request, on_event, ticking=ticking, start=start)
    except RefusedError as error:
        if error.code != "daemon.version":
            raise
    replace_daemon()
    return _exchange(request, on_event, ticking=ticking, start=start)


def caller_environment() -> dict[str, str]:
    """Return the caller's variables, for what is started on their behalf."""
    return dict(os.environ)


def current_folder() -> str:
    """Return the folder the user is in.

    Raises:
        DevenvError: it was deleted.
    """
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        raise DevenvError(
            "the current folder does not exist any more", hint="cd to a checkout", code="cwd.gone"
        ) from None


def _exchange(
    request: Json, on_event: OnEvent | None = None, *, ticking: bool = False, start: bool
) -> Any:
    paths = MachinePaths.from_environment()
    with _connect(paths, start=start) as connection:
        with contextlib.suppress(ConnectionError):  # seen again, and told, when reading
            connection.sendall(json.dumps(request).encode() + b"\n")
        for message in _messages(connection, ticking=ticking):
            if message is None or "event" in message:
                if on_event is not None:
                    on_event(message)
            elif "error" in message:
                raise RefusedError(message["error"])
            else:
                return message["ok"]
    raise DaemonGoneError(
        "the daemon ended while it was being asked; what runs goes on",
        hint="type the command again",
        code="daemon.gone",
    )


def _messages(connection: socket.socket, *, ticking: bool) -> Iterator[Json | None]:
    pending = b""
    with _signals_noticed() as signalled:
        while True:
            ready, _, _ = select.select(
                [connection, signalled], [], [], TICK_S if ticking else None
            )
            if signalled in ready:
                signalled.recv(64)  # its handler has run by the next line
            if connection not in ready:
                if not ready:
                    yield None
                continue
            try:
                data = connection.recv(1 << 18)
            except ConnectionError:
                return
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                yield json.loads(line)


@contextlib.contextmanager
def _signals_noticed() -> Iterator[socket.socket]:
    """Yield a socket that is readable once a signal has come.

    A signal that comes just before a call blocks does not interrupt it, and its Python handler
    waits for the call to return: without this, a Ctrl-C is now and then lost.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)


def _connect(paths: MachinePaths, *, start: bool) -> socket.socket:
    try:
        return _try(paths.daemon_socket)
    except (FileNotFoundError, ConnectionRefusedError):
        if not start:
            raise
    return _start_daemon(paths)


def _try(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _start_daemon(paths: MachinePaths) -> socket.socket:
    """Start a detached daemon and return a connection to it.

    Raises:
        DevenvError: it ended or did not answer; with what it said.
    """
    paths.state.mkdir(parents=True, exist_ok=True)
    output = paths.state / "daemon.out"
    pid = _spawn_detached(output)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return _try(paths.daemon_socket)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended and os.waitstatus_to_exitcode(status) > 0:
            break
        if ended:  # it was killed, or left the place to another that is just starting or ending
            pid = _spawn_detached(output)
        # nothing to wait on: the socket appears when the daemon has adopted what runs
        time.sleep(START_PAUSE_S)  # noqa: TID251
    text = output.read_text(encoding="utf-8", errors="replace").strip()
    if not text:
        _check_can_be_written(output)
    mistake, found, hint = text.removeprefix("error: ").partition("\n\nhint: ")
    if found:
        raise DevenvError(mistake, hint=hint, code="daemon.not-started")
    raise DevenvError(
        "the daemon did not start: " + (text.splitlines() or ["it said nothing"])[0],
        hint=f"see `{paths.state / 'daemon.log'}`",
        code="daemon.not-started",
    )


def _check_can_be_written(output: Path) -> None:
    """Find out why the daemon said nothing: on a full disk it cannot."""
    try:
        output.write_bytes(b"\n")
    except OSError as error:
        raise DevenvError(
            f"cannot write `{output}`: {error.strerror}",
            hint="free some space, then type the command again",
            code="disk.full",
        ) from error


def _spawn_detached(output: Path) -> int:
    """Start the daemon in a session of its own; it keeps nothing of this terminal."""
    command = [sys.executable, "-m", "devenv.daemon.main"]
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for source, target in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(source, target)
        os.closerange(3, 256)
        # a daemon started from inside a run must not be taken for a part of it
        environment = {k: v for k, v in os.environ.items() if k != "DEVENV_RUN"}
        os.execve(command[0], command, environment)  # noqa: S606 (no shell wanted)
    finally:
        os._exit(127)


def replace_daemon() -> None:
    """End the daemon that there is, if any; what it looked after runs on, for the next to adopt."""
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError, DaemonGoneError):
        answer = _exchange({"op": "shutdown", "version": __version__}, start=False)
        deadline = time.monotonic() + START_TIMEOUT_S
        while _is_alive(int(answer["pid"])) and time.monotonic() < deadline:
            time.sleep(START_PAUSE_S)  # noqa: TID251 (no child of ours)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
