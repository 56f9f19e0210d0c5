"""Time that passes when a test says so."""

from __future__ import annotations

import asyncio


async def settle() -> None:
    """Let every task go on until all of them wait."""
    for _ in range(50):
        await asyncio.sleep(0)


class FakeClock:
    """A `Clock` that stands still until `advance` is called."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        """What was asked for, in order."""
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        sleeper = (self.now + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass, step by step, so that who sleeps in a loop wakes at every turn."""
        end = self.now + seconds
        await settle()
        while due := [at for at, _ in self._sleepers if at <= end]:
            self.now = max(self.now, min(due))
            for at, event in list(self._sleepers):
                if at <= self.now:
                    event.set()
            await settle()
        self.now = end
