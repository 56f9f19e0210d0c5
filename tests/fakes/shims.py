"""A real shim in a temporary folder, for tests; everything it started is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from devenv.shim import kernel
from devenv.shim.client import Run, RunStatus, ShimClient, ShimPaths, spawn

PATH = os.environ["PATH"]


class Shim:
    """A shim that answers, one client of it, and the folder its logs are in."""

    def __init__(self, paths: ShimPaths, client: ShimClient, pid: int, folder: Path) -> None:
        self.paths = paths
        self.client = client
        self.pid = pid
        self.folder = folder
        self._exits = client.exits()

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def text(self, name: str) -> str:
        return self.log(name).read_text()

    def run(self, name: str, script: str, **fields) -> Run:
        values = {
            "stage": "main",
            "digest": "d",
            "argv": ("sh", "-c", script),
            "cwd": str(self.folder),
            "environment": {"PATH": PATH, "PYTHON": sys.executable},
            "log": str(self.log(name)),
        }
        return Run(name=name, **{**values, **fields})

    async def start(self, name: str, script: str, **fields) -> RunStatus:
        return await self.client.start(self.run(name, script, **fields))

    async def ended(self, name: str) -> RunStatus:
        async for status in self._exits:
            if status.name == name:
                return status
        raise ConnectionError("the shim has gone")

    async def printed(self, name: str, text: str) -> str:
        """Wait, by watching the log, until it holds *text*; return the whole of it."""
        while True:
            path = self.log(name)
            status = path.stat() if path.exists() else None
            if status is not None and text in path.read_text(errors="replace"):
                return path.read_text(errors="replace")
            inode, size = (status.st_ino, status.st_size) if status else (0, 0)
            await self.client.watch(name, inode=inode, size=size)


async def gone(pid: int) -> None:
    """Wait until no process has that pid, or only a zombie."""
    while kernel.alive_since(pid):  # noqa: ASYNC110 (there is no event to wait for)
        await asyncio.sleep(0.01)


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError(f"no VmRSS of {pid}")


def paths_in(folder: Path, identity: str = "test") -> ShimPaths:
    state = folder / "state"
    return ShimPaths(identity, folder / "s.sock", state / "shim.json", state / "shim.log")


@asynccontextmanager
async def running_shim(folder: Path) -> AsyncIterator[Shim]:
    paths = paths_in(folder)
    await spawn(paths)
    client = await ShimClient.connect(paths.socket)
    pid = (await client.list()).pid
    try:
        yield Shim(paths, client, pid, folder)
    finally:
        await client.close()
        await end(pid)


async def end(pid: int) -> None:
    """End a shim and everything it still runs."""
    left = kernel.children(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    for child in left:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    async with asyncio.timeout(10):
        await gone(pid)
