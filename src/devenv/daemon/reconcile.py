"""The loop of one environment: observe, plan, apply, wait for the next thing to happen.

Events are the shim's exits, the probes' verdicts and the users' wishes; each only changes the
store or the wishes and wakes the loop, and `model.plan` decides. At most one action is under way
for a unit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from devenv.daemon.exits import GONE, Verdict, judge
from devenv.daemon.prober import wait_until_ready
from devenv.daemon.setup import SetupStamps
from devenv.daemon.starting import Starter
from devenv.daemon.store import Signal, Store
from devenv.errors import DevenvError
from devenv.model.plan import Action, Desired, Start, Stop, Want, plan
from devenv.model.spec import Project
from devenv.model.state import BROKEN, Event, Phase
from devenv.model.unit import Kind, Unit
from devenv.providers.native import MAIN, NativeProvider
from devenv.shim.protocol import RunStatus
from devenv.system.clock import Clock

PROVEN_S = 2.0
"""A unit without a check that failed before is believed in once it has lived this long."""


class Reconciler:
    """Brings the units of one environment to what is wanted, and keeps them there."""

    def __init__(self, store: Store, stamps: SetupStamps, clock: Clock) -> None:
        self.store = store
        self.units: dict[str, Unit] = {}
        """The units as last defined."""
        self.wanted: frozenset[str] = frozenset()
        """Names of the units that the user wants up."""
        self._stamps = stamps
        self._clock = clock
        self._starter = Starter(store, stamps, clock)
        self._wake = Signal()
        self._dirty = True
        self._project: Project | None = None
        self._provider: NativeProvider | None = None
        self._group: asyncio.TaskGroup | None = None
        self._probes: dict[str, asyncio.Task[None]] = {}

    # -- wishes -----------------------------------------------------------------------------

    def desired(self) -> dict[str, Desired]:
        """Return what the planner is told."""
        return {name: Desired(unit, name in self.wanted) for name, unit in self.units.items()}

    def define(self, project: Project, units: Iterable[Unit], wanted: Iterable[str]) -> None:
        """Take a new definition and new wishes."""
        self._project = project
        self.units = {unit.name: unit for unit in units}
        for name in [name for name in self.store if name not in self.units]:
            if self.store[name].pid is None and not self.store[name].busy:
                self.store.drop(name)
        self.want(wanted)

    def want(self, names: Iterable[str]) -> None:
        """Take new wishes."""
        self.wanted = frozenset(names) & frozenset(self.units)
        self.wake()

    def restart(self, name: str) -> None:
        """Stop a unit so that the plan starts it again; a set-up step is done anew."""
        status = self.store[name]
        if self.units[name].kind is Kind.SETUP:
            self._stamps.clear(name)
        if status.phase is Phase.RUNNING and not status.busy and self._group is not None:
            self._stop(Stop(name, "restart asked for"), self._group)
        else:
            self.retry(name)
        self.want({*self.wanted, name})

    def retry(self, name: str) -> None:
        """Try a broken, ended or paused unit again, with its failures forgotten."""
        status = self.store[name]
        if status.phase in BROKEN | {Phase.BACKOFF, Phase.DONE} and not status.busy:
            self.store.happen(name, Event.WANTED, failures=0, retry_at=None, reason="")
        self.store.update(name, ended=False)
        self.wake()

    # -- the loop ---------------------------------------------------------------------------

    def wake(self) -> None:
        """Make the loop look again."""
        self._dirty = True
        self._wake.notify()

    def connect(self, provider: NativeProvider | None) -> None:
        """Use this provider from now on; None: nothing is started or stopped for now."""
        if self._provider is not None and provider is None:
            self._provider.abandon()
        elif self._provider is not None and provider is not None:
            provider.inherit(self._provider)
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
        if self._provider is None or self._project is None:
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
            assert self._project is not None
            assert self._provider is not None
            self.store.update(name, busy=True)
            # the provider of this moment: another may be connected before the task begins
            starting = self._start(self.units[name], self._project, self._provider)
            group.create_task(starting, name=f"start {name}")
        else:
            self._stop(action, group)

    async def _start(self, unit: Unit, project: Project, provider: NativeProvider) -> None:
        try:
            await self._starter.start(unit, project, provider)
        finally:
            self.store.update(unit.name, busy=False)
            self.wake()
        if self.store[unit.name].phase is Phase.RUNNING:
            self._watch_readiness(unit)

    def _stop(self, action: Stop, group: asyncio.TaskGroup) -> None:
        name = action.name
        self._forget_probe(name)
        self.store.happen(name, Event.STOP, ready=False, retry_at=None, reason=action.reason)
        if self.store[name].phase is Phase.STOPPING:
            group.create_task(self._end(name, action.reason), name=f"stop {name}")
        else:
            self.store.update(name, reason="")
            self._dirty = True

    async def _end(self, name: str, reason: str) -> None:
        if self._provider is None:
            return
        try:
            await self._provider.stop(self.units.get(name), name, reason)
        except (DevenvError, ConnectionError, TimeoutError):
            return  # nothing of it runs at this moment, or the shim is gone or slow: all noticed

    # -- readiness --------------------------------------------------------------------------

    def _watch_readiness(self, unit: Unit) -> None:
        """Begin to probe a unit that runs."""
        self._forget_probe(unit.name)
        if unit.kind is Kind.SETUP:
            return
        if unit.probe is None and self.store[unit.name].failures == 0:
            self.store.update(unit.name, ready=True, reason="")
            self.wake()
        elif self._group is not None:
            probing = self._probe(unit, self.store[unit.name].pid)
            self._probes[unit.name] = self._group.create_task(probing, name=f"probe {unit.name}")

    def _watch_adopted(self) -> None:
        """Probe what was found running before the loop began."""
        for name, unit in self.units.items():
            status = self.store[name]
            if status.phase is Phase.RUNNING and not status.ready and name not in self._probes:
                self._watch_readiness(unit)

    async def _probe(self, unit: Unit, pid: int | None) -> None:
        def report(reason: str) -> None:
            self.store.update(unit.name, reason=f"not ready yet: {reason}")

        if unit.probe is None:
            await self._clock.sleep(PROVEN_S)
        else:
            await wait_until_ready(unit.probe, self._clock, report)
        status = self.store[unit.name]
        if status.phase is Phase.RUNNING and status.pid == pid:
            self.store.update(unit.name, ready=True, reason="")
            self.wake()

    def _forget_probe(self, name: str) -> None:
        probe = self._probes.pop(name, None)
        if probe is not None:
            probe.cancel()

    # -- what the shim reports --------------------------------------------------------------

    async def on_exit(self, run: RunStatus) -> None:
        """Take note that a run ended; whether it starts again is for the plan to say."""
        if self._provider is not None and self._provider.deliver(run):
            return
        name = run.name
        while self.store[name].phase is Phase.STARTING:  # the answer to `start` is on its way
            await self.store.changed.wait(1.0)
        status = self.store[name]
        if status.busy or status.pid != run.pid:
            return  # a former run of the same name: told twice, or too late
        self._forget_probe(name)
        if status.phase is Phase.RUNNING:
            verdict = judge(self.units.get(name), run, status, self._clock.monotonic())
            if verdict.event is Event.COMPLETED:
                verdict = self._stamped(run, verdict)
            self.store.happen(name, verdict.event, **verdict.changes)
        elif status.phase in {Phase.STOPPING, Phase.PREPARING}:
            self.store.happen(name, Event.ENDED, reason="", **GONE)
        self.wake()

    def _stamped(self, run: RunStatus, verdict: Verdict) -> Verdict:
        """Note that a set-up step is done; a step that cannot be noted is a failed one."""
        try:
            self._stamps.mark(run.name, run.digest)
        except OSError as error:
            reason = (
                f"cannot note that it is done: {error.strerror}; "
                "free some space or mend the permissions of `.devenv/`, then `devenv up`"
            )
            return Verdict(Event.FAILED, {**GONE, "reason": reason})
        return verdict

    async def adopt(self, runs: Mapping[str, RunStatus]) -> None:
        """Make the store agree with what the shim has; nothing is restarted by this.

        What runs is taken over, what ended while nobody looked is judged now, and what the shim
        does not have was lost with a former shim: all its children have ended with it.
        """
        for name, status in self.store.snapshot().items():
            if name not in runs and not status.busy:
                self._lose(name)
        for name, run in runs.items():
            status = self.store[name]
            fresh = name not in self.store and name in self.units
            unwatched = fresh and run.stage == MAIN and not run.reason
            if not status.busy and (run.ended_at is None or unwatched):
                self._take_over(run)
            if run.ended_at is not None:
                await self.on_exit(run)
        self._watch_adopted()
        self.wake()

    def _take_over(self, run: RunStatus) -> None:
        unit = self.units.get(run.name)
        is_step = unit is not None and unit.kind is Kind.SETUP
        self.store.update(
            run.name,
            phase=Phase.RUNNING if run.stage == MAIN else Phase.PREPARING,
            digest=unit.digest if unit is not None and is_step else run.digest,
            pid=run.pid,
            started_at=run.started_at,
            retry_at=None,
            reason="",
        )

    def _lose(self, name: str) -> None:
        """Take note that a unit ended together with its shim."""
        reason = "its shim was killed"
        self._forget_probe(name)
        status, unit = self.store[name], self.units.get(name)
        if status.phase is Phase.RUNNING and unit is not None and unit.kind is Kind.SETUP:
            self.store.happen(name, Event.FAILED, reason=reason, **GONE)
            self.retry(name)
        elif status.phase is Phase.RUNNING:
            again = {"restarts": status.restarts + 1, "retry_at": None, "reason": reason}
            self.store.happen(name, Event.RETRY, **GONE, **again)
        elif status.phase in {Phase.STOPPING, Phase.PREPARING}:
            self.store.happen(name, Event.ENDED, **GONE, reason="")
