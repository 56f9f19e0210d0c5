"""The daemon's side of a shim: start one, talk to it, follow what it says.

One connection carries requests, answers and events; there is no task behind it, so that it needs
no owner: asyncio calls the connection when bytes arrive. A time-out means that nothing is known of
the shim, never that it is gone.
"""

from __future__ import annotations

import asyncio
import signal as signals
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from devenv.errors import DevenvError
from devenv.shim.framing import Lines, decode_line, encode_line
from devenv.shim.orphans import end_orphans
from devenv.shim.protocol import Fields, RefusedError, Run, RunStatus, ShimState

__all__ = ["Run", "RunStatus", "ShimClient", "ShimPaths", "ShimState", "end_orphans", "spawn"]

SPAWN_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 10.0
"""One budget for every request but `watch`; a start waits for exec, so slow disks count."""
_RETRY_S = 0.02
_SHIM = "import sys; sys.path.insert(0, sys.argv[2]); from devenv.shim.main import main; main()"
"""Run with -I -S: no site-packages and nothing of the user's, which keeps the shim small."""
_SOURCE = Path(__file__).resolve().parents[2]
"""The folder that holds the package."""


@dataclass(frozen=True, slots=True)
class ShimPaths:
    """Where one shim is found; all absolute, the socket's short enough for sun_path."""

    identity: str
    socket: Path
    record: Path
    log: Path


async def spawn(paths: ShimPaths) -> None:
    """Start a shim that outlives this process; return when it answers.

    If one already runs for this record, that one answers: it binds its socket again if it must.

    Raises:
        DevenvError: it does not answer in time, or cannot start.
    """
    paths.log.parent.mkdir(parents=True, exist_ok=True)
    places = (paths.identity, paths.socket, paths.record, paths.log)
    arguments = ("-I", "-S", "-c", _SHIM, "devenv-shim", _SOURCE)
    try:
        async with asyncio.timeout(SPAWN_TIMEOUT_S):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *map(str, arguments + places),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env={},
            )
            _, errors = await process.communicate()
            if process.returncode:
                raise _cannot_spawn(paths, errors.decode(errors="replace"))
            await _wait_for_answer(paths.socket)
    except TimeoutError:
        raise _cannot_spawn(paths, _last_lines(paths.log)) from None


async def _wait_for_answer(socket: Path) -> None:
    """Connect until it works; the first try does, unless an older shim is binding again."""
    while True:
        try:
            client = await ShimClient.connect(socket)
        except (FileNotFoundError, ConnectionError):
            await asyncio.sleep(_RETRY_S)
        else:
            await client.close()
            return


def _last_lines(log: Path) -> str:
    try:
        return log.read_text(errors="replace")[-2000:]
    except OSError:
        return ""


def _cannot_spawn(paths: ShimPaths, output: str) -> DevenvError:
    last = output.strip().rpartition("\n")[2] or "it does not answer"
    return DevenvError(
        f"cannot start the shim of `{paths.identity}`: {last}",
        hint=f"look into {paths.log}",
        code="shim.not-started",
    )


class ShimClient:
    """One connection to a shim, subscribed to its events from the start."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    @classmethod
    async def connect(cls, socket: Path, *, timeout_s: float = 2.0) -> ShimClient:
        """Connect and subscribe.

        Raises:
            FileNotFoundError: no shim, as is ConnectionRefusedError.
            TimeoutError: unknown.
        """
        async with asyncio.timeout(timeout_s):
            loop = asyncio.get_running_loop()
            _, wire = await loop.create_unix_connection(_Wire, str(socket))
            client = cls(wire)
            try:
                await wire.request({"op": "subscribe"})
            except BaseException:
                await client.close()
                raise
        return client

    async def list(self) -> ShimState:
        """Return everything the shim knows."""
        return ShimState.decode(await self._ask({"op": "list"}))

    async def start(self, run: Run) -> RunStatus:
        """Start a run, in the place of an ended one of its name.

        Raises:
            DevenvError: `run.exists`, `run.no-program`, `run.no-interpreter`, `run.no-folder`,
                `run.no-permission`, `run.no-resources` or `run.not-started`; there is no run then.
        """
        return RunStatus.decode(await self._ask({"op": "start", "run": run.encode()}))

    async def stop(
        self, name: str, *, grace_s: float, reason: str, signal: int = signals.SIGTERM
    ) -> None:
        """Begin to stop a run; `exits` tells when nothing of it lives any more.

        To do it again may only shorten the grace; an ended run is left as it is.
        """
        await self._ask(
            {
                "op": "stop",
                "name": name,
                "grace_s": grace_s,
                "reason": reason,
                "signal": int(signal),
            }
        )

    async def forget(self, name: str) -> None:
        """Take an ended run out of `list`; one that is not there is fine."""
        await self._ask({"op": "forget", "name": name})

    async def set_note(self, text: str) -> None:
        """Have the shim keep *text*, at most 1 MiB of characters, until it ends."""
        await self._ask({"op": "note", "text": text})

    async def watch(self, name: str, *, inode: int, size: int) -> None:
        """Return when the run's log is at another position than (inode, size).

        Raises:
            DevenvError: `run.unknown`.
        """
        await self._wire.request({"op": "watch", "name": name, "inode": inode, "size": size})

    async def shutdown(self) -> None:
        """End the shim; return when it has hung up, which is the last thing it does.

        Raises:
            DevenvError: `shim.busy`, something still runs.
        """
        await self._ask({"op": "shutdown"})
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            await self._wire.closed.wait()

    async def exits(self) -> AsyncIterator[RunStatus]:
        """Yield every run that ends, since `connect`; just stop when the connection is lost.

        There may be one reader.
        """
        while (status := await self._wire.events.get()) is not None:
            yield status

    async def close(self) -> None:
        """Hang up; the runs go on."""
        self._wire.close()
        await self._wire.closed.wait()

    def abort(self) -> None:
        """Hang up on a shim that does not answer, without waiting; the runs go on."""
        self._wire.abort()

    async def _ask(self, message: dict[str, object]) -> object:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            return await self._wire.request(message)


class _Wire(asyncio.Protocol):
    """Matches answers to requests and queues events; called by asyncio, owns no task."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[RunStatus | None] = asyncio.Queue()
        self.closed = asyncio.Event()
        self._transport: asyncio.WriteTransport | None = None
        self._lines = Lines()
        self._ids = count(1)
        self._waiting: dict[object, asyncio.Future[object]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Deliver what has arrived whole; a shim that talks nonsense is hung up on."""
        try:
            for line in self._lines.feed(data):
                self._deliver(decode_line(line))
        except RefusedError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Fail what is still waiting."""
        self.closed.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection to the shim was lost"))
        self.events.put_nowait(None)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once, whatever has not been sent."""
        if self._transport is not None:
            self._transport.abort()

    async def request(self, message: dict[str, object]) -> object:
        """Return the answer to *message*.

        Raises:
            DevenvError: the shim refused.
            ConnectionError: the connection was lost before the answer.
        """
        if self._transport is None or self.closed.is_set():
            raise ConnectionError("the connection to the shim was lost")
        number = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._transport.write(encode_line({"id": number, **message}))
        try:
            return await future
        except asyncio.CancelledError:
            if message["op"] == "watch" and not self._transport.is_closing():
                self._transport.write(encode_line({"id": 0, "op": "unwatch", "request": number}))
            raise
        finally:
            del self._waiting[number]

    def _deliver(self, message: dict[str, object]) -> None:
        if "event" in message:
            if message["event"] == "exited":
                self.events.put_nowait(RunStatus.decode(message.get("run")))
            return
        number = message.get("id")
        future = self._waiting.get(number) if isinstance(number, int) else None
        if future is None or future.done():
            return
        if "error" in message:
            error = Fields(message["error"])
            future.set_exception(
                DevenvError(
                    error.text("message"), hint=error.text("hint", ""), code=error.text("code")
                )
            )
        else:
            future.set_result(message.get("ok"))
