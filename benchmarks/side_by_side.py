"""Shared by the benchmarks: a throw-away checkout, timings in turn, tables with ratios.

Timings on a shared machine are noisy: contenders take turns in every round, the median of the
rounds counts, and ratios of one run say more than seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

DEVENV = (sys.executable, "-m", "devenv")
TOOLS = Path.home() / ".local" / "share" / "devenv" / "tools"


class Checkout:
    """A temporary checkout with a home of its own."""

    def __init__(self, folder: Path, text: str) -> None:
        self.root = folder / "checkout"
        self.root.mkdir()
        (self.root / "devenv.yml").write_text(text)
        home = folder / "home"
        (home / ".local/share/devenv").mkdir(parents=True)
        if TOOLS.is_dir():
            (home / ".local/share/devenv/tools").symlink_to(TOOLS)
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "NO_COLOR": "1",
            "DEVENV_HTTPS_PORT": str(free_port()),
        }

    def run(self, *words: str) -> str:
        """Run devenv and return what it printed."""
        done = subprocess.run(
            (*DEVENV, *words),
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(
                f"devenv {' '.join(words)} ended with {done.returncode}:\n{done.stderr}"
            )
        return done.stdout

    def status(self) -> dict[str, object]:
        """Return `status --json`."""
        return json.loads(self.run("status", "--json"))

    def processes(self, part: str) -> list[int]:
        """Return the pids of this checkout's processes whose command line contains *part*."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environ = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                ours = self.environment["HOME"] in command + environ.decode(errors="replace")
                if ours and part in command:
                    found.append(int(entry.name))
        return found


@contextlib.contextmanager
def checkout(text: str) -> Iterator[Checkout]:
    """Make a checkout; afterwards it is down and gone."""
    folder = Path(tempfile.mkdtemp(prefix="devenv-bench-"))
    made = Checkout(folder, text)
    try:
        yield made
    finally:
        made.run("down")
        shutil.rmtree(folder)


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds *action* takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def in_turn(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time every contender once in each round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, action in contenders.items():
            seconds = timed(action)
            if number:
                times[name].append(seconds)
    return times


def memory_mib(pid: int) -> float:
    """Return a process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has gone")


def context_switches(pid: int) -> int:
    """Return how often a process has been switched to, over all its threads."""
    return sum(
        int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if "ctxt_switches" in line
    )


def table(title: str, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(heading)} |")
    print("|" + " --- |" * len(heading))
    for row in rows:
        print(f"| {' | '.join(row)} |")


def print_times(title: str, times: Mapping[str, Sequence[float]], reference: str) -> None:
    """Print medians, the fastest, and ratios to *reference*."""
    base = statistics.median(times[reference])
    rows = []
    for name, values in times.items():
        middle = statistics.median(values)
        rows.append(
            [name, f"{middle * 1000:.0f}", f"{min(values) * 1000:.0f}", f"{middle / base:.2f}"]
        )
    table(title, ["what", "median ms", "fastest ms", f"ratio to {reference}"], rows)
