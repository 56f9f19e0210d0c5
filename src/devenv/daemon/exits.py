"""Pure. What the end of a run means for its unit: done, failed, ended, again, or given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devenv.model.plan import MOST_FAILURES, STEADY_S, Status, pause_s, should_restart
from devenv.model.state import Event
from devenv.model.unit import Kind, Unit
from devenv.shim.protocol import RunStatus, describe_exit

GONE: dict[str, Any] = {"ready": False, "pid": None, "digest": ""}
"""Fields of the status of a unit of which nothing runs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The event to note for a unit that ended by itself, with the fields that go with it."""

    event: Event
    changes: dict[str, Any] = field(default_factory=dict)


def judge(unit: Unit | None, run: RunStatus, status: Status, now: float) -> Verdict:
    """Return what follows from the end of *run*; *now* is monotonic seconds."""
    code = run.exit or 0
    how = describe_exit(code)
    if unit is None:
        return Verdict(Event.ENDED, {**GONE, "reason": how})
    if unit.kind is Kind.SETUP:
        if code == 0:
            return Verdict(Event.COMPLETED, {**GONE, "reason": ""})
        return Verdict(Event.FAILED, {**GONE, "reason": f"{how}; {_see_log(unit)}"})
    if not should_restart(unit.restart, code):
        return Verdict(Event.ENDED, {**GONE, "ended": True, "reason": how})
    return _again(unit, run, status, now)


def _again(unit: Unit, run: RunStatus, status: Status, now: float) -> Verdict:
    """Start again after a pause, unless it failed too often in a row."""
    ended_at = run.started_at if run.ended_at is None else run.ended_at
    failures = 1 if ended_at - run.started_at >= STEADY_S else status.failures + 1
    how = describe_exit(run.exit or 0)
    if failures >= MOST_FAILURES:
        reason = (
            f"ended {failures} times in a row within {STEADY_S:g} s, at last: {how}; "
            f"{_see_log(unit)}"
        )
        return Verdict(Event.GAVE_UP, {**GONE, "failures": failures, "reason": reason})
    pause = pause_s(failures)
    changes = {
        **GONE,
        "failures": failures,
        "restarts": status.restarts + 1,
        "retry_at": now + pause,
        "reason": f"{how}; starting again in {pause:g} s",
    }
    return Verdict(Event.RETRY, changes)


def _see_log(unit: Unit) -> str:
    return f"`devenv logs {unit.name}` shows why"
