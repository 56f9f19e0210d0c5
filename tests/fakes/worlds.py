"""A reconciler among fakes: facts in, actions and phases out, nothing real behind it."""

from __future__ import annotations

import asyncio
import functools
from itertools import count
from pathlib import Path
from typing import Self

from fakes.clock import FakeClock, settle
from fakes.configuration import project_of

from devenv.daemon.reconcile import Reconciler
from devenv.daemon.store import Store
from devenv.errors import TerminalError
from devenv.model.spec import Restart
from devenv.model.state import Phase
from devenv.model.unit import Endpoint, Job, Kind, TcpProbe, Unit
from devenv.providers.native import MAIN, PREPARE
from devenv.shim.protocol import RunStatus, describe_exit

JOB = Job(("true",), Path("/"))
PROBE = TcpProbe(Endpoint("127.0.0.9", 1))


def unit(name, *needs, kind=Kind.PROCESS, digest="d", restart=Restart.ON_FAILURE, **fields):
    return Unit(
        name=name, kind=kind, digest=digest, needs=needs, restart=restart, job=JOB, **fields
    )


def step(name, *needs, **fields):
    return unit(name, *needs, kind=Kind.SETUP, restart=Restart.NO, **fields)


def run(name, pid=1, *, stage=MAIN, digest="d", code=None, lived_s=1.0, reason=""):
    """What a shim tells of a run; with a *code* it has ended."""
    ended_at = None if code is None else 100.0 + lived_s
    return RunStatus(name, stage, digest, pid, 7, 100.0, code, ended_at, reason)


class FakeProvider:
    """A provider that notes what is asked of it and does what the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.unprepared: set[str] = set()
        """Names of units that must be prepared first."""
        self.errors: dict[str, Exception] = {}
        """What the next start of a unit raises."""
        self.running: dict[str, RunStatus] = {}
        self._pids = count(1)
        self._waiting: dict[str, asyncio.Future[RunStatus]] = {}

    def needs_preparation(self, wanted: Unit) -> bool:
        return wanted.name in self.unprepared

    async def prepare(self, wanted: Unit) -> None:
        self.calls.append(f"prepare {wanted.name}")
        future = self._waiting[wanted.name] = asyncio.get_running_loop().create_future()
        ended = await future
        if ended.exit:
            raise TerminalError(f"cannot prepare `{wanted.name}`: {describe_exit(ended.exit)}")
        self.unprepared.discard(wanted.name)

    async def start(self, wanted: Unit, *, digest: str) -> RunStatus:
        self.calls.append(f"start {wanted.name}")
        await asyncio.sleep(0)
        if wanted.name in self.errors:
            raise self.errors.pop(wanted.name)
        self.running[wanted.name] = run(wanted.name, next(self._pids), digest=digest)
        return self.running[wanted.name]

    async def stop(self, _unit: Unit | None, name: str, reason: str) -> None:
        self.calls.append(f"stop {name}: {reason}")

    def deliver(self, ended: RunStatus) -> bool:
        future = self._waiting.pop(ended.name, None)
        if future is None or ended.stage != PREPARE:
            return False
        future.set_result(ended)
        return True

    def inherit(self, former: FakeProvider) -> None:
        self._waiting = former._waiting

    def abandon(self) -> None:
        for future in self._waiting.values():
            future.set_exception(ConnectionResetError("the shim was killed"))
        self._waiting.clear()

    def hang_up(self) -> None:
        self.calls.append("hang up")


class FakeStamps:
    """Set-up stamps in memory; `inputs` is what the steps' inputs are at the moment."""

    def __init__(self) -> None:
        self.inputs = "1"
        self.done: dict[str, str] = {}
        self.error: OSError | None = None

    async def digest(self, _project, wanted: Unit) -> str:
        return f"{wanted.digest}/{self.inputs}"

    def is_done(self, wanted: Unit, digest: str) -> bool:
        return self.done.get(wanted.name) == digest

    def mark(self, name: str, digest: str) -> None:
        if self.error is not None:
            raise self.error
        self.done[name] = digest

    def clear(self, name: str) -> None:
        self.done.pop(name, None)


class World:
    """One environment's reconciler, running inside `async with`."""

    def __init__(self, monkeypatch, *units: Unit, wanted=None) -> None:
        self.clock = FakeClock()
        self.store = Store()
        self.stamps = FakeStamps()
        self.provider = FakeProvider()
        self.reconciler = Reconciler(self.store, self.stamps, self.clock)
        self._passed: dict[object, asyncio.Event] = {}
        monkeypatch.setattr("devenv.daemon.reconcile.wait_until_ready", self._wait_until_ready)
        self.define(*units, wanted=wanted)

    def define(self, *units: Unit, wanted=None) -> None:
        names = [each.name for each in units] if wanted is None else wanted
        self.reconciler.define(project_of("name: app"), units, names)

    async def _wait_until_ready(self, probe, _clock, report) -> None:
        report("connection refused")
        await self._passed.setdefault(probe, asyncio.Event()).wait()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.reconciler.run())
        self.reconciler.connect(self.provider)
        await settle()
        return self

    async def __aexit__(self, *_exc) -> None:
        ended_by_itself = self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        assert not ended_by_itself, self._task.exception()

    def phase(self, name: str) -> Phase:
        return self.store[name].phase

    def calls(self) -> list[str]:
        """What was asked of the provider since the last look."""
        calls, self.provider.calls[:] = list(self.provider.calls), []
        return calls

    async def ready(self, name: str) -> None:
        """The unit's probe passes."""
        self._passed.setdefault(self.reconciler.units[name].probe, asyncio.Event()).set()
        await settle()

    async def ends(self, name: str, code: int = 0, *, lived_s: float = 1.0, reason="") -> None:
        """The unit's run ends."""
        pid = self.store[name].pid
        digest = self.provider.running[name].digest
        await self.tell(run(name, pid, code=code, digest=digest, lived_s=lived_s, reason=reason))

    async def tell(self, status: RunStatus) -> None:
        """The shim reports an exit."""
        await self.reconciler.on_exit(status)
        await settle()

    async def until(self, fact) -> None:
        """Go on in the smallest steps until *fact* holds."""
        for _ in range(50):
            if fact():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never happened")

    async def passes(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        self.reconciler.wake()
        await settle()

    async def want(self, *names: str) -> None:
        self.reconciler.want(names)
        await settle()

    async def lose_shim(self, runs=()) -> None:
        """The shim is gone; another one is reached and has *runs*."""
        self.reconciler.connect(None)
        await settle()
        await self.reconciler.adopt({each.name: each for each in runs})
        self.provider = FakeProvider()
        self.reconciler.connect(self.provider)
        await settle()


def scripted(test):
    """Run an async test to its end."""

    @functools.wraps(test)
    def play(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return play
