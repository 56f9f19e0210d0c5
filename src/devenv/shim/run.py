"""The life of one run: its terminal, its log, who watches it, and its end.

A run ends in this order, whoever began it: the main process exits (it stays a zombie, so that its
number is not reused); what it left behind gets SIGTERM, and SIGKILL once the grace is over; when
nothing of it lives any more, the terminal is drained, the zombie reaped, and the end reported.
What was left behind are children of the shim: it adopts every descendant whose parent died. Which
of those belong here, by session or by marker, the reaper finds out.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from devenv.shim import kernel, process
from devenv.shim.attachment import Attachment
from devenv.shim.connection import Connection
from devenv.shim.log import LogFile
from devenv.shim.loop import Loop
from devenv.shim.protocol import Run, RunStatus, describe_exit
from devenv.shim.terminal import Terminal

STRAGGLER_GRACE_S = 5.0
"""For what a run left behind when it ended by itself; a stop brings its own grace."""
KILL_WAIT_S = 2.0
"""A process that SIGKILL does not end within this hangs in the kernel, or belongs to root."""
TAIL_BYTES = 4096
"""Recent output that a new attachment begins with; the shim holds this much per run."""


@dataclass(frozen=True, slots=True)
class House:
    """What every run of one shim shares."""

    loop: Loop
    identity: str
    sweep: Callable[[], None]
    """Looks for what has ended, and for what was left behind."""
    on_end: Callable[[RunStatus], None]
    """Called once per run, when nothing of it lives any more."""


class LiveRun:
    """Starts *run* in *house*.

    Raises:
        RefusedError: it cannot be started.
    """

    def __init__(self, run: Run, house: House) -> None:
        self._house = house
        self._loop = loop = house.loop
        self.marker = f"{house.identity}/{run.name}"
        child = process.start(run, {**run.environment, kernel.MARKER: self.marker})
        self._status = RunStatus(
            run.name, run.stage, run.digest, child.pid, child.start_ticks, time.time()
        )
        self._log = LogFile(run.log, run.log_bytes, run.log_keep)
        self._log.own_line(f"started pid {child.pid}")
        self._tail = b""
        self._attachments: list[Attachment] = []
        self._watchers: dict[Hashable, Callable[[], None]] = {}
        self._code: int | None = None
        self._deadline: float | None = None
        self._is_killing = False
        self._asked: set[int] = set()
        self._terminal = Terminal(loop, child.terminal, self._printed, self._input_taken)

    @property
    def status(self) -> RunStatus:
        """What is known of it now."""
        return replace(self._status, log_error=self._log.error)

    @property
    def pid(self) -> int:
        """The main process; also its group and its session."""
        return self._status.pid

    @property
    def is_alive(self) -> bool:
        """True until its end was reported."""
        return self._status.exit is None

    @property
    def has_exited(self) -> bool:
        """True once the main process is a zombie, or gone."""
        return self._code is not None

    def attach(self, connection: Connection) -> Callable[[], None]:
        """Give a client the terminal, beginning with recent output; return how to detach it."""
        attachment = Attachment(connection, self._terminal)
        self._attachments.append(attachment)
        attachment.output(self._tail)
        return lambda: self._attachments.remove(attachment)

    def watch(self, key: Hashable, inode: int, size: int, tell: Callable[[], None]) -> None:
        """Call *tell* once, when the log's position is not (inode, size) any more."""
        if self._log.position() != (inode, size):
            tell()
        else:
            self._watchers[key] = tell

    def unwatch(self, key: Hashable) -> None:
        """Forget a watcher if it is there."""
        self._watchers.pop(key, None)

    def stop(self, number: int, grace_s: float, reason: str) -> None:
        """Send signal *number* to the group, and SIGKILL to what lives after the grace.

        A second stop can only shorten the grace of the first.
        """
        if not self.is_alive:
            return
        if not self._status.reason:
            self._status = replace(self._status, reason=reason)
            self._say(f"stopping: {reason}")
            process.signal_group(self.pid, number)
            process.signal_group(self.pid, signal.SIGCONT)
        self._end_by(time.monotonic() + grace_s)

    def look(self) -> None:
        """Notice the main process's exit."""
        if self._code is None:
            self._code = process.exit_of(self.pid)
            if self._code is not None:
                self._end_by(time.monotonic() + STRAGGLER_GRACE_S, unless_stopped=True)

    def settle(self, stragglers: Sequence[int]) -> None:
        """End what the exited main process left behind; without any, the run has ended."""
        if not stragglers:
            self._finish()
            return
        new = [pid for pid in stragglers if pid not in self._asked]
        if new and not self._is_killing:
            self._say(f"ending {len(new)} left behind: {', '.join(map(str, new))}")
        for pid in stragglers if self._is_killing else new:
            process.signal_process(pid, signal.SIGKILL if self._is_killing else signal.SIGTERM)
        self._asked.update(new)

    def _end_by(self, deadline: float, *, unless_stopped: bool = False) -> None:
        if self._deadline is None or (deadline < self._deadline and not unless_stopped):
            self._deadline = deadline
            self._loop.at(deadline, self._meet_deadline)

    def _meet_deadline(self) -> None:
        if not self.is_alive or self._is_killing or time.monotonic() < (self._deadline or 0):
            return
        self._is_killing = True
        self._say("killing what is still alive after the grace")
        process.signal_group(self.pid, signal.SIGKILL)
        self._loop.at(time.monotonic() + KILL_WAIT_S, self._give_up)
        self._house.sweep()

    def _give_up(self) -> None:
        if self.is_alive and self.has_exited:
            self._say("something of it does not end; see `ps` for its pid")
            self._finish()

    def _finish(self) -> None:
        assert self._code is not None
        process.signal_group(self.pid, signal.SIGKILL)
        process.reap(self.pid)
        self._terminal.drain()
        self._terminal.close()
        self._say(describe_exit(self._code))
        self._log.close()
        self._status = replace(self.status, exit=self._code, ended_at=time.time())
        for attachment in tuple(self._attachments):
            attachment.end(self._status)
        self._house.on_end(self._status)

    def _say(self, text: str) -> None:
        self._log.own_line(text)
        self._log_grew()

    def _printed(self, data: bytes) -> None:
        self._tail = (self._tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        self._log.write(data)
        for attachment in tuple(self._attachments):
            attachment.output(data)
        self._log_grew()

    def _input_taken(self) -> None:
        for attachment in tuple(self._attachments):
            attachment.go_on()

    def _log_grew(self) -> None:
        watchers, self._watchers = self._watchers, {}
        for tell in watchers.values():
            tell()
