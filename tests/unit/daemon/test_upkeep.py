import asyncio
from types import SimpleNamespace

import pytest
from fakes.clock import FakeClock, settle
from fakes.worlds import run, scripted

from devenv.daemon.store import Store
from devenv.daemon.upkeep import SHIM_PAUSE_S, Upkeep
from devenv.errors import DevenvError
from devenv.model.state import Phase


class FakeClient:
    """A connection to a shim that tells exits until it breaks."""

    def __init__(self, *runs):
        self.state = SimpleNamespace(runs={each.name: each for each in runs})
        self.told = asyncio.Queue()
        self.stopped = []
        self.error = None

    async def list(self):
        if self.error is not None:
            raise self.error
        return self.state

    async def exits(self):
        while (ended := await self.told.get()) is not None:
            yield ended

    async def stop(self, name, *, grace_s, reason):
        self.stopped.append((name, grace_s, reason))

    async def watch(self, name, **_position):
        raise DevenvError(f"`{name}` is not running")


class FakeLink:
    """A tie to shims: the next ones to be reached, or the errors met instead."""

    def __init__(self):
        self.client, self.next, self.paths = None, [], SimpleNamespace(identity="0123")
        self.ended = False

    async def find(self):
        return await self.ensure()

    async def ensure(self):
        reached = self.next.pop(0)
        if isinstance(reached, Exception):
            raise reached
        self.client = reached
        return True

    async def lost(self):
        self.client = None

    async def end(self):
        self.client, self.ended = None, True


class FakeReconciler:
    def __init__(self):
        self.store, self.seen = Store(), []

    def connect(self, provider):
        self.seen.append(("connect", provider))

    async def adopt(self, runs):
        self.seen.append(("adopt", sorted(runs)))

    async def on_exit(self, ended):
        self.seen.append(("exit", ended.name))


class Kept:
    """An upkeep among fakes, followed inside `async with`."""

    def __init__(self):
        self.link, self.reconciler, self.clock = FakeLink(), FakeReconciler(), FakeClock()
        self.upkeep = Upkeep(self.link, self.reconciler, self.clock, self._resume)

    async def _resume(self):
        self.reconciler.seen.append(("resume", None))

    def seen(self):
        seen, self.reconciler.seen[:] = list(self.reconciler.seen), []
        return seen

    async def __aenter__(self):
        self._task = asyncio.create_task(self.upkeep.run())
        await settle()
        return self

    async def __aexit__(self, *_exc):
        assert not self._task.done(), self._task.exception()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def reach(self, *runs):
        self.link.next.append(client := FakeClient(*runs))
        async with self.upkeep.lock:
            await self.upkeep.reach()
        await settle()
        return client

    async def breaks(self, client):
        client.told.put_nowait(None)
        await settle()


@scripted
async def test_a_shim_that_is_reached_is_asked_what_runs_and_followed():
    async with Kept() as kept:
        client = await kept.reach(run("web"))
        client.told.put_nowait(run("web", code=1))
        await settle()
        assert kept.seen() == [("adopt", ["web"]), ("exit", "web")]


@scripted
async def test_to_reach_it_again_asks_nothing():
    async with Kept() as kept:
        await kept.reach()
        kept.seen()
        await kept.upkeep.reach()
        assert kept.seen() == []


@scripted
async def test_a_lost_shim_is_reached_again_and_work_goes_on():
    async with Kept() as kept:
        first = await kept.reach()
        kept.seen()
        kept.link.next.append(second := FakeClient(run("web")))
        await kept.breaks(first)
        assert kept.seen() == [("connect", None), ("adopt", ["web"]), ("resume", None)]
        assert kept.link.client is second


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), DevenvError("no space"), OSError(28, "full")]
)
def test_a_shim_that_cannot_be_reached_is_tried_until_it_is(error):
    @scripted
    async def script():
        async with Kept() as kept:
            first = await kept.reach()
            kept.seen()
            kept.link.next += [error, error, FakeClient()]
            await kept.breaks(first)
            assert kept.seen() == [("connect", None)]
            await kept.clock.advance(2 * SHIM_PAUSE_S)
            assert kept.seen() == [("adopt", []), ("resume", None)]
            assert kept.clock.slept == [SHIM_PAUSE_S, SHIM_PAUSE_S]

    script()


@scripted
async def test_a_shim_that_does_not_say_what_runs_counts_as_not_reached():
    async with Kept() as kept:
        kept.link.next.append(silent := FakeClient())
        silent.error = TimeoutError()
        with pytest.raises(TimeoutError):
            await kept.upkeep.reach()
        assert kept.link.client is None


@scripted
async def test_a_shim_that_was_ended_on_purpose_is_not_reached_again():
    async with Kept() as kept:
        client = await kept.reach()
        async with kept.upkeep.lock:
            await kept.upkeep.end()
        kept.seen()
        await kept.breaks(client)
        assert (kept.seen(), kept.link.ended) == ([], True)


@scripted
async def test_a_shim_ended_while_it_is_looked_for_is_looked_for_no_more():
    async with Kept() as kept:
        first = await kept.reach()
        kept.link.next.append(TimeoutError())
        await kept.breaks(first)
        async with kept.upkeep.lock:
            await kept.upkeep.end()
        await kept.clock.advance(10 * SHIM_PAUSE_S)
        assert kept.link.client is None


@scripted
async def test_runs_are_stopped_by_name_or_all_and_ended_ones_are_left():
    async with Kept() as kept:
        client = await kept.reach(run("a"), run("b"), run("c", code=0))
        await kept.upkeep.stop_runs(["a"], grace_s=0.0, reason="killed")
        await kept.upkeep.stop_runs([], grace_s=5.0, reason="down")
        assert client.stopped == [("a", 0.0, "killed"), ("a", 5.0, "down"), ("b", 5.0, "down")]


@scripted
async def test_nothing_is_polled_for_the_log_of_what_does_not_run():
    async with Kept() as kept:
        await kept.reach()
        watching = asyncio.create_task(kept.upkeep.watch_log("web", 0, 0))
        await settle()
        assert not watching.done()
        kept.reconciler.store.update("web", phase=Phase.WAITING)
        await watching
