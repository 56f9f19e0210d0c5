"""Shows the units' logs, merged, as they come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from devenv.cli import render
from devenv.cli.client import call, caller_environment

Json = dict[str, Any]


class LogPrinter:
    """Prints each line with its unit's name; usable as the `on_event` of a call."""

    def __init__(self, *, as_json: bool = False, times: bool = False) -> None:
        self._as_json = as_json
        self._times = times
        self._width = 8

    def __call__(self, event: Json | None) -> None:
        """Print a line; ticks print nothing."""
        if event is None:
            return
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
    """Print the last *tail* lines of each unit and, with *keep_on*, what follows, until Ctrl-C."""
    call(
        "logs",
        on_event=printer or LogPrinter(),
        names=list(names),
        tail=tail,
        follow=keep_on,
        environ=caller_environment(),
    )
