"""`devenv attach`: the user's terminal joined to the terminal of a run.

Every key goes to the run, Ctrl-C too; Ctrl-] detaches, as in telnet, and the run goes on. Without a
terminal, what is piped in is typed into the run. It talks to the shim itself, not to the daemon.
The user's terminal is put back as it was, however this ends.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGHUP, SIGTERM, SIGWINCH
from typing import Literal, NoReturn

from devenv.errors import DevenvError, ExitCode
from devenv.shim.framing import (
    END,
    INPUT,
    OUTPUT,
    Frames,
    decode_line,
    encode_frames,
    encode_line,
    encode_window,
)
from devenv.shim.protocol import Fields, RunStatus, describe_exit

DETACH = b"\x1d"
"""Ctrl-]"""
CONNECT_TIMEOUT_S = 5.0
QUIET_S = 0.3
"""Once piped input has ended, the run is listened to until it is silent for this long."""
LISTEN_S = 2.0
"""But no longer than this."""
_READ_BYTES = 64 * 1024

Ending = RunStatus | Literal["open", "done", "detached", "lost"]
"""How an attachment ended; a status if the run did."""


def attach(socket_path: Path, name: str) -> int:
    """Join the user's terminal to run *name* until it ends or the user detaches.

    Returns:
        The exit code of the command: 0 after a detach, otherwise 0 if the run ended with 0.

    Raises:
        DevenvError: it does not run, or standard input can neither be typed nor piped in.
    """
    source = sys.stdin.fileno() if sys.stdin is not None else -1
    if not _is_usable(source):
        raise DevenvError(
            f"cannot attach to `{name}`: standard input is not a terminal",
            hint=f"type `devenv attach {name}` in a terminal, or pipe its input in",
            code="attach.no-terminal",
        )
    with _connect(socket_path, name) as connected:
        session = _Session(connected, source)
        if os.isatty(source):
            _say(f"attached to `{name}`; detach with Ctrl-]")
            with _raw(source), _window_changes() as changes:
                session.run_terminal(changes)
        else:
            session.run_pipe()
    return _conclude(session.ending, name)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _conclude(ending: Ending, name: str) -> int:
    """Say how it ended, below whatever the run left on the screen; return the exit code."""
    if isinstance(ending, RunStatus):
        _say(f"\n`{name}` has ended: {describe_exit(ending.exit or 0)}")
        return ExitCode.FAILED if ending.exit else ExitCode.DONE
    if ending == "lost":
        raise DevenvError(
            f"the connection to `{name}` was lost", hint="devenv status", code="attach.lost"
        )
    if ending == "detached":
        _say(f"\ndetached from `{name}`; it goes on")
    return ExitCode.DONE


def _is_usable(source: int) -> bool:
    """Tell if *source* is a terminal, a pipe, a socket or a file; not, for instance, /dev/null."""
    if source < 0:
        return False
    mode = os.fstat(source).st_mode
    piped = stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)
    return piped or os.isatty(source)


def _connect(socket_path: Path, name: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(CONNECT_TIMEOUT_S)
    try:
        connected.connect(str(socket_path))
        connected.sendall(encode_line({"id": 1, "op": "attach", "name": name}))
        _check_answer(_read_line(connected), name)
    except OSError as error:
        connected.close()
        raise DevenvError(
            f"cannot attach to `{name}`: no shim answers for this checkout",
            hint="devenv up",
            code="attach.no-shim",
        ) from error
    except DevenvError:
        connected.close()
        raise
    connected.settimeout(None)
    return connected


def _read_line(connected: socket.socket) -> bytes:
    """Return the answer and leave the frames behind it in the socket."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = connected.recv(1)
        if not byte:
            raise ConnectionError("hung up")
        line += byte
    return bytes(line)


def _check_answer(line: bytes, name: str) -> None:
    answer = decode_line(line)
    if "error" in answer:
        error = Fields(answer["error"])
        raise DevenvError(
            f"cannot attach to `{name}`: {error.text('message')}",
            hint=error.text("hint", "") or f"devenv start {name}",
            code=error.text("code"),
        )


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Have *terminal* deliver every key as it is typed, and put it back, signals included."""
    before = termios.tcgetattr(terminal)
    handlers = {number: signal.signal(number, _leave) for number in (SIGTERM, SIGHUP)}
    tty.setraw(terminal)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal itself may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: object) -> NoReturn:
    """End by way of every `finally`; 128 + the signal, as shells have it."""
    raise SystemExit(128 + number)


@contextmanager
def _window_changes() -> Iterator[int]:
    """Give a descriptor that becomes readable when the window's size has changed."""
    changes, write = os.pipe()
    os.set_blocking(write, False)
    handler = signal.signal(SIGWINCH, lambda *_: None)
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield changes
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(SIGWINCH, handler)
        os.close(changes)
        os.close(write)


class _Session:
    """One attachment: what the user types goes out, what the run prints comes in."""

    def __init__(self, connected: socket.socket, source: int) -> None:
        self._connected = connected
        self._source = source
        self._frames = Frames()
        self._is_at_end_of_input = False
        self.ending: Ending = "open"

    def run_terminal(self, changes: int) -> None:
        """Pass everything on, the window's size too, until the run ends or the user detaches."""
        self._send_window()
        while self.ending == "open":
            ready = _readable([self._connected, self._source, changes])
            if changes in ready:
                os.read(changes, _READ_BYTES)
                self._send_window()
            self._pass_on(ready)

    def run_pipe(self) -> None:
        """Type what is piped in; at its end listen until the run is silent, a short while."""
        while self.ending == "open" and not self._is_at_end_of_input:
            self._pass_on(_readable([self._connected, self._source]))
        deadline = time.monotonic() + LISTEN_S
        while self.ending == "open" and time.monotonic() < deadline:
            ready = _readable([self._connected], QUIET_S)
            if not ready:
                self.ending = "done"
            self._pass_on(ready)

    def _pass_on(self, ready: Sequence[socket.socket | int]) -> None:
        if self._connected in ready:
            self._hear()
        if self._source in ready and self.ending == "open":
            self._type()

    def _hear(self) -> None:
        try:
            data = self._connected.recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self.ending = "lost"
        for kind, payload in self._frames.feed(data):
            if kind == OUTPUT:
                _print(payload)
            elif kind == END:
                self.ending = RunStatus.decode(decode_line(payload))

    def _type(self) -> None:
        try:
            data = os.read(self._source, _READ_BYTES)
        except OSError:  # EIO: the terminal is gone
            data = b""
        if not data:
            self._is_at_end_of_input = True
        typed, detach, _ = data.partition(DETACH) if os.isatty(self._source) else (data, b"", b"")
        if typed:
            self._send(encode_frames(INPUT, typed))
        if detach or (not data and os.isatty(self._source)):
            self.ending = "detached"

    def _send_window(self) -> None:
        size = os.get_terminal_size(self._source)
        self._send(encode_window(size.lines, size.columns))

    def _send(self, frames: bytes) -> None:
        """Send it; a connection that is lost is noticed where it is read."""
        with suppress(ConnectionError):
            self._connected.sendall(frames)


def _readable(
    sources: list[socket.socket | int], timeout_s: float | None = None
) -> Sequence[socket.socket | int]:
    """Wait until something can be read; select(2) takes terminals and files on every system."""
    return select.select(sources, [], [], timeout_s)[0]


def _print(data: bytes) -> None:
    """Write raw bytes: they are the run's, in whatever encoding, for the user's terminal."""
    out = sys.stdout.fileno()
    while data:
        data = data[os.write(out, data) :]
