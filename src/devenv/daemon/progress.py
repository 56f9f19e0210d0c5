"""Waits until an environment has settled, and tells whoever waits how it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from devenv.daemon.environment import Environment
from devenv.daemon.logs import last_line
from devenv.daemon.views import unit_view
from devenv.model.plan import Status, blockers, satisfied
from devenv.model.state import BROKEN, Phase
from devenv.model.unit import Kind

Json = dict[str, Any]
Emit = Callable[[Json], Awaitable[None]]

SURVIVED_S = 0.25
"""How long a unit without a check must have lived before `up` calls it ready."""
TICK_S = 0.5
"""How often somebody who watches is told of long work."""


def hopeless(environment: Environment, names: Iterable[str]) -> list[str]:
    """Return the units that will not become ready by themselves, root causes first."""
    desired, observed = environment.reconciler.desired(), environment.store.snapshot()
    lost: list[str] = [name for name in names if _is_lost(environment, name)]
    grown = True
    while grown:
        blocked = [
            name
            for name in names
            if name not in lost
            and environment.store[name].phase is Phase.WAITING
            and set(blockers(name, desired, observed)) & set(lost)
        ]
        lost += blocked
        grown = bool(blocked)
    return lost


def _is_lost(environment: Environment, name: str) -> bool:
    unit, status = environment.reconciler.units[name], environment.store[name]
    unwanted = name not in environment.reconciler.wanted and status.phase is Phase.STOPPED
    return (
        unwanted or status.phase in BROKEN or status.ended or overdue(unit.ready_timeout_s, status)
    )


def overdue(timeout_s: float, status: Status) -> bool:
    """Tell whether a unit has run for longer than it may without being ready."""
    return (
        status.phase is Phase.RUNNING
        and not status.ready
        and status.started_at is not None
        and time.time() - status.started_at > timeout_s
    )


async def settle_up(environment: Environment, names: frozenset[str], emit: Emit) -> list[str]:
    """Return once all *names* are ready, or none of the others can become so: those others."""
    reporter = _Reporter(environment, emit)
    while True:
        await reporter.report()
        units = environment.reconciler.units
        present = [name for name in names if name in units]
        missing = [n for n in present if not satisfied(units[n], environment.store[n])]
        lost = hopeless(environment, missing)
        pause_s = TICK_S
        if len(lost) == len(missing):
            pause_s = max((_unproven_s(environment, name) for name in present), default=0.0)
            if pause_s <= 0:
                return lost
        await environment.store.changed.wait(pause_s)


def _unproven_s(environment: Environment, name: str) -> float:
    """Return how much longer a unit without a check must live before anybody is told it is up.

    A program that cannot even import its modules has ended by then.
    """
    unit, status = environment.reconciler.units[name], environment.store[name]
    checked = unit.probe is not None or unit.kind is Kind.SETUP
    if checked or status.phase is not Phase.RUNNING or status.started_at is None:
        return 0.0
    return status.started_at + SURVIVED_S - time.time()


async def settle_down(
    environment: Environment,
    names: Iterable[str],
    emit: Emit,
    ending: asyncio.Future[None] | None = None,
) -> None:
    """Return once none of *names* runs any more, or *ending* is over."""
    reporter = _Reporter(environment, emit)
    waiting = list(names)
    while any(environment.store[name].pid or environment.store[name].busy for name in waiting):
        if ending is not None and ending.done():
            break
        await reporter.report()
        await environment.store.changed.wait(TICK_S)
    await reporter.report()


class _Reporter:
    """Emits each unit whose view changed, and the last line of what works for long."""

    def __init__(self, environment: Environment, emit: Emit) -> None:
        self._environment = environment
        self._emit = emit
        self._told: dict[str, Json] = {}

    async def report(self) -> None:
        reconciler = self._environment.reconciler
        for name, unit in reconciler.units.items():
            status = self._environment.store[name]
            view = unit_view(unit, status, wanted=name in reconciler.wanted)
            working = status.phase is Phase.PREPARING or (
                unit.kind is Kind.SETUP and status.phase is Phase.RUNNING
            )
            if working:
                view["detail"] = last_line(self._environment.paths.logs / f"{name}.log")
            if view != self._told.get(name):
                self._told[name] = view
                await self._emit({"event": "unit", "unit": view})
