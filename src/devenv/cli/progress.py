"""Shows how long work goes: what, how far, how long. Live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from devenv.cli.render import DIM, is_terminal, mark, paint, printable, say, word

Json = dict[str, Any]

REMIND_S = 10.0
"""Without a terminal, long work is mentioned again this often."""
SETTLED = frozenset({"stopped", "done", "crashed", "failed"})


class Progress:
    """Takes the events of a request and shows them; usable as the `on_event` of a call."""

    def __init__(self, *, only_changes: bool = False) -> None:
        self._only_changes = only_changes
        """Without a terminal, say nothing of what was ready before."""
        self._live = is_terminal(sys.stderr)
        self._begun = time.monotonic()
        self._units: dict[str, Json] = {}
        self._since: dict[str, float] = {}
        self._drawn = 0
        self._reminded: dict[str, float] = {}
        self.begun: list[str] = []
        """Units that this request was the first to want."""

    def __call__(self, event: Json | None) -> None:
        """Take an event, or a tick."""
        if event is not None and event["event"] == "begun":
            self.begun += event["units"]  # told again if the daemon was killed and asked anew
        elif event is not None and event["event"] == "unit":
            self._take(event["unit"])
        if self._live:
            self._draw()
        elif event is None:
            self._remind()

    def finish(self) -> None:
        """Leave the terminal with what was last shown."""
        if self._live and self._drawn:
            self._draw(last=True)
            self._drawn = 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self._begun

    def _take(self, unit: Json) -> None:
        old = self._units.get(unit["name"])
        self._units[unit["name"]] = unit
        if old is None or word(old) != word(unit):
            self._since[unit["name"]] = time.monotonic()
            known = old is None and self._only_changes and unit["ready"]
            if not self._live and not known and _is_news(old, unit):
                say(self._line(unit))

    def _line(self, unit: Json) -> str:
        state = word(unit)
        text = f"{mark(unit, sys.stderr)} {unit['name']}: {state}"
        if unit["reason"] and not unit["ready"]:
            text += f" ({unit['reason']})"
        return f"{text}  [{self.elapsed_s:.1f} s]"

    def _remind(self) -> None:
        now = time.monotonic()
        for name, unit in self._units.items():
            if not _works(unit):
                continue
            last = max(self._reminded.get(name, 0.0), self._since.get(name, now))
            if now - last >= REMIND_S:
                self._reminded[name] = now
                detail = printable(unit.get("detail", ""), sys.stderr)
                say(f"  {name}: still {word(unit)} after {now - self._since[name]:.0f} s  {detail}")

    def _draw(self, *, last: bool = False) -> None:
        columns, rows = shutil.get_terminal_size()
        lines = [self._live_line(unit, columns) for unit in self._units.values() if _shown(unit)]
        if not last:
            lines = lines[-(rows - 2) :]
        moved = f"\x1b[{self._drawn}A" if self._drawn else ""
        body = "".join(f"\x1b[2K{line}\n" for line in lines)
        sys.stderr.write(f"{moved}\x1b[J{body}")
        sys.stderr.flush()
        self._drawn = len(lines)

    def _live_line(self, unit: Json, columns: int) -> str:
        waited = time.monotonic() - self._since[unit["name"]]
        clock = f"{waited:5.1f} s" if _works(unit) else "       "
        head = f"{unit['name']:<14} {word(unit):<10} {clock}"
        detail = unit.get("detail") or ("" if unit["ready"] else unit["reason"])
        room = max(0, columns - len(head) - 5)
        tail = paint("".join(c for c in detail if c.isprintable())[:room], DIM, sys.stderr)
        return f"{mark(unit, sys.stderr)} {head}  {tail}"


def _is_news(old: Json | None, unit: Json) -> bool:
    """Tell whether a change of state is worth a line of its own."""
    if unit["phase"] == "waiting" or (old is None and unit["phase"] in SETTLED):
        return False
    never_ran = old is not None and old["phase"] in SETTLED | {"waiting"}
    return not (unit["phase"] == "stopped" and never_ran)


def _works(unit: Json) -> bool:
    return not unit["ready"] and unit["phase"] not in SETTLED | {"waiting"}


def _shown(unit: Json) -> bool:
    return bool(unit["wanted"]) or unit["phase"] not in {"stopped", "done"}
