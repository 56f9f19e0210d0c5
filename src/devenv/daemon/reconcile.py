"""The loop of one environment: observe, plan, apply, wait for the next thing to happen.

Events are the shim's exits, the probes' verdicts and the users' wishes; each only changes the
store or the wishes and wakes the loop, and `model.plan` decides. At most one action is under way
for a unit. Errors that a user can mend end in the unit's status; other units go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from devenv.daemon.prober import wait_until_ready
from devenv.daemon.setup import SetupStamps
from devenv.daemon.store import Signal, Store
from devenv.errors import DevenvError
from devenv.model.plan import (
    MOST_FAILURES,
    STEADY_S,
    Action,
    Desired,
    Start,
    Stop,
    Want,
    pause_s,
    plan,
    should_restart,
)
from devenv.model.spec import Project
from devenv.model.state import BROKEN, Event, Phase
from devenv.model.unit import Kind, Unit
from devenv.providers.native import MAIN, NativeProvider, describe_exit
from devenv.shim.protocol import RunStatus
from devenv.system.clock import Clock
from devenv.system.ports import holder, is_free

PORT_RELEASE_S = 2.0
"""How long a restarted unit waits for its old port: a child of the old process may hold it."""


class InterruptedByStopError(Exception):
    """The user stopped a unit while it was being prepared."""


class Reconciler:
    """Brings the units of one environment to what is wanted, and keeps them there."""

    def __init__(self, store: Store, stamps: SetupStamps, clock: Clock) -> None:
        self.store = store
        self._stamps = stamps
        self._clock = clock
        self._wake = Signal()
        self._dirty = True
        self._project: Project | None = None
        self._units: dict[str, Unit] = {}
        self._wanted: frozenset[str] = frozenset()
        self._provider: NativeProvider | None = None
        self._group: asyncio.TaskGroup | None = None
        self._probes: dict[str, asyncio.Task[None]] = {}

    @property
    def units(self) -> dict[str, Unit]:
        """The units as last defined."""
        return self._units

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the units that the user wants up."""
        return self._wanted

    def desired(self) -> dict[str, Desired]:
        """Return what the planner is told."""
        return {name: Desired(unit, name in self._wanted) for name, unit in self._units.items()}

    def define(self, project: Project, units: Iterable[Unit], wanted: Iterable[str]) -> None:
        """Take a new definition and new wishes."""
        self._project = project
        self._units = {unit.name: unit for unit in units}
        self.want(wanted)

    def want(self, names: Iterable[str]) -> None:
        """Take new wishes."""
        self._wanted = frozenset(names) & frozenset(self._units)
        self.wake()

    def wake(self) -> None:
        """Make the loop look again."""
        self._dirty = True
        self._wake.notify()

    def connect(self, provider: NativeProvider | None) -> None:
        """Use this provider from now on; None: nothing is started or stopped for now."""
        self._provider = provider
        self.wake()

    async def run(self) -> None:
        """Reconcile until cancelled; a bug in one unit's action ends the loop loudly."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._watch_adopted()
            while True:
                look_again_at = self._step(group)
                if not self._dirty:
                    pause = None
                    if look_again_at is not None:
                        pause = max(0.0, look_again_at - self._clock.monotonic())
                    await self._wake.wait(pause)

    def _step(self, group: asyncio.TaskGroup) -> float | None:
        self._dirty = False
        if self._provider is None:
            return None
        planned = plan(self.desired(), self.store.snapshot(), self._clock.monotonic())
        for action in planned.actions:
            self._begin(action, group)
        return planned.look_again_at

    def _begin(self, action: Action, group: asyncio.TaskGroup) -> None:
        name = action.name
        if isinstance(action, Want):
            self.store.happen(name, Event.WANTED, reason="", retry_at=None)
            self._dirty = True
        elif isinstance(action, Start):
            self.store.update(name, busy=True)
            group.create_task(self._start(self._units[name]), name=f"start {name}")
        else:
            self._stop(action, group)

    # -- starting ---------------------------------------------------------------------------

    async def _start(self, unit: Unit) -> None:
        try:
            if unit.kind is Kind.SETUP:
                await self._run_step(unit)
            else:
                await self._bring_up(unit)
        except InterruptedByStopError:
            self.store.happen(unit.name, Event.ENDED, reason="", digest="", pid=None)
        except DevenvError as error:
            self._start_failed(unit.name, error)
        except ConnectionError:
            self._start_broken_off(unit.name)
        finally:
            self.store.update(unit.name, busy=False)
            self.wake()

    def _start_failed(self, name: str, error: DevenvError) -> None:
        gone = {"digest": "", "pid": None}
        if self.store[name].phase is Phase.STOPPING:
            self.store.happen(name, Event.ENDED, reason="", **gone)
            return
        if self.store[name].phase in {Phase.WAITING, Phase.BACKOFF}:
            self.store.happen(name, Event.START)
        reason = error.message + (f"; {error.hint}" if error.hint else "")
        self.store.happen(name, Event.FAILED, reason=reason, **gone)

    def _start_broken_off(self, name: str) -> None:
        """The shim went away meanwhile: begin again once there is another."""
        phase = self.store[name].phase
        event = Event.RETRY if phase is Phase.STARTING else Event.ENDED
        if phase in {Phase.STARTING, Phase.PREPARING, Phase.STOPPING}:
            self.store.happen(name, event, reason="its shim was killed", digest="", pid=None)

    async def _run_step(self, unit: Unit) -> None:
        assert self._project is not None
        digest = await self._stamps.digest(self._project, unit)
        if self._stamps.is_done(unit, digest):
            self.store.happen(unit.name, Event.UP_TO_DATE, reason="")
            return
        self.store.happen(unit.name, Event.START, reason="")
        await self._spawn(unit, digest)

    async def _bring_up(self, unit: Unit) -> None:
        provider = self._connected()
        if provider.needs_preparation(unit):
            self.store.happen(unit.name, Event.PREPARE, reason="", digest=unit.digest)
            await provider.prepare(unit)
            self._check_not_stopped(unit)
        self.store.happen(unit.name, Event.START, reason="")
        await self._wait_for_port(unit)
        await self._spawn(unit, unit.digest)

    async def _spawn(self, unit: Unit, digest: str) -> None:
        self._check_not_stopped(unit)
        run = await self._connected().start(unit, digest=digest)
        self.store.happen(
            unit.name,
            Event.SPAWNED,
            digest=unit.digest,
            pid=run.pid,
            started_at=run.started_at,
            ready=False,
            ended=False,
        )
        self.watch_readiness(unit)

    def _connected(self) -> NativeProvider:
        if self._provider is None:
            raise DevenvError("the shim of this checkout is gone", hint="devenv up")
        return self._provider

    def _check_not_stopped(self, unit: Unit) -> None:
        if self.store[unit.name].phase is Phase.STOPPING:
            raise InterruptedByStopError

    async def _wait_for_port(self, unit: Unit) -> None:
        """Make sure that nobody else holds the unit's port, with a little patience on restarts."""
        if unit.endpoint is None:
            return
        host, port = unit.endpoint.host, unit.endpoint.port
        deadline = self._clock.monotonic() + PORT_RELEASE_S * bool(self.store[unit.name].restarts)
        try:
            while not is_free(host, port):
                if self._clock.monotonic() >= deadline:
                    other = await asyncio.to_thread(holder, host, port)
                    raise DevenvError(
                        f"cannot start `{unit.name}`: port {port} on {host} is in use by "
                        f"{other or 'another program'}",
                        hint=f"stop that program, then `devenv start {unit.name}`",
                        code="port.in-use",
                    )
                await self._clock.sleep(0.05)
        except OSError as error:
            raise DevenvError(
                f"cannot start `{unit.name}`: cannot listen on {host}:{port}: {error.strerror}",
                hint="set another `address` or `port` in `devenv.yml`",
                code="address.unusable",
            ) from error

    # -- readiness --------------------------------------------------------------------------

    def watch_readiness(self, unit: Unit) -> None:
        """Begin to probe a unit that has just been started or adopted."""
        self._forget_probe(unit.name)
        if unit.kind is Kind.SETUP:
            return
        if unit.probe is None:
            self.store.update(unit.name, ready=True, reason="")
            self.wake()
        elif self._group is not None:
            probing = self._probe(unit, self.store[unit.name].pid)
            self._probes[unit.name] = self._group.create_task(probing, name=f"probe {unit.name}")

    def _watch_adopted(self) -> None:
        """Probe what was found running before the loop began."""
        for name, unit in self._units.items():
            if self.store[name].phase is Phase.RUNNING and name not in self._probes:
                self.watch_readiness(unit)

    async def _probe(self, unit: Unit, pid: int | None) -> None:
        assert unit.probe is not None

        def report(reason: str) -> None:
            self.store.update(unit.name, reason=f"not ready yet: {reason}")

        await wait_until_ready(unit.probe, self._clock, report)
        status = self.store[unit.name]
        if status.phase is Phase.RUNNING and status.pid == pid:
            self.store.update(unit.name, ready=True, reason="")
            self.wake()

    def _forget_probe(self, name: str) -> None:
        probe = self._probes.pop(name, None)
        if probe is not None:
            probe.cancel()

    # -- stopping and ending ----------------------------------------------------------------

    def _stop(self, action: Stop, group: asyncio.TaskGroup) -> None:
        name = action.name
        self._forget_probe(name)
        was = self.store[name].phase
        self.store.happen(name, Event.STOP, ready=False, retry_at=None, reason=action.reason)
        if self.store[name].phase is Phase.STOPPING:
            self.store.update(name, busy=was is not Phase.RUNNING)
            group.create_task(self._end(name, action.reason), name=f"stop {name}")
        else:
            self.store.update(name, reason="")
            self._dirty = True

    async def _end(self, name: str, reason: str) -> None:
        try:
            await self._connected().stop(self._units.get(name), name, reason)
        except DevenvError:
            return  # nothing of it runs at this moment, or the shim is gone; both are noticed

    def restart(self, name: str) -> None:
        """Stop a unit so that the plan starts it again; a set-up step is simply done anew."""
        assert self._group is not None
        status = self.store[name]
        if self._units[name].kind is Kind.SETUP:
            self._stamps.clear(name)
        if status.phase is Phase.RUNNING and not status.busy:
            self._stop(Stop(name, "restart asked for"), self._group)
        else:
            self.retry(name)
        self.want({*self._wanted, name})

    def retry(self, name: str) -> None:
        """Try a broken, ended or paused unit again, with its failures forgotten."""
        status = self.store[name]
        if status.phase in BROKEN | {Phase.BACKOFF, Phase.DONE} and not status.busy:
            self.store.happen(name, Event.WANTED, failures=0, retry_at=None, reason="")
        self.store.update(name, ended=False)

    async def on_exit(self, run: RunStatus) -> None:
        """Take note that a run ended; whether it starts again is for the plan to say."""
        provider = self._provider
        if provider is not None and provider.deliver(run):
            return
        name = run.name
        while self.store[name].phase is Phase.STARTING:
            await self.store.changed.wait(1.0)
        self._forget_probe(name)
        gone = {"ready": False, "pid": None, "digest": ""}
        phase = self.store[name].phase
        if phase is Phase.RUNNING:
            self._ended_by_itself(run, gone)
        elif phase in {Phase.STOPPING, Phase.PREPARING}:
            self.store.happen(name, Event.ENDED, reason="", **gone)
        self.wake()

    def _ended_by_itself(self, run: RunStatus, gone: dict[str, object]) -> None:
        name, unit = run.name, self._units.get(run.name)
        code = 1 if run.exit is None else run.exit
        how = describe_exit(run.exit)
        if unit is None:
            self.store.happen(name, Event.ENDED, reason=how, **gone)
        elif unit.kind is Kind.SETUP:
            if code == 0:
                self._stamps.mark(name, run.digest)
                self.store.happen(name, Event.COMPLETED, reason="", **gone)
            else:
                reason = f"{how}; `devenv logs {name}` shows why"
                self.store.happen(name, Event.FAILED, reason=reason, **gone)
        elif not should_restart(unit.restart, code):
            self.store.happen(name, Event.ENDED, ended=True, reason=how, **gone)
        else:
            self._count_failure(run, how, gone)

    def _count_failure(self, run: RunStatus, how: str, gone: dict[str, object]) -> None:
        name, status = run.name, self.store[run.name]
        lived_s = (run.ended_at or time.time()) - run.started_at
        failures = 1 if lived_s >= STEADY_S else status.failures + 1
        if failures >= MOST_FAILURES:
            reason = (
                f"ended {failures} times in a row within {STEADY_S:g} s, at last {how}; "
                f"`devenv logs {name}` shows why"
            )
            self.store.happen(name, Event.GAVE_UP, failures=failures, reason=reason, **gone)
            return
        pause = pause_s(failures)
        self.store.happen(
            name,
            Event.RETRY,
            failures=failures,
            restarts=status.restarts + 1,
            retry_at=self._clock.monotonic() + pause,
            reason=f"{how}; starting again in {pause:g} s",
            **gone,
        )

    # -- adoption ---------------------------------------------------------------------------

    def adopt(self, runs: Iterable[RunStatus]) -> None:
        """Take over what a shim reports to run; nothing is restarted by this."""
        for run in runs:
            if run.exit is not None or run.ended_at is not None:
                continue
            unit = self._units.get(run.name)
            setup = unit is not None and unit.kind is Kind.SETUP
            self.store.update(
                run.name,
                phase=Phase.RUNNING if run.stage == MAIN else Phase.PREPARING,
                digest=unit.digest if setup and unit is not None else run.digest,
                pid=run.pid,
                started_at=run.started_at,
                busy=False,
            )
            if unit is not None and run.stage == MAIN:
                self.watch_readiness(unit)
        self.wake()

    def lost(self) -> None:
        """Take note that the shim was killed and that all its children have ended with it."""
        for name, status in self.store.snapshot().items():
            self._forget_probe(name)
            gone = {"ready": False, "pid": None, "digest": ""}
            if status.phase is Phase.RUNNING:
                again = {"restarts": status.restarts + 1, "reason": "its shim was killed"}
                unit = self._units.get(name)
                if unit is not None and unit.kind is Kind.SETUP:
                    self.store.happen(name, Event.FAILED, **gone, reason="its shim was killed")
                    self.retry(name)
                else:
                    self.store.happen(name, Event.RETRY, retry_at=None, **gone, **again)
            elif status.phase in {Phase.STOPPING, Phase.PREPARING} and not status.busy:
                self.store.happen(name, Event.ENDED, reason="", **gone)
        self.wake()
