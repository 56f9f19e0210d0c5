import asyncio
from types import SimpleNamespace

import pytest
from fakes.environments import FakeEnvironment
from fakes.worlds import scripted

from devenv import __version__
from devenv.daemon.api import Api
from devenv.daemon.store import Signal
from devenv.errors import DevenvError
from devenv.model.state import Phase

TEXT = "name: app\nprocesses: {web: {run: x}, extra: {run: x}}"


class FakeEnvironments:
    """One environment; `any_up` is the test's."""

    def __init__(self, environment):
        self.environment, self.changed, self.any_up = environment, Signal(), False
        self.forgotten = False

    def locate(self, _folder):
        return self.environment

    def moved_from(self, _environment):
        return None

    def forget(self, _environment):
        self.forgotten = True

    def carry_out(self, work):
        return asyncio.create_task(work)


class Asked:
    """An API over an environment that is up; what is done to it is noted."""

    def __init__(self):
        self.environment = FakeEnvironment(TEXT)
        self.done = []
        self.environment.is_up = True
        self.environment.take_down = self._note("take down")
        self.environment.unwant = self._note("unwant")
        self.environment.kill = self._note("kill")
        self.environment.require_up = lambda: None
        self.environments = FakeEnvironments(self.environment)
        machine = SimpleNamespace(edge=SimpleNamespace(status=lambda: {"ready": True}))
        self.api = Api(machine, self.environments, lambda: self.done.append("stop daemon"))

    def _note(self, what):
        async def note(*words):
            self.done.append((what, *map(list, words)) if words else what)

        return note

    async def __call__(self, op, **body):
        async def emit(_event):
            pass

        return await self.api.handle({"op": op, "cwd": "/", **body}, emit)


@scripted
async def test_down_takes_everything_down_and_ends_a_daemon_that_nothing_needs():
    asked = Asked()
    await asked("down")
    assert asked.done == ["take down", "stop daemon"]
    assert asked.environments.forgotten


@scripted
async def test_down_leaves_a_daemon_that_something_else_needs():
    asked = Asked()
    asked.environments.any_up = True
    await asked("down")
    assert asked.done == ["take down"]


@scripted
async def test_down_of_some_units_leaves_the_others_up():
    """Ctrl-C stops what this `up` started: other units may have been up before."""
    asked = Asked()
    assert await asked("down", names=["extra"]) == {"stopped": ["extra"]}
    assert asked.done == [("unwant", ["extra"])]


@scripted
async def test_down_of_all_that_is_wanted_takes_everything_down():
    asked = Asked()
    await asked("down", names=["web", "extra"], kill=True)
    assert asked.done == [("kill", ["web", "extra"]), "take down", "stop daemon"]


@scripted
async def test_a_command_of_another_version_is_refused_unless_it_ends_the_daemon():
    asked = Asked()
    with pytest.raises(DevenvError) as caught:
        await asked("status", version="0.0.0")
    assert caught.value.code == "daemon.version"
    await asked("shutdown", version="0.0.0")
    assert asked.done == ["stop daemon"]


@pytest.mark.parametrize("op", ["nonsense", "", "_up"])
def test_an_unknown_request_is_refused(op):
    @scripted
    async def script():
        with pytest.raises(DevenvError) as caught:
            await Asked()(op)
        assert caught.value.code == "request.unknown"

    script()


@pytest.mark.parametrize("op", ["why", "attach"])
def test_an_unknown_name_is_refused(op):
    @scripted
    async def script():
        with pytest.raises(DevenvError) as caught:
            await Asked()(op, name="wbe")
        assert (caught.value.code, caught.value.hint) == ("unit.unknown", "did you mean `web`?")

    script()


@scripted
async def test_nobody_attaches_to_what_does_not_run():
    with pytest.raises(DevenvError) as caught:
        await Asked()("attach", name="web")
    assert (caught.value.code, caught.value.hint) == ("unit.not-running", "devenv why web")


@scripted
async def test_ping_tells_the_version():
    assert (await Asked()("ping"))["version"] == __version__


@scripted
async def test_a_request_under_way_keeps_the_daemon_and_its_end_is_signalled():
    asked = Asked()
    asked.environment.store.update("web", phase=Phase.RUNNING, ready=True)
    changed = asyncio.create_task(asked.environments.changed.wait())
    await asyncio.sleep(0)
    assert not asked.api.busy
    await asked("status")
    await changed
    assert not asked.api.busy
