"""Real servers, run as the catalogue says, without daemon or shim.

Every process that comes of one is found again, whoever its parent is by then: by its session, or by
a mark in its environment if it made a session of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes.checkouts import PATH, SHARED_TOOLS

from devenv.model.spec import SERVICE_TYPES, Service
from devenv.model.unit import Endpoint, Job
from devenv.probes import ProbeError, check
from devenv.providers.base import Place, ServiceKind
from devenv.providers.catalogue import SERVICE_KINDS
from devenv.system.paths import data_folder

READY_S = 50.0
STOP_S = 20.0
AWKWARD = "pro jekt ü [x] #1 %20"
"""A folder's name with all that some server would take for something else."""


@dataclass
class Server:
    """One server of one environment."""

    kind: ServiceKind
    service: Service
    place: Place
    mark: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    spawned: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)
    """All that this server and its changed copies started; whoever made it reaps them."""

    def initialise(self) -> None:
        job = self.kind.initialise(self.service, self.place)
        if job is not None:
            process = self._spawn(job)
            assert process.wait(READY_S) == 0, self.log()

    def start(self) -> None:
        """Return when the server answers as its probe asks."""
        self.process = self._spawn(self.kind.run(self.service, self.place))
        asyncio.run(self._wait_until_ready())

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> float:
        """Send SIGTERM; return the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)
        return time.monotonic() - begun

    def check(self) -> None:
        """Raise ProbeError unless the server is ready."""
        probe = self.kind.probe(self.service, self.place.endpoint)
        asyncio.run(check(probe, timeout_s=5))

    def client(self, *argv: str) -> str:
        """Return what a command line client prints that was told nothing."""
        told = self.kind.client_environment(self.service, self.place)
        environment = {**self.place.environment, **told}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def with_service(self, **changes: object) -> Server:
        service = type(self.service).model_validate({**self.service.model_dump(), **changes})
        return replace(self, service=service, process=None)

    def at(self, host: str) -> Server:
        endpoint = Endpoint(host, self.place.endpoint.port)
        return replace(self, place=replace(self.place, endpoint=endpoint), process=None)

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def processes(self) -> set[int]:
        """Return the pids of all living processes that come of this server."""
        needle = f"DEVENV_TEST_MARK={self.mark}".encode()
        sessions = {process.pid for process in self.spawned}
        return {
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if _session(entry) in sessions or _has(entry, needle)
        }

    def sockets(self) -> set[tuple[str, int]]:
        """Return (address, port) of every TCP socket on which one of the processes listens."""
        return listening(self.processes())

    @property
    def _log(self) -> Path:
        return self.place.run / "server.log"

    def _spawn(self, job: Job) -> subprocess.Popen[bytes]:
        for file in job.files:
            file.path.write_text(file.text, "utf-8")
            file.path.chmod(file.mode)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                job.argv,
                cwd=job.cwd,
                env=dict(job.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.spawned.append(process)
        return process

    async def _wait_until_ready(self) -> None:
        assert self.process is not None
        probe = self.kind.probe(self.service, self.place.endpoint)
        deadline = time.monotonic() + READY_S
        while True:
            try:
                return await check(probe, timeout_s=5)
            except ProbeError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{error}\n{self.log()}")
                await asyncio.sleep(0.02)


@contextmanager
def installed(name: str, folder: Path, host: str) -> Iterator[Server]:
    """Give a server that is installed and not yet initialised; whatever it starts is ended."""
    mark = uuid.uuid4().hex
    environment = {
        "PATH": os.pathsep.join((PATH, str(SHARED_TOOLS / "bin"))),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "DEVENV_TEST_MARK": mark,
    }
    kind = SERVICE_KINDS[name]
    if kind.missing(environment["PATH"]) is not None:
        install(kind.provisioning)
    place = Place(
        endpoint=Endpoint(host, kind.port),
        data=folder / "data" / name,
        run=folder / "run" / name,
        environment=environment,
        root=os.geteuid() == 0,
    )
    place.data.parent.mkdir(parents=True)
    place.run.mkdir(parents=True)
    server = Server(kind, SERVICE_TYPES[name](), place, mark)
    try:
        yield server
    finally:
        for pid in server.processes():
            with contextlib.suppress(ProcessLookupError):  # the death of one may end others
                os.kill(pid, signal.SIGKILL)
        for process in server.spawned:
            process.wait(STOP_S)


def install(service: str) -> None:
    """Install a service for all tests, as `tests/install.sh` does."""
    script = data_folder("provisioning") / service / "install.sh"
    environment = {**os.environ, "DEVENV_TOOLS": str(SHARED_TOOLS)}
    subprocess.run(("sh", str(script)), env=environment, check=True)


def listening(pids: set[int]) -> set[tuple[str, int]]:
    """Return (address, port) of every TCP socket on which one of *pids* listens."""
    inodes = {inode for pid in pids for inode in _socket_inodes(pid)}
    return {
        (_address(local), int(local.rpartition(":")[2], 16))
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text("ascii").splitlines()[1:]
        for local, state, inode in [_columns(line)]
        if state == "0A" and inode in inodes
    }


def _columns(line: str) -> tuple[str, str, str]:
    """Return local address, state (0A: listening) and inode of a line of /proc/net/tcp."""
    words = line.split()
    return words[1], words[3], words[9]


def _address(local: str) -> str:
    """Return an IPv4 address dotted, an IPv6 one as the kernel prints it."""
    digits = local.partition(":")[0]
    if len(digits) != 8:
        return digits
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(digits)))


def _socket_inodes(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed, or the process ended, since it was listed
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def _has(entry: Path, needle: bytes) -> bool:
    try:
        return needle in (entry / "environ").read_bytes()
    except OSError:
        return False


def _session(entry: Path) -> int | None:
    """Return the session of a process that is not a zombie (proc(5): state follows the name)."""
    try:
        state, _, _, session = (entry / "stat").read_text("utf-8").rpartition(")")[2].split()[:4]
    except OSError:
        return None
    return None if state == "Z" else int(session)
