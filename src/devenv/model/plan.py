"""Pure. From desired and observed state to actions.

Nothing here starts, stops or waits: the daemon observes, calls `plan`, applies what it says and
calls it again when something happened. The rules:

* a wanted unit starts as soon as everything that it needs is ready or done, and not before;
* what is not wanted any more stops, dependents before what they need;
* what runs with another digest than its definition's is stopped, and then started anew;
* a unit with an action under way, or whose liveness is not known, is left alone: unknown is not
  gone, and a second MySQL on one data folder is worse than waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devenv.model.spec import Restart
from devenv.model.state import LIVE, Phase
from devenv.model.unit import Kind, Unit

FIRST_PAUSE_S = 0.1
"""Pause before the first restart; doubled each time. Short: a server killed by hand is back at
once."""
LONGEST_PAUSE_S = 5.0
"""Longer pauses only make a developer wait after the mistake is mended."""
STEADY_S = 10.0
"""A unit that lived this long was no start failure: counting begins anew (systemd's
StartLimitIntervalSec has the same default)."""
MOST_FAILURES = 6
"""Start failures in a row before a unit counts as crashed: about six seconds of tries."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A unit as `devenv.yml` has it, and whether the user wants it up."""

    unit: Unit
    wanted: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a unit."""

    phase: Phase = Phase.STOPPED
    ready: bool = False
    busy: bool = False
    """An action is under way, or the unit's liveness is not known."""
    ended: bool = False
    """It ended by itself and its restart policy leaves it so."""
    digest: str = ""
    """Of the running thing; empty if nothing runs."""
    pid: int | None = None
    started_at: float | None = None
    """Seconds since the epoch."""
    restarts: int = 0
    failures: int = 0
    """Start failures in a row."""
    retry_at: float | None = None
    """Monotonic seconds; when a unit in back-off is started again."""
    reason: str = ""
    """Why it is not simply running: shown to the user."""


@dataclass(frozen=True, slots=True)
class Want:
    """Begin to wait for what the unit needs."""

    name: str


@dataclass(frozen=True, slots=True)
class Start:
    """Prepare and start the unit, or run the set-up step if it is not up to date."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the unit: TERM, grace, KILL."""

    name: str
    reason: str


Action = Want | Start | Stop


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to look again although nothing happened (monotonic seconds)."""

    actions: tuple[Action, ...]
    look_again_at: float | None = None


def plan(desired: Mapping[str, Desired], observed: Mapping[str, Status], now: float) -> Plan:
    """Return the actions that turn *observed* into *desired*; *now* is monotonic seconds."""
    names = [*desired, *(name for name in observed if name not in desired)]
    actions = tuple(
        action for name in names if (action := _decide(name, desired, observed, now)) is not None
    )
    pauses = [
        status.retry_at
        for name, status in observed.items()
        if status.phase is Phase.BACKOFF and status.retry_at is not None and status.retry_at > now
    ]
    return Plan(actions, min(pauses, default=None))


def _decide(
    name: str, desired: Mapping[str, Desired], observed: Mapping[str, Status], now: float
) -> Action | None:
    status = observed.get(name, Status())
    wish = desired.get(name)
    unwanted = wish is None or not wish.wanted
    if status.busy and not (unwanted and status.phase is Phase.PREPARING):
        return None  # an installation may be broken off; nothing else is cut short
    if wish is None or not wish.wanted:
        return _end(name, status, desired, observed)
    return _advance(wish.unit, status, desired, observed, now)


def _advance(
    unit: Unit,
    status: Status,
    desired: Mapping[str, Desired],
    observed: Mapping[str, Status],
    now: float,
) -> Action | None:
    name = unit.name
    if status.phase is Phase.STOPPED:
        return None if status.ended else Want(name)
    if status.phase is Phase.WAITING:
        return Start(name) if not blockers(name, desired, observed) else None
    if status.phase is Phase.BACKOFF:
        due = status.retry_at is None or now >= status.retry_at
        return Start(name) if due else None
    changed = status.digest != unit.digest and unit.kind is not Kind.SETUP
    if status.phase is Phase.RUNNING and changed:
        return Stop(name, "its definition changed")
    return None


def _end(
    name: str, status: Status, desired: Mapping[str, Desired], observed: Mapping[str, Status]
) -> Action | None:
    finished = status.phase in {Phase.STOPPED, Phase.DONE, Phase.STOPPING}
    if finished or any(
        observed.get(other, Status()).phase in LIVE
        for other, wish in desired.items()
        if name in wish.unit.needs and not wish.wanted
    ):
        return None
    return Stop(name, "not wanted any more" if name in desired else "not in devenv.yml any more")


def satisfied(unit: Unit, status: Status) -> bool:
    """Tell whether others may rely on the unit."""
    if unit.kind is Kind.SETUP:
        return status.phase is Phase.DONE
    return status.phase is Phase.RUNNING and status.ready


def blockers(
    name: str, desired: Mapping[str, Desired], observed: Mapping[str, Status]
) -> tuple[str, ...]:
    """Return which of the unit's needs are not ready, in the order it names them."""
    return tuple(
        need
        for need in desired[name].unit.needs
        if need in desired and not satisfied(desired[need].unit, observed.get(need, Status()))
    )


def should_restart(policy: Restart, exit_code: int) -> bool:
    """Apply a restart policy; *exit_code* is negative for a signal."""
    return policy is Restart.ALWAYS or (policy is Restart.ON_FAILURE and exit_code != 0)


def pause_s(failures: int) -> float:
    """Return the pause before the next try after so many start failures in a row (from 1)."""
    doublings = min(max(failures, 1) - 1, MOST_FAILURES)
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**doublings)
