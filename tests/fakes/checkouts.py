"""Checkouts on which tests run the real `devenv`, each on a machine account of its own.

A `Home` is what one user has on one machine: a home folder, a daemon, an edge on a free port. A
`Checkout` is a project in it. Whatever any of them started is ended with the home, by pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fakes.screens import Screen

Json = dict[str, Any]
T = TypeVar("T")
Finished = subprocess.CompletedProcess[str]

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
SHARED_TOOLS = Path(os.environ.get("DEVENV_TEST_TOOLS") or _CACHE / "devenv-tests" / "tools")
"""Servers that `tests/install.sh` built once; read before a test gets a home of its own."""
USERS_PATH = os.environ["PATH"]
PATH = os.pathsep.join((str(Path(sys.executable).parent), USERS_PATH))
"""With the Python of the tests first, so that processes have Django and its like."""
DEVENV = (sys.executable, "-m", "devenv")
COMMAND_TIMEOUT_S = 55

SERVER = """\
import http.server
import json
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"pid": os.getpid(), "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print(self.requestline, flush=True)


address = (os.environ["HOST"], int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
"""A web server that says who it is; for the file `server.py` of a checkout."""

WEB = """\
name: app
processes:
  web: {run: exec python server.py, port: 8000, ready: {http: /}}
routes: {"*": web}
"""


class Home:
    """One user's devenv: all of it lies below one short folder, which its processes name."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.folder = base / "home"
        self.https_port = free_port()
        self.environment = {
            "HOME": str(self.folder),
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "80",
            "DEVENV_HTTPS_PORT": str(self.https_port),
            **{key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "npm_"))},
        }
        data = self.folder / ".local" / "share" / "devenv"
        data.mkdir(parents=True)
        SHARED_TOOLS.mkdir(parents=True, exist_ok=True)
        (data / "tools").symlink_to(SHARED_TOOLS)

    def checkout(self, name: str = "app", config: str | None = None) -> Checkout:
        """Make a checkout with a `server.py` in it."""
        folder = self.base / name
        folder.mkdir(parents=True)
        checkout = Checkout(self, folder)
        (folder / "server.py").write_text(SERVER)
        if config is not None:
            checkout.write(config)
        return checkout

    def daemon_pid(self) -> int:
        """Return the pid of the running daemon."""
        (pid,) = self.processes(b"devenv.daemon.main")
        return pid

    def shim_pid(self, identity: str) -> int:
        """Return the pid of the shim of an environment, or of `machine`."""
        (pid,) = self.processes(b"devenv-shim\0", identity.encode() + b"\0")
        return pid

    def envoy_pid(self) -> int:
        """Return the pid of the edge."""
        (pid,) = self.processes(b"--config-path")
        return pid

    def processes(self, *marks: bytes) -> list[int]:
        """Return the live processes of this home whose command line holds all *marks*."""
        return [pid for pid, words in self._commands() if all(mark in words for mark in marks)]

    def commands(self) -> list[str]:
        """Return the command lines of everything of this home that lives."""
        return [words.replace(b"\0", b" ").decode().strip() for _, words in self._commands()]

    def expect_nothing_runs(self) -> None:
        """Wait for what is just ending; fail if anything of this home stays."""
        wait_until(lambda: not self.processes(), "nothing runs", describe=self.commands)

    def end(self) -> None:
        """Kill whatever is left, the daemon first, which would start it again."""
        deadline = time.monotonic() + 10
        while (left := self.processes(b"devenv.daemon") or self.processes()) and (
            time.monotonic() < deadline
        ):
            for pid in left:
                kill(pid)
            time.sleep(0.02)

    def _commands(self) -> Iterator[tuple[int, bytes]]:
        """Yield pid and command line of what was started in or for this home; no zombies."""
        mark = os.fsencode(self.base) + b"/"
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes()
                if mark in words or mark in (process / "environ").read_bytes():
                    yield int(process.name), words


class Checkout:
    """A project in a folder, and the commands a user types there."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def write(self, config: str) -> None:
        """Write `devenv.yml`."""
        (self.folder / "devenv.yml").write_text(config)

    def start(
        self, *words: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Begin a command."""
        variables = self.home.environment if environment is None else environment
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [*DEVENV, *words],
            **{"cwd": self.folder, "env": dict(variables), "text": True, **pipes, **options},
        )

    def screen(self, *words: str) -> Screen:
        """Begin a command in a terminal."""
        environment = {**self.home.environment, "TERM": "xterm"}
        return Screen([*DEVENV, *words], cwd=self.folder, env=environment)

    def devenv(self, *words: str, **options: Any) -> Finished:
        """Run a command to its end, whatever that is; never with a traceback."""
        with self.start(*words, **options) as process:
            try:
                out, errors = process.communicate(timeout=COMMAND_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                out, errors = process.communicate()
                raise AssertionError(f"`devenv {words}` hangs: {out}\n{errors}") from None
        assert "Traceback" not in errors, errors
        return Finished(process.args, process.returncode, out, errors)

    def ok(self, *words: str, **options: Any) -> str:
        """Run a command that succeeds and return its output."""
        done = self.devenv(*words, **options)
        assert done.returncode == 0, f"`devenv {' '.join(words)}`: {done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str, **options: Any) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ok(*words, "--json", **options))

    def up(self, *words: str) -> Json:
        """Bring units up, detached, and return the status after it."""
        self.ok("up", "-d", *words)
        return self.status()

    def status(self) -> Json:
        """Return `devenv status --json`."""
        return self.json("status")

    def unit(self, name: str) -> Json:
        """Return one unit of the status."""
        return next(unit for unit in self.status()["units"] if unit["name"] == name)

    def pids(self) -> dict[str, int]:
        """Return unit -> pid of all that runs."""
        return {unit["name"]: unit["pid"] for unit in self.status()["units"] if unit["pid"]}

    def wait(self, name: str, **expected: Any) -> Json:
        """Return a unit's status once its fields are as *expected*."""

        def as_expected() -> Json | None:
            unit = self.unit(name)
            return unit if all(unit[key] == value for key, value in expected.items()) else None

        return wait_until(as_expected, f"`{name}` is {expected}", describe=self.status)

    def identity(self) -> str:
        """Return the identity of the environment, of which its shim is named."""
        return self.ok("run", "--", "sh", "-c", "echo $DEVENV_ENVIRONMENT").strip()

    def down(self) -> None:
        """Stop everything; then nothing of it runs."""
        self.ok("down")

    def log(self, name: str) -> str:
        """Return the text of a unit's log file, without its time stamps and devenv's own lines."""
        raw = (self.folder / ".devenv" / "logs" / f"{name}.log").read_text()
        lines = (line.partition(" ")[2] for line in raw.splitlines())
        return "".join(f"{line}\n" for line in lines if not line.startswith("[devenv]"))


@contextmanager
def open_home() -> Iterator[Home]:
    """Give a new home; everything that was started in it is gone afterwards."""
    home = Home(Path(tempfile.mkdtemp(prefix="dv-", dir="/tmp")))
    try:
        yield home
    finally:
        home.end()
        shutil.rmtree(home.base, ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_root(*command: str | Path) -> list[str]:
    """Return a command that runs as root, through sudo if need be."""
    return [*(() if os.geteuid() == 0 else ("sudo", "-n")), *map(str, command)]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(
    look: Callable[[], T | None],
    what: str,
    *,
    timeout_s: float = 20,
    describe: Callable[[], Any] = lambda: "",
) -> T:
    """Return the first thing that *look* finds; fail with what there is instead."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {what}; {describe()}"
        time.sleep(0.02)
    return found
