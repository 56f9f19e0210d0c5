"""The one loop of the shim: file descriptors, deadlines and signals, each with its callback.

It sleeps in the kernel until one of them is due; nothing is polled. It does not know what it
serves. A callback that raises is a bug: its traceback goes to the shim's log and its descriptor is
let go, because a level-triggered loop would call it again for ever.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from itertools import count

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Loop:
    """Runs until `end` is called."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._deadlines: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._signals: dict[int, Callable[[], None]] = {}
        self._ended = False
        self._wakeup, self._signalled = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._signalled, False)
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        self.watch(self._wakeup, READ, self._deliver_signals)

    def watch(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """Call *callback* with the events that are due, as long as they are."""
        self._selector.register(descriptor, events, callback)

    def set_events(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """Watch for exactly *events*; for 0, not at all."""
        key = self._selector.get_map().get(descriptor)
        if key is None:
            if events:
                self.watch(descriptor, events, callback)
        elif not events:
            self.ignore(descriptor)
        elif key.events != events:
            self._selector.modify(descriptor, events, callback)

    def ignore(self, descriptor: int) -> None:
        """Stop watching; call it before the descriptor is closed."""
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def at(self, deadline: float, callback: Callable[[], None]) -> None:
        """Call *callback* once, when time.monotonic() has reached *deadline*."""
        heapq.heappush(self._deadlines, (deadline, next(self._order), callback))

    def on_signal(self, number: int, callback: Callable[[], None]) -> None:
        """Call *callback* from the loop after signal *number* came, once for several."""
        self._signals[number] = callback
        signal.signal(number, lambda *_: None)

    def end(self) -> None:
        """Let `run` return after what is due now."""
        self._ended = True

    def close(self) -> None:
        """Let go of everything; signals are nobody's again."""
        signal.set_wakeup_fd(-1)
        self._selector.close()
        os.close(self._wakeup)
        os.close(self._signalled)

    def run(self) -> None:
        """Serve until the end."""
        while not self._ended:
            for key, events in self._selector.select(self._patience()):
                # An earlier callback of this turn may have let go of it, or reused its number.
                if self._selector.get_map().get(key.fd) is key:
                    self._call(key.fd, key.data, events)
            self._meet_deadlines()

    def _patience(self) -> float | None:
        if not self._deadlines:
            return None
        return max(0.0, self._deadlines[0][0] - time.monotonic())

    def _call(self, descriptor: int, callback: Callable[[int], None], events: int) -> None:
        try:
            callback(events)
        except Exception:  # noqa: BLE001 (one bug must not end everybody's processes)
            sys.excepthook(*sys.exc_info())
            if descriptor != self._wakeup:
                self.ignore(descriptor)

    def _meet_deadlines(self) -> None:
        while self._deadlines and self._deadlines[0][0] <= time.monotonic():
            callback = heapq.heappop(self._deadlines)[2]
            try:
                callback()
            except Exception:  # noqa: BLE001 (as above)
                sys.excepthook(*sys.exc_info())

    def _deliver_signals(self, _events: int) -> None:
        for number in set(os.read(self._wakeup, 4096)):
            if number in self._signals:
                self._signals[number]()
