"""Pure. The life of a unit as a table of transitions.

A phase is where the process is in its life; readiness is the verdict of its probe. They are two
axes and never one word. An event that is not in the table for a phase raises and changes nothing.

A service or process lives  waiting -> preparing -> starting -> running -> stopping -> stopped, with
backoff and crashed when it dies by itself. A set-up step runs once and is done or failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where a unit is in its life."""

    STOPPED = "stopped"
    WAITING = "waiting"
    """Wanted; a unit that it needs is not ready yet."""
    PREPARING = "preparing"
    """Being installed or initialised."""
    STARTING = "starting"
    """Asked to start; not yet known to run."""
    RUNNING = "running"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    """Ended by itself; started again after a pause."""
    CRASHED = "crashed"
    """Ended too often in a row; not started again before a user says so."""
    DONE = "done"
    """A set-up step whose result is there."""
    FAILED = "failed"
    """Could not be installed, started or completed; a user has to mend something."""


class Event(StrEnum):
    """What happens to a unit."""

    WANTED = "wanted"
    PREPARE = "prepare"
    START = "start"
    SPAWNED = "spawned"
    UP_TO_DATE = "up-to-date"
    COMPLETED = "completed"
    ENDED = "ended"
    RETRY = "retry"
    GAVE_UP = "gave-up"
    FAILED = "failed"
    STOP = "stop"


LIVE = frozenset({Phase.PREPARING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING})
"""Phases in which something of the unit may run."""

BROKEN = frozenset({Phase.CRASHED, Phase.FAILED})
"""Phases that only a user ends."""

TRANSITIONS: Mapping[tuple[Phase, Event], Phase] = {
    (Phase.STOPPED, Event.WANTED): Phase.WAITING,
    (Phase.DONE, Event.WANTED): Phase.WAITING,
    (Phase.FAILED, Event.WANTED): Phase.WAITING,
    (Phase.CRASHED, Event.WANTED): Phase.WAITING,
    (Phase.BACKOFF, Event.WANTED): Phase.WAITING,
    (Phase.WAITING, Event.PREPARE): Phase.PREPARING,
    (Phase.WAITING, Event.UP_TO_DATE): Phase.DONE,
    (Phase.WAITING, Event.START): Phase.STARTING,
    (Phase.PREPARING, Event.START): Phase.STARTING,
    (Phase.PREPARING, Event.FAILED): Phase.FAILED,
    (Phase.PREPARING, Event.STOP): Phase.STOPPING,
    (Phase.PREPARING, Event.ENDED): Phase.WAITING,  # adopted half-way; prepared again, idempotent
    (Phase.BACKOFF, Event.START): Phase.STARTING,
    (Phase.BACKOFF, Event.PREPARE): Phase.PREPARING,
    (Phase.BACKOFF, Event.UP_TO_DATE): Phase.DONE,
    (Phase.STARTING, Event.RETRY): Phase.BACKOFF,
    (Phase.STARTING, Event.SPAWNED): Phase.RUNNING,
    (Phase.STARTING, Event.UP_TO_DATE): Phase.DONE,
    (Phase.STARTING, Event.FAILED): Phase.FAILED,
    (Phase.STARTING, Event.STOP): Phase.STOPPING,
    (Phase.RUNNING, Event.COMPLETED): Phase.DONE,
    (Phase.RUNNING, Event.ENDED): Phase.STOPPED,
    (Phase.RUNNING, Event.RETRY): Phase.BACKOFF,
    (Phase.RUNNING, Event.GAVE_UP): Phase.CRASHED,
    (Phase.RUNNING, Event.FAILED): Phase.FAILED,
    (Phase.RUNNING, Event.STOP): Phase.STOPPING,
    (Phase.STOPPING, Event.ENDED): Phase.STOPPED,
    (Phase.WAITING, Event.STOP): Phase.STOPPED,
    (Phase.BACKOFF, Event.STOP): Phase.STOPPED,
    (Phase.CRASHED, Event.STOP): Phase.STOPPED,
    (Phase.FAILED, Event.STOP): Phase.STOPPED,
    (Phase.DONE, Event.STOP): Phase.STOPPED,
}


class IllegalTransitionError(Exception):
    """An event that cannot happen in this phase; always a bug of ours."""


def advance(phase: Phase, event: Event) -> Phase:
    """Return the phase after *event*.

    Raises:
        IllegalTransitionError: the pair is not in the table.
    """
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise IllegalTransitionError(f"{event} while {phase}") from None
