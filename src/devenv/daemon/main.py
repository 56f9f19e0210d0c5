"""The daemon's composition root: build the parts, adopt what runs, serve, end.

`python -m devenv.daemon.main` runs in the foreground; the command line starts it detached. Ending
it (SIGTERM, or a kill) ends nothing that a user runs.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NoReturn

from devenv import __version__
from devenv.daemon.api import Api
from devenv.daemon.edge import EdgeService
from devenv.daemon.environments import Environments
from devenv.daemon.https_port import https_port_of
from devenv.daemon.machine import MACHINE, Machine, shim_paths
from devenv.daemon.server import Server
from devenv.errors import DevenvError, ExitCode
from devenv.pki.authority import Authority
from devenv.providers.catalogue import SERVICE_KINDS
from devenv.system.clock import SystemClock
from devenv.system.folders import private_folder
from devenv.system.paths import MachinePaths
from devenv.system.registry import Registry

IDLE_EXIT_S = 30.0
"""A daemon that nothing needs ends itself after this long."""
LOG_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)


def build(paths: MachinePaths, https_port: int) -> Machine:
    """Return the machine's shared parts; the CA is made if there is none."""
    authority = Authority(paths.data / "ca", now=lambda: datetime.now(UTC))
    authority.ensure([])
    return Machine(
        paths=paths,
        registry=Registry(paths.state),
        authority=authority,
        edge=EdgeService(paths, authority, shim_paths(paths, MACHINE), https_port),
        clock=SystemClock(),
        kinds=SERVICE_KINDS,
    )


async def serve(paths: MachinePaths, https_port: int, *, stay: bool) -> None:
    """Run until asked to stop, or until nothing needs the daemon any more (not with *stay*)."""
    stopping = asyncio.Event()
    machine = build(paths, https_port)
    try:
        async with asyncio.TaskGroup() as group:
            environments = Environments(machine, group)

            def stop() -> None:
                stopping.set()
                environments.changed.notify()

            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop)
            api = Api(machine, environments, stop, stay=stay)
            await environments.adopt()
            if stay:
                await machine.edge.move(https_port)
            group.create_task(machine.edge.run(), name="edge")
            server = await Server(paths.daemon_socket, api.handle).start()
            log.info("serving: version=%s pid=%d", __version__, os.getpid())
            await _until_done(stopping, environments, api, stay=stay)
            server.close()
            group.create_task(_stop(), name="stop")
    except* _StoppedError:
        log.info("stopped: pid=%d", os.getpid())


class _StoppedError(Exception):
    """Ends the daemon's task group, and with it every task."""


async def _stop() -> None:
    raise _StoppedError


async def _until_done(
    stopping: asyncio.Event, environments: Environments, api: Api, *, stay: bool
) -> None:
    while not stopping.is_set():
        try:
            async with asyncio.timeout(None if stay or environments.any_up else IDLE_EXIT_S):
                await environments.changed.wait()
        except TimeoutError:
            if not environments.any_up and not api.busy:
                return


@contextmanager
def only_one(paths: MachinePaths) -> Iterator[bool]:
    """Hold the daemon's lock for the duration; False: another daemon of this user has it."""
    with (paths.runtime / "daemon.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield True


def configure_log(path: Path, *, aloud: bool) -> None:
    """Log transitions and bugs to the daemon's own file, and to stderr if somebody looks on."""
    private_folder(path.parent)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8")
    ]
    if aloud:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )


def _run(paths: MachinePaths, port: int, *, stay: bool) -> None:
    """Serve; a user's mistake is raised without the task groups that it came through."""
    try:
        asyncio.run(serve(paths, port, stay=stay))
    except BaseExceptionGroup as group:
        mistakes, bugs = group.split(DevenvError)
        if mistakes is None or bugs is not None:
            raise
        error: BaseException = mistakes
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group


def _refuse_second() -> NoReturn:
    raise DevenvError(
        "another daemon of this user is being started",
        hint="type the command again",
        code="daemon.exists",
    )


def main() -> int:
    """Run the daemon, with `--serve PORT` in the foreground; return the exit code."""
    parser = argparse.ArgumentParser(prog="devenv.daemon")
    parser.add_argument("--serve", type=int, metavar="PORT")
    port = parser.parse_args().serve
    try:
        paths = MachinePaths.from_environment()
        configure_log(paths.state / "daemon.log", aloud=port is not None)
        with only_one(paths) as alone:
            if alone:
                _run(paths, port or https_port_of(dict(os.environ)), stay=port is not None)
            elif port is not None:
                _refuse_second()
    except DevenvError as error:
        sys.stderr.write(f"error: {error.message}\n\nhint: {error.hint}\n")
        return int(error.exit_code)
    except Exception:
        log.exception("the daemon ended by a bug")
        return int(ExitCode.FAILED)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
