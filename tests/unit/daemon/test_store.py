import asyncio

import pytest

from devenv.daemon.store import Store
from devenv.model.state import Event, IllegalTransitionError, Phase


def test_an_illegal_event_changes_nothing():
    store = Store()
    with pytest.raises(IllegalTransitionError):
        store.happen("web", Event.SPAWNED, pid=7)
    assert store["web"].phase is Phase.STOPPED
    assert store["web"].pid is None


def test_only_a_real_change_wakes_those_who_wait():
    async def scenario():
        store = Store()
        store.update("web", ready=False)
        waiting = asyncio.ensure_future(store.changed.wait())
        await asyncio.sleep(0)
        store.update("web", ready=False)
        await asyncio.sleep(0)
        assert not waiting.done()
        store.update("web", ready=True)
        await waiting

    asyncio.run(scenario())
