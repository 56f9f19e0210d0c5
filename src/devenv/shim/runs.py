"""All runs of one shim: what lives, what has ended and is not forgotten, and who reaps it.

Every change of what lives is written to the record before anybody is told of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from devenv.shim import kernel, process, record
from devenv.shim.loop import Loop
from devenv.shim.protocol import RefusedError, Run, RunStatus
from devenv.shim.run import House, LiveRun


class Runs:
    """Starts, finds, sweeps and forgets runs; `publish` hears of every end."""

    def __init__(
        self, loop: Loop, identity: str, record_path: str, publish: Callable[[RunStatus], None]
    ) -> None:
        self._identity = identity
        self._record = record_path
        self._publish = publish
        self._house = House(loop, identity, self.sweep, self._ended)
        self._all: dict[str, LiveRun] = {}
        self._write_record()

    @property
    def statuses(self) -> dict[str, RunStatus]:
        """Every run, by name."""
        return {name: run.status for name, run in self._all.items()}

    @property
    def alive(self) -> list[LiveRun]:
        """The runs whose end was not reported yet."""
        return [run for run in self._all.values() if run.is_alive]

    def start(self, run: Run) -> RunStatus:
        """Start *run*, in the place of an ended one of its name.

        Raises:
            RefusedError: one of that name lives, or it cannot be started.
        """
        if run.name in self._all and self._all[run.name].is_alive:
            raise RefusedError("run.exists", f"`{run.name}` is already running")
        started = LiveRun(run, self._house)
        self._all[run.name] = started
        self._write_record()
        return started.status

    def find(self, name: str) -> LiveRun:
        """Return the run of that name.

        Raises:
            RefusedError: there is none.
        """
        if name not in self._all:
            raise RefusedError("run.unknown", f"`{name}` is not running")
        return self._all[name]

    def forget(self, name: str) -> None:
        """Forget an ended run; that there is none is fine.

        Raises:
            RefusedError: it lives.
        """
        if name in self._all and self._all[name].is_alive:
            raise RefusedError("run.alive", f"`{name}` is still running", f"devenv stop {name}")
        self._all.pop(name, None)

    def sweep(self) -> None:
        """Reap what has ended, and let ending runs end what they left behind."""
        for run in self.alive:
            run.look()
        mains = {run.pid for run in self.alive}
        left = [pid for pid in kernel.children(os.getpid()) if pid not in mains]
        strays = [pid for pid in left if not process.reap(pid)]
        for run in self.alive:
            if run.has_exited:
                run.settle([pid for pid in strays if _belongs(pid, run)])

    def delete_record(self) -> None:
        """Leave no record: nothing lives."""
        record.delete(self._record)

    def _ended(self, status: RunStatus) -> None:
        self._write_record()
        self._publish(status)

    def _write_record(self) -> None:
        alive = [run.status for run in self.alive]
        record.write(self._record, record.Record.of_this_shim(self._identity, alive))


def _belongs(pid: int, run: LiveRun) -> bool:
    return kernel.session(pid) == run.pid or kernel.marker(pid) == run.marker
