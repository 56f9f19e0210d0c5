"""The only module that prints: tables, hints, colour, JSON.

Data goes to stdout, everything else to stderr. State is told by a word and a shape, never by
colour alone. `NO_COLOR` (no-color.org) and a dumb or missing terminal mean plain text.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from devenv.errors import DevenvError

Json = dict[str, Any]

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Terminal control sequences (ECMA-48): CSI, OSC and two-character ones."""
COLOUR = re.compile(r"\x1b\[[\d;:]*m")
"""The one of them (SGR) that changes nothing but how what follows looks."""

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
UNIT_COLOURS = ("36", "35", "34", "33", "32", "96", "95", "94", "93", "92")


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a live display makes sense on the stream."""
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def uses_colour(stream: TextIO) -> bool:
    """Tell whether to colour what goes to the stream."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("CLICOLOR_FORCE")) or is_terminal(stream)


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return *text* in a colour, or as it is."""
    return f"\x1b[{colour}m{text}\x1b[0m" if uses_colour(stream) and text else text


def printable(text: str, stream: TextIO) -> str:
    """Return a line of a program's output as it may be shown on the stream.

    Of a progress bar that is what it wrote last. Colours stay where there are any; what moves the
    cursor or erases goes, because the line is shown behind a name.
    """
    shown = text.rstrip("\r").rpartition("\r")[2]
    if not uses_colour(stream):
        return ESCAPES.sub("", shown)
    coloured = ESCAPES.sub(lambda found: found[0] if COLOUR.fullmatch(found[0]) else "", shown)
    return f"{coloured}\x1b[0m" if "\x1b" in coloured else coloured


class ReaderGoneError(Exception):
    """Nobody reads our output any more, as in `devenv logs | head`."""


def say(text: str) -> None:
    """Print a line to stderr."""
    print(text, file=sys.stderr, flush=True)


def out(text: str) -> None:
    """Print a line of data to stdout.

    Raises:
        ReaderGoneError: its reader has left.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise ReaderGoneError from None


def out_json(value: Any) -> None:
    """Print data as JSON."""
    out(json.dumps(value, indent=2, ensure_ascii=False))


def error(problem: DevenvError, *, as_json: bool = False) -> None:
    """Print an error: what failed, and what to type next."""
    if as_json:
        body = {"code": problem.code, "message": problem.message, "hint": problem.hint}
        print(json.dumps({"error": body}), file=sys.stderr)
        return
    if problem.code == "config.invalid":
        say(problem.message)
    else:
        say(f"{paint('error:', RED, sys.stderr)} {problem.message}")
    if problem.hint:
        say(f"\n{paint('hint:', BOLD, sys.stderr)} {problem.hint}")


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows with their columns aligned; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def mark(unit: Json, stream: TextIO) -> str:
    """Return a shape for a unit's state, in its colour."""
    phase = unit["phase"]
    if unit["ready"]:
        return paint(_shape("✓", "+", stream), GREEN, stream)
    if phase in {"crashed", "failed"}:
        return paint(_shape("✗", "x", stream), RED, stream)
    if phase in {"stopped", "done"}:
        return paint(_shape("○", "-", stream), DIM, stream)
    return paint(_shape("●", "*", stream), YELLOW, stream)


def word(unit: Json) -> str:
    """Return a unit's state in one or two words."""
    if unit["ready"]:
        return "done" if unit["kind"] == "setup" else "ready"
    return "starting" if unit["phase"] == "running" else str(unit["phase"])


def status_table(view: Json) -> list[str]:
    """Return the lines of `devenv status`."""
    environment, edge = view["environment"], view["edge"]
    rows = [["  NAME", "KIND", "STATE", "ADDRESS", "PID", "RESTARTS"]]
    for unit in view["units"]:
        endpoint = unit["endpoint"]
        rows.append(
            [
                f"  {unit['name']}",
                unit["kind"],
                word(unit),
                "" if endpoint is None else f"{endpoint['host']}:{endpoint['port']}",
                str(unit["pid"] or ""),
                str(unit["restarts"] or ""),
            ]
        )
    lines = table(rows)
    marked = [
        mark(unit, sys.stdout) + line[1:]
        for unit, line in zip(view["units"], lines[1:], strict=True)
    ]
    port = edge["https_port"]
    served = f"https on port {port}" if edge["ready"] else "edge not running"
    head = f"{environment['name']}  {environment['path']}  {environment['domain']}  {served}"
    reasons = [
        f"{unit['name']}: {unit['reason']}"
        for unit in view["units"]
        if unit["reason"] and not unit["ready"]
    ]
    return [
        paint(head, BOLD, sys.stdout),
        "",
        lines[0],
        *marked,
        *([""] if reasons else []),
        *reasons,
        *view["problems"],
    ]


def urls_table(urls: Sequence[Json]) -> list[str]:
    """Return the lines of `devenv urls`."""
    return table([[item["url"], item["target"]] for item in urls]) if urls else []


def plan_lines(actions: Sequence[Json]) -> list[str]:
    """Return the lines of `devenv up --dry-run`."""
    if not actions:
        return ["nothing to do"]
    verbs = {"want": "start", "start": "start", "stop": "stop"}
    return [
        f"{verbs[item['action']]:<6} {item['name']}"
        + (f"  after {', '.join(item['needs'])}" if item["needs"] else "")
        + (f"  ({item['reason']})" if item["reason"] else "")
        for item in actions
    ]


def log_line(event: Json, width: int, *, times: bool) -> str:
    """Return a line of a unit's log with the unit's name before it."""
    colour = UNIT_COLOURS[sum(event["unit"].encode()) % len(UNIT_COLOURS)]
    name = paint(event["unit"].ljust(width), colour, sys.stdout)
    stamp = f"{event['time']} " if times else ""
    return f"{name} | {stamp}{printable(event['text'], sys.stdout)}"


def _shape(shape: str, plain: str, stream: TextIO) -> str:
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return shape if encoding == "utf8" else plain
