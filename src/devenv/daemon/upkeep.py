"""The life of one environment's shim: reached, followed, lost, reached again, ended.

A shim that does not answer is not gone: it is asked again until it answers or has certainly ended,
and what runs under it is then read from it and not remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable

from devenv.daemon.link import ShimLink
from devenv.daemon.reconcile import Reconciler
from devenv.errors import DevenvError
from devenv.model.state import LIVE
from devenv.shim.client import ShimClient
from devenv.system.clock import Clock

SHIM_PAUSE_S = 1.0
"""Before the next try to reach a shim that does not answer, or cannot be started."""

log = logging.getLogger(__name__)


class Upkeep:
    """Follows the shim of one environment; *resume* is called whenever it was reached again."""

    def __init__(
        self,
        link: ShimLink,
        reconciler: Reconciler,
        clock: Clock,
        resume: Callable[[], Awaitable[None]],
    ) -> None:
        self.lock = asyncio.Lock()
        """Held by whoever changes what is wanted or what the shim is."""
        self._link = link
        self._reconciler = reconciler
        self._clock = clock
        self._resume = resume
        self._closing = False

    async def run(self) -> None:
        """Follow the shim, whichever there is, until cancelled."""
        changed = self._reconciler.store.changed
        while True:
            client = self._link.client
            if client is None:
                await changed.wait()
                continue
            # an ended run is not forgotten: the shim tells the next daemon how it ended
            async for run in client.exits():
                await self._reconciler.on_exit(run)
            if self._link.client is client and not self._closing:
                await self._lost()

    async def reach(self) -> None:
        """Have a shim, started if there is none, and know what runs under it; under the lock."""
        self._closing = False
        await self._reach()

    async def find(self) -> None:
        """Learn of a shim that was not found before; under the lock."""
        if self._link.client is None and await self._link.find():
            await self._learn_runs()

    async def stop_runs(self, names: Iterable[str], *, grace_s: float, reason: str) -> None:
        """Stop runs without regard to what needs them; none named: all."""
        client, chosen = self._link.client, frozenset(names)
        if client is None:
            return
        for name, run in (await client.list()).runs.items():
            if run.ended_at is None and (not chosen or name in chosen):
                with contextlib.suppress(DevenvError):
                    await client.stop(name, grace_s=grace_s, reason=reason)

    async def watch_log(self, name: str, inode: int, size: int) -> None:
        """Return when the unit's log is no more that file of that size; may return early."""
        client = self._link.client
        if client is None:
            await self._reconciler.store.changed.wait(1.0)
            return
        try:
            await client.watch(name, inode=inode, size=size)
        except (DevenvError, ConnectionError):
            # it never ran under this shim, or its shim is gone; what begins changes the store
            starting = self._reconciler.store[name].phase in LIVE
            await self._reconciler.store.changed.wait(1.0 if starting else None)

    async def end(self) -> None:
        """End the shim, under which nothing runs any more; under the lock."""
        self._closing = True
        self._reconciler.connect(None)
        await self._link.end()
        self._reconciler.store.changed.notify()

    async def _lost(self) -> None:
        """Connect again; if the shim was killed, wait for its children and start another."""
        self._reconciler.connect(None)
        async with self.lock:
            await self._link.lost()
        while not await self._reached_again():
            await self._clock.sleep(SHIM_PAUSE_S)

    async def _reached_again(self) -> bool:
        async with self.lock:
            if self._closing:
                return True
            try:
                await self._reach()
                await self._resume()
            except (DevenvError, OSError) as error:
                log.warning("cannot reach the shim %s: %s", self._link.paths.identity, error)
                return False
            return True

    async def _reach(self) -> None:
        if self._link.client is None:
            await self._link.ensure()
            await self._learn_runs()
        self._reconciler.store.changed.notify()

    async def _learn_runs(self) -> None:
        client: ShimClient | None = self._link.client
        assert client is not None
        try:
            state = await client.list()
        except BaseException:
            await self._link.lost()
            raise
        await self._reconciler.adopt(state.runs)
