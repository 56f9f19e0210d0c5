"""`attach` on real terminals: line editing, window sizes, several at once, slow ones, pipes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from fakes.shims import Shim, resident_kib, running_shim

from devenv.shim.framing import encode_line

pytestmark = pytest.mark.integration

CLIENT = """
import sys
from pathlib import Path
from devenv.cli.terminal import attach
from devenv.errors import DevenvError
try:
    code = attach(Path(sys.argv[1]), sys.argv[2])
except DevenvError as error:
    sys.stderr.write(f"error: {error.message}\\nhint: {error.hint}\\n")
    code = 1
sys.exit(code)
"""


class Window:
    """A user's terminal with `attach` in it."""

    def __init__(self, socket: Path, name: str, *, rows: int = 30, cols: int = 100) -> None:
        self.master, slave = pty.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(socket), name],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )

    def resize(self, rows: int, cols: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    async def sees(self, text: str) -> None:
        """Wait until *text* is on the screen; what came before it is forgotten."""
        await asyncio.to_thread(self._wait_for, text)

    def _wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 15
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], deadline - time.monotonic())
            assert ready, f"not seen: {text!r} in {self.seen!r}"
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    async def exits(self) -> int:
        return await asyncio.to_thread(self.process.wait, 10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def on_shim(folder: Path, scenario) -> None:
    windows: list[Window] = []

    async def play() -> None:
        async with running_shim(folder) as shim:

            def window(name: str, **size) -> Window:
                windows.append(Window(shim.paths.socket, name, **size))
                return windows[-1]

            await scenario(shim, window)

    try:
        asyncio.run(play())
    finally:
        for each in windows:
            each.close()


def test_pdb_with_line_editing_and_detach(tmp_path):
    (tmp_path / "program.py").write_text("answer = 6 * 7\nprint('the answer is', answer)\n")

    async def scenario(shim: Shim, window) -> None:
        argv = (sys.executable, "-m", "pdb", "program.py")
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(tmp_path)}
        await shim.start("web", "", argv=argv, environment=env)
        await shim.printed("web", "(Pdb)")
        user = window("web")
        await user.sees("attached to `web`; detach with Ctrl-]")
        await user.sees("(Pdb)")
        user.type("next\r")
        await user.sees("print('the answer is', answer)")
        user.type("p answer + 10\x1b[D\x1b[D1\x7f2\r")  # arrows and backspace: answer + 210
        await user.sees("252")
        user.type("\x1b[A\r")  # history
        await user.sees("252")
        user.type("\x1d")
        await user.sees("detached from `web`; it goes on")
        assert await user.exits() == 0
        assert termios.tcgetattr(user.slave) == user.before
        again = window("web")
        await again.sees("(Pdb)")
        again.type("continue\r")
        await again.sees("the answer is 42")
        again.type("quit\r")
        await again.sees("`web` has ended: exited with 0")
        assert await again.exits() == 0
        assert termios.tcgetattr(again.slave) == again.before

    on_shim(tmp_path, scenario)


def test_the_window_size_follows(tmp_path):
    async def scenario(shim: Shim, window) -> None:
        await shim.start("web", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
        await shim.printed("web", "up")
        user = window("web", rows=31, cols=101)
        await user.sees("31 101")
        user.resize(20, 70)
        await user.sees("20 70")

    on_shim(tmp_path, scenario)


def test_ctrl_c_goes_to_the_run_and_its_end_is_told(tmp_path):
    async def scenario(shim: Shim, window) -> None:
        await shim.start("web", "sleep 600")
        first, second = window("web"), window("web")
        await first.sees("Ctrl-]")
        await second.sees("Ctrl-]")
        await asyncio.sleep(0.3)
        first.type("\x03")
        for each in (first, second):
            await each.sees("`web` has ended: killed by SIGINT")
            assert await each.exits() == 1
        assert (await shim.ended("web")).exit == -signal.SIGINT

    on_shim(tmp_path, scenario)


def test_the_terminal_is_restored_when_attach_is_terminated(tmp_path):
    async def scenario(shim: Shim, window) -> None:
        await shim.start("web", "echo hello; sleep 600")
        user = window("web")
        await user.sees("hello")
        user.process.terminate()
        assert await user.exits() == 128 + signal.SIGTERM
        assert termios.tcgetattr(user.slave) == user.before

    on_shim(tmp_path, scenario)


def test_a_lost_shim_is_said(tmp_path):
    async def scenario(shim: Shim, window) -> None:
        await shim.start("web", "echo hello; sleep 600")
        user = window("web")
        await user.sees("hello")
        os.kill(shim.pid, signal.SIGKILL)
        await user.sees("error: the connection to `web` was lost")
        assert await user.exits() == 1

    on_shim(tmp_path, scenario)


def piped(shim: Shim, name: str, **streams) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CLIENT, str(shim.paths.socket), name],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        **streams,
    )


def test_piped_input_is_typed_into_the_run(tmp_path):
    async def scenario(shim: Shim, _window) -> None:
        await shim.start("web", 'while read line; do echo "got $line"; done')
        done = await asyncio.to_thread(piped, shim, "web", input="one\ntwo\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert "got one\n" in done.stdout
        assert "got two\n" in done.stdout
        assert (await shim.client.list()).runs["web"].exit is None

    on_shim(tmp_path, scenario)


def test_without_a_terminal_it_says_what_to_do(tmp_path):
    async def scenario(shim: Shim, _window) -> None:
        await shim.start("web", "sleep 600")
        done = await asyncio.to_thread(piped, shim, "web", stdin=subprocess.DEVNULL)
        assert done.returncode == 1
        assert done.stderr == (
            "error: cannot attach to `web`: standard input is not a terminal\n"
            "hint: type `devenv attach web` in a terminal, or pipe its input in\n"
        )

    on_shim(tmp_path, scenario)


def test_what_does_not_run_cannot_be_attached_to(tmp_path):
    async def scenario(shim: Shim, _window) -> None:
        done = await asyncio.to_thread(piped, shim, "web", input="")
        assert done.stderr == (
            "error: cannot attach to `web`: `web` is not running\nhint: devenv start web\n"
        )
        shim.paths.socket.unlink()
        done = await asyncio.to_thread(piped, shim, "web", input="")
        assert done.stderr == (
            "error: cannot attach to `web`: no shim answers for this checkout\nhint: devenv up\n"
        )

    on_shim(tmp_path, scenario)


def test_a_client_that_does_not_read_neither_blocks_the_run_nor_grows_the_shim(tmp_path):
    async def scenario(shim: Shim, _window) -> None:
        await shim.start("web", "read go; seq 1 3000000; sleep 600")
        reader, writer = await asyncio.open_unix_connection(str(shim.paths.socket), limit=1024)
        writer.write(encode_line({"id": 1, "op": "attach", "name": "web"}))
        await reader.readuntil(b"\n")
        reader._transport.pause_reading()
        await asyncio.to_thread(piped, shim, "web", input="go\n")
        await shim.printed("web", " 3000000\n")
        assert resident_kib(shim.pid) <= 15 * 1024
        writer.transport.abort()

    on_shim(tmp_path, scenario)


def test_more_input_than_the_run_reads_does_not_grow_the_shim(tmp_path):
    async def scenario(shim: Shim, _window) -> None:
        await shim.start("web", "stty raw -echo; echo up; sleep 600")
        await shim.printed("web", "up")
        _, writer = await asyncio.open_unix_connection(str(shim.paths.socket))
        writer.write(encode_line({"id": 1, "op": "attach", "name": "web"}))
        frame = b"i\x00\x00\x10\x00" + b"x" * 4096
        writer.write(frame * 5000)
        await asyncio.sleep(0.5)
        assert resident_kib(shim.pid) <= 15 * 1024
        assert (await shim.client.list()).runs["web"].exit is None
        writer.transport.abort()

    on_shim(tmp_path, scenario)
