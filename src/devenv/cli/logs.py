"""Shows the units' logs, merged, as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from devenv.cli import render
from devenv.cli.client import DaemonGoneError, call, caller_environment

Json = dict[str, Any]


class LogPrinter:
    """Prints each line with its unit's name; usable as the `on_event` of a call."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        times: bool = False,
        since: str = "",
        caught_up: Callable[[], object] | None = None,
    ) -> None:
        self._caught_up = caught_up
        """Called once, when what there was is printed and only new lines follow."""
        self._as_json = as_json
        self._times = times
        self._since = since
        """RFC 3339 in UTC, as the logs' own stamps; older lines are left out."""
        self._width = 8
        self.places: dict[str, Json] = {}
        """Where each unit's log was read to; what a new daemon is to go on from."""

    def __call__(self, event: Json | None) -> None:
        """Print a line; ticks and places print nothing."""
        if event is None:
            return
        if event["event"] == "place" and self._caught_up is not None:
            caught_up, self._caught_up = self._caught_up, None
            caught_up()
        if "place" in event:
            self.places[event["unit"]] = event["place"]
        if event["event"] == "line" and event["time"] >= self._since:
            self._print(event)

    def _print(self, event: Json) -> None:
        if self._as_json:
            body = {key: event[key] for key in ("unit", "time", "text")}
            render.out(json.dumps(body, ensure_ascii=False))
            return
        self._width = max(self._width, len(event["unit"]))
        render.out(render.log_line(event, self._width, times=self._times))


def follow(
    names: Sequence[str],
    *,
    tail: int,
    keep_on: bool,
    printer: LogPrinter | None = None,
) -> None:
    """Print the last *tail* lines of each unit and, with *keep_on*, what follows, until Ctrl-C.

    Following goes on over deaths of the daemon, and misses no line.
    """
    printer = printer or LogPrinter()
    while True:
        try:
            call(
                "logs",
                on_event=printer,
                names=list(names),
                tail=tail,
                follow=keep_on,
                resume=printer.places,
                environ=caller_environment(),
            )
        except DaemonGoneError:
            if not keep_on:
                raise
        else:
            return
