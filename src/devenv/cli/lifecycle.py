"""The commands that start and stop: `up`, `down`, `start`, `stop`, `restart`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from devenv.cli import render
from devenv.cli.client import DaemonGoneError, call, caller_environment
from devenv.cli.logs import LogPrinter, follow
from devenv.cli.progress import Progress
from devenv.errors import DevenvError, ExitCode

Json = dict[str, Any]

FIRST_LOG_LINES = 100
"""Of each unit, if it printed that much since `up` was typed."""
LOST_LOG_LINES = 8


def up(names: Sequence[str], *, detach: bool, as_json: bool = False) -> ExitCode:
    """Bring units up; stay with their logs unless detached.

    Raises:
        DevenvError: nothing was started.
    """
    progress, begun_at = Progress(), _now()
    with _hangup_as_interrupt():
        try:
            result = _patiently("up", progress, names)
            progress.finish()
            if detach:
                return _report_up(result, begun_at, progress, as_json=as_json)

            def report() -> None:
                if _report_up(result, begun_at, progress) is ExitCode.DONE:
                    render.say(render.paint("\nCtrl-C stops it again\n", render.DIM, sys.stderr))

            # what was printed so far comes first, so that the result is not scrolled away by it
            printer = LogPrinter(since=begun_at, caught_up=report)
            follow(names, tail=FIRST_LOG_LINES, keep_on=True, printer=printer)
        except KeyboardInterrupt:
            _undo(progress)
            return ExitCode.INTERRUPTED
    return ExitCode.DONE


def down() -> ExitCode:
    """Stop everything of this checkout; a second Ctrl-C kills."""
    progress = Progress(only_changes=True)
    _stopping("down", progress)
    progress.finish()
    render.say(f"down after {progress.elapsed_s:.1f} s")
    return ExitCode.DONE


def act(op: str, names: Sequence[str]) -> ExitCode:
    """Start, stop or restart units and wait for the result."""
    progress = Progress(only_changes=True)
    begun_at = _now()
    result = _patiently(op, progress, names)
    progress.finish()
    return _report_lost(result.get("failed", []), begun_at)


def _now() -> str:
    """Return the time as the logs' stamps have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _report_up(
    result: Json, begun_at: str, progress: Progress, *, as_json: bool = False
) -> ExitCode:
    ready_after_s = progress.elapsed_s
    code = _report_lost(result["failed"], begun_at)
    if as_json:
        render.out_json(result["status"])
    elif code is ExitCode.DONE:
        render.say(f"ready after {ready_after_s:.1f} s\n")
        for line in render.urls_table(result["urls"]):
            render.out(line)
    return code


def _patiently(op: str, progress: Progress, names: Sequence[str]) -> Json:
    """Ask, and ask again if the daemon is killed meanwhile: all requests here can be repeated."""
    while True:
        try:
            result: Json = call(
                op,
                on_event=progress,
                ticking=True,
                names=list(names),
                environ=caller_environment(),
            )
        except DaemonGoneError:
            continue
        return result


def _report_lost(lost: Sequence[Json], begun_at: str) -> ExitCode:
    """Say which units did not come up: the root causes with the end of their logs."""
    if not lost:
        return ExitCode.DONE
    roots = [unit for unit in lost if unit["phase"] != "waiting"]
    for unit in roots or lost:
        reason = unit["reason"] or f"it is {render.word(unit)}"
        crashed = unit["phase"] == "crashed"
        problem = DevenvError(
            f"`{unit['name']}` is not ready: {reason}",
            hint=f"mend it, then `devenv restart {unit['name']}`"
            if crashed
            else f"devenv why {unit['name']}",
            code="unit.not-ready",
        )
        for text in _last_words(unit["name"], begun_at):
            render.say(f"  {render.printable(text, sys.stderr)}")
        render.error(problem)
    return ExitCode.FAILED


def _last_words(name: str, begun_at: str) -> list[str]:
    """Return the end of a unit's log, if it is about what happened since *begun_at*."""
    lines: list[Json] = []

    def take(event: Json | None) -> None:
        if event is not None and event["event"] == "line":
            lines.append(event)

    with contextlib.suppress(DevenvError):
        call("logs", on_event=take, names=[name], tail=LOST_LOG_LINES)
    recent = [line["text"] for line in lines if line["time"] >= begun_at]
    return recent or [line["text"] for line in lines]


def _undo(shown: Progress) -> None:
    """Stop what this `up` began; another Ctrl-C, at whatever moment it comes, kills."""
    begun = shown.begun
    progress = Progress(only_changes=True)
    try:
        shown.finish()
        _stop_begun(begun, progress)
    except KeyboardInterrupt:
        if begun:  # `down` without names would mean everything
            _stopping("down", progress, begun, kill=True)
    progress.finish()


def _stop_begun(begun: Sequence[str], progress: Progress) -> None:
    if not begun:
        render.say(
            "\nnothing was started by this `up`; all stays as it is (`devenv down` stops it)"
        )
        return
    render.say("\nstopping (Ctrl-C again kills) ...")
    _stopping("down", progress, begun)


def _stopping(
    op: str, progress: Progress, names: Sequence[str] = (), *, kill: bool = False
) -> None:
    while True:
        try:
            call(op, on_event=progress, ticking=True, names=list(names), kill=kill)
        except KeyboardInterrupt:
            kill = True
        except DaemonGoneError:
            continue
        else:
            return


@contextlib.contextmanager
def _hangup_as_interrupt() -> Iterator[None]:
    """A closed terminal and a plain `kill` stop what was started, as Ctrl-C does."""
    shown = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:  # writing to a closed terminal is an error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for descriptor in shown:
                os.dup2(nowhere, descriptor)
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
