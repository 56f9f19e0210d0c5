"""Logs end to end, from a process's terminal to the reader of `devenv logs`: no line is lost."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from pathlib import Path

import pytest
from fakes.checkouts import kill, wait_until
from fakes.shims import resident_kib

pytestmark = pytest.mark.integration

NUMBERED = """\
name: app
processes:
  web:
    run: exec python numbered.py
"""
# Twenty megabytes a second in lines of 1 KiB, until it is told to stop.
SCRIPT = """\
import pathlib, sys, time
number, stop = 0, pathlib.Path("stop")
while not stop.exists():
    for _ in range(500):
        sys.stdout.write(f"{number:08d} {'x' * 1000}\\n")
        number += 1
    sys.stdout.flush()
    time.sleep(0.02)
print("the end", flush=True)
time.sleep(600)
"""


def test_following_loses_no_line_over_rotations_and_deaths_of_the_daemon(checkout):
    """Each line once and in order, whoever reads for us meanwhile."""
    (checkout.folder / "numbered.py").write_text(SCRIPT)
    checkout.write(NUMBERED)
    checkout.up()
    log = checkout.folder / ".devenv/logs/web.log"
    shown = checkout.home.base / "shown"
    with (
        shown.open("w") as file,
        checkout.start("logs", "-f", "-n", "10", "--json", stdout=file) as logs,
    ):
        try:
            wait_until(lambda: shown.stat().st_size > 500_000, "lines are shown")
            for _ in range(4):
                kill(checkout.home.daemon_pid())
                size = shown.stat().st_size
                wait_until(lambda size=size: shown.stat().st_size > size + 500_000, "they go on")
            wait_until(log.with_name("web.log.1").exists, "the log was rotated")
            (checkout.folder / "stop").touch()
            wait_until(lambda: b"the end" in _end_of(shown), "the last line is shown")
        finally:
            logs.terminate()
    texts = [json.loads(line)["text"] for line in shown.read_text().splitlines()]
    numbers = [int(text[:8]) for text in texts if re.match(r"\d{8} x{1000}$", text)]
    assert all(later == earlier + 1 for earlier, later in itertools.pairwise(numbers))
    assert len(numbers) > 50_000
    assert texts[-1] == "the end"


MUCH_LINES = 200_000
LINE_BYTES = 1024


def test_200_megabytes_lose_no_line_and_nothing_grows(checkout):
    """As fast as it can; the log is rotated three times on the way."""
    line = "y" * (LINE_BYTES - 10)
    (checkout.folder / "much.py").write_text(
        "import sys, time\n"
        f"for start in range(0, {MUCH_LINES}, 1000):\n"
        "    numbers = range(start, start + 1000)\n"
        f"    sys.stdout.write(''.join(f'{{n:08d}} {line}\\n' for n in numbers))\n"
        "print('the end', flush=True)\ntime.sleep(600)\n"
    )
    checkout.write("name: app\nprocesses:\n  much: {run: exec python much.py}\n")
    checkout.up()
    log = checkout.folder / ".devenv/logs/much.log"
    wait_until(lambda: b"the end" in _end_of(log), "all is printed", timeout_s=40)
    shim, daemon = checkout.home.shim_pid(checkout.identity()), checkout.home.daemon_pid()
    assert resident_kib(shim) <= 15 * 1024
    assert resident_kib(daemon) <= 70 * 1024
    files = sorted(log.parent.glob("much.log*"))
    assert len(files) == 4
    assert sum(file.stat().st_size for file in files) > 200_000_000
    with checkout.start("logs", "-n", "1000000", "much") as logs:
        texts = (row.partition("| ")[2] for row in logs.stdout)
        numbers = [int(text[:8]) for text in texts if text.endswith(line + "\n")]
    assert numbers == list(range(MUCH_LINES))


def _end_of(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 200))
        return file.read()


def test_a_log_that_is_deleted_or_emptied_is_followed_on(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        '  web: {run: "i=0; while :; do i=$((i+1)); echo tick $i.; sleep 0.02; done"}\n'
    )
    checkout.up()
    log = checkout.folder / ".devenv/logs/web.log"
    with checkout.screen("logs", "-f") as user:
        user.sees("tick 3.")
        for harm in (log.unlink, lambda: os.truncate(log, 0)):
            harm()
            at = int(wait_until(lambda: re.findall(r"tick (\d+)\.", _text(log)), "it grows")[-1])
            user.sees(f"tick {at + 10}.")
        user.type("\x03")
        assert user.exits() == 130


def _text(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def test_several_logs_are_merged_by_time_and_can_be_chosen(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        '  one: {run: "echo first; sleep 0.4; echo third; exec sleep 600"}\n'
        '  two: {run: "sleep 0.2; echo second; exec sleep 600"}\n'
    )
    checkout.up()
    wait_until(lambda: "third" in checkout.ok("logs"), "`one` has printed")
    lines = [line for line in checkout.ok("logs").splitlines() if "[devenv]" not in line]
    assert lines == ["one      | first", "two      | second", "one      | third"]
    chosen = checkout.ok("logs", "two", "-n", "1")
    assert chosen == "two      | second\n"
    stamped = checkout.ok("logs", "two", "-n", "1", "-t")
    assert re.fullmatch(r"two      \| \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z second\n", stamped)
    (line,) = checkout.ok("logs", "two", "-n", "1", "--json").splitlines()
    assert {**json.loads(line), "time": ""} == {"unit": "two", "time": "", "text": "second"}


def test_logs_stay_when_all_is_down(checkout):
    checkout.write('name: app\nprocesses:\n  one: {run: "echo hello; exec sleep 600"}\n')
    checkout.up()
    wait_until(lambda: "hello" in checkout.ok("logs"), "it is printed")
    checkout.down()
    begun = time.monotonic()
    assert "one      | hello\n" in checkout.ok("logs")
    assert "one      | [devenv] killed by SIGTERM\n" in checkout.ok("logs")
    assert time.monotonic() - begun < 10
