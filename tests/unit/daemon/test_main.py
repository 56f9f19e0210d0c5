import asyncio
from types import SimpleNamespace

import pytest
from fakes.clock import settle
from fakes.worlds import scripted

from devenv.daemon import main
from devenv.daemon.store import Signal
from devenv.errors import DevenvError


def test_only_one_daemon_of_a_user_serves(tmp_path):
    paths = SimpleNamespace(runtime=tmp_path)
    with main.only_one(paths) as first, main.only_one(paths) as second:
        assert (first, second) == (True, False)
    with main.only_one(paths) as again:
        assert again


class Rest:
    """The daemon at rest; what is up and whether anybody is being answered are the test's."""

    def __init__(self, monkeypatch, *, idle_s=0.0, any_up=False, busy=False, stay=False):
        monkeypatch.setattr(main, "IDLE_EXIT_S", idle_s)
        self.environments = SimpleNamespace(changed=Signal(), any_up=any_up)
        self.api = SimpleNamespace(busy=busy)
        self.stopping = asyncio.Event()
        waiting = main._until_done(self.stopping, self.environments, self.api, stay=stay)
        self.task = asyncio.create_task(waiting)

    async def changes(self):
        await settle()
        self.environments.changed.notify()
        await settle()


@scripted
async def test_a_daemon_that_nothing_needs_ends_itself(monkeypatch):
    await Rest(monkeypatch).task


@pytest.mark.parametrize("need", [{"any_up": True}, {"busy": True}, {"stay": True}])
def test_a_daemon_that_is_needed_stays(monkeypatch, need):
    @scripted
    async def script():
        rest = Rest(monkeypatch, **need)
        await settle()
        assert not rest.task.done()
        rest.stopping.set()
        rest.environments.any_up = rest.api.busy = False
        await rest.changes()
        await rest.task

    script()


@scripted
async def test_a_daemon_whose_last_environment_ends_begins_to_count(monkeypatch):
    rest = Rest(monkeypatch, any_up=True)
    await settle()
    rest.environments.any_up = False
    await rest.changes()
    await rest.task


@scripted
async def test_what_comes_up_while_it_counts_keeps_it(monkeypatch):
    rest = Rest(monkeypatch, idle_s=3600)
    await settle()
    rest.environments.any_up = True
    await rest.changes()
    monkeypatch.setattr(main, "IDLE_EXIT_S", 0.0)
    await rest.changes()
    assert not rest.task.done()
    rest.task.cancel()
    await asyncio.gather(rest.task, return_exceptions=True)


def test_a_users_mistake_comes_out_of_the_task_groups_as_itself(monkeypatch):
    async def serve(*_, **__):
        async with asyncio.TaskGroup():
            raise DevenvError("the port is taken", code="port.in-use")

    monkeypatch.setattr(main, "serve", serve)
    with pytest.raises(DevenvError) as caught:
        main._run(None, 443, stay=True)
    assert caught.value.code == "port.in-use"


def test_a_bug_beside_a_mistake_stays_a_bug(monkeypatch):
    async def serve(*_, **__):
        raise BaseExceptionGroup("", [DevenvError("a mistake"), ZeroDivisionError()])

    monkeypatch.setattr(main, "serve", serve)
    with pytest.raises(BaseExceptionGroup):
        main._run(None, 443, stay=True)
