import errno

import pytest
from fakes.clock import FakeClock
from fakes.worlds import FakeProvider, FakeStamps, scripted, unit

from devenv.daemon.starting import PORT_RELEASE_S, Starter
from devenv.daemon.store import Store
from devenv.model.state import Event, Phase
from devenv.model.unit import Endpoint
from devenv.system.ports import Holder

WEB = unit("web", endpoint=Endpoint("127.0.0.9", 8000))


class Start:
    """One unit about to be started on a port that is free when *frees_at* has come."""

    def __init__(self, monkeypatch, *, frees_at=0.0, restarts=0):
        self.clock, self.store, self.provider = FakeClock(), Store(), FakeProvider()
        self.store.happen("web", Event.WANTED, restarts=restarts)
        begun = self.clock.now
        self.clock.sleep = self._sleep
        monkeypatch.setattr(
            "devenv.daemon.starting.is_free", lambda *_: self.clock.now - begun >= frees_at
        )
        monkeypatch.setattr("devenv.daemon.starting.holder", lambda *_: Holder(812, "redis-server"))

    async def _sleep(self, seconds):
        self.clock.now += seconds

    async def run(self):
        starter = Starter(self.store, FakeStamps(), self.clock)
        await starter.start(WEB, None, self.provider)
        return self.store["web"]


@scripted
async def test_a_port_in_use_is_told_with_its_holder_and_nothing_is_started(monkeypatch):
    start = Start(monkeypatch, frees_at=1.0)
    status = await start.run()
    assert status.phase is Phase.FAILED
    assert status.reason == (
        "cannot start `web`: port 8000 on 127.0.0.9 is in use by `redis-server` (pid 812); "
        "stop that program, then `devenv start web`"
    )
    assert start.provider.calls == []


@pytest.mark.parametrize(
    ("frees_at", "phase"),
    [(PORT_RELEASE_S - 0.1, Phase.RUNNING), (PORT_RELEASE_S + 0.1, Phase.FAILED)],
)
def test_a_restarted_unit_gives_its_old_port_a_moment(monkeypatch, frees_at, phase):
    @scripted
    async def script():
        assert (await Start(monkeypatch, frees_at=frees_at, restarts=1).run()).phase is phase

    script()


@scripted
async def test_an_address_that_cannot_be_used_says_what_to_change(monkeypatch):
    start = Start(monkeypatch)

    def refuse(*_):
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr("devenv.daemon.starting.is_free", refuse)
    assert (await start.run()).reason == (
        "cannot start `web`: cannot listen on 127.0.0.9:8000: Cannot assign requested address; "
        "set another `address` or `port` in `devenv.yml`"
    )


@scripted
async def test_a_started_unit_carries_pid_start_time_and_digest(monkeypatch):
    status = await Start(monkeypatch).run()
    assert (status.phase, status.pid, status.started_at, status.digest, status.ready) == (
        Phase.RUNNING,
        1,
        100.0,
        "d",
        False,
    )
