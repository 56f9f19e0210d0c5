"""What is known of the units of one environment, and who wants to hear of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from devenv.model.plan import Status
from devenv.model.state import Event, advance


class Signal:
    """Something changed; any number of tasks may wait for the next time."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake everybody who waits."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return at the next `notify`, or after *timeout_s*."""
        event = self._event
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return


class Store:
    """Statuses by unit name; a change that changes nothing wakes nobody."""

    def __init__(self) -> None:
        self._statuses: dict[str, Status] = {}
        self.changed = Signal()

    def __getitem__(self, name: str) -> Status:
        return self._statuses.get(name, Status())

    def __iter__(self) -> Iterator[str]:
        return iter(self._statuses)

    def snapshot(self) -> dict[str, Status]:
        """Return a copy that stays as it is."""
        return dict(self._statuses)

    def update(self, name: str, **changes: Any) -> None:
        """Change fields of a unit's status."""
        old = self[name]
        new = replace(old, **changes)
        if new != old or name not in self._statuses:
            self._statuses[name] = new
            self.changed.notify()

    def happen(self, name: str, event: Event, **changes: Any) -> None:
        """Advance a unit's phase by the table, together with other fields.

        Raises:
            IllegalTransitionError: nothing was changed.
        """
        self.update(name, phase=advance(self[name].phase, event), **changes)

    def drop(self, name: str) -> None:
        """Forget a unit that is not defined any more and does not run."""
        if self._statuses.pop(name, None) is not None:
            self.changed.notify()
