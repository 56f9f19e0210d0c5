import asyncio
import time

import pytest
from fakes.clock import settle
from fakes.environments import FakeEnvironment
from fakes.worlds import scripted

from devenv.daemon.progress import hopeless, overdue, settle_down, settle_up
from devenv.model.plan import Status
from devenv.model.state import Phase

CHAIN = """
    name: app
    services: {redis: {}}
    setup: {migrate: {run: m, needs: [redis]}}
    processes: {web: {run: x, needs: [migrate]}, other: {run: x}}
"""
NAMES = ("redis", "migrate", "web", "other")


@pytest.fixture
def environment(tmp_path):
    environment = FakeEnvironment(CHAIN, root=tmp_path)
    for name in NAMES:
        environment.store.update(name, phase=Phase.WAITING)
    return environment


class Listener:
    def __init__(self):
        self.events = []

    async def __call__(self, event):
        self.events.append((event["unit"]["name"], event["unit"]["phase"]))


def test_what_waits_for_something_broken_is_as_lost_as_that(environment):
    environment.store.update("redis", phase=Phase.CRASHED)
    assert hopeless(environment, ["web", "migrate", "redis", "other"]) == [
        "redis",
        "migrate",
        "web",
    ]


def test_what_is_only_slow_is_not_lost(environment):
    environment.store.update("redis", phase=Phase.BACKOFF)
    environment.store.update("other", phase=Phase.RUNNING, started_at=time.time())
    assert hopeless(environment, NAMES) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": Phase.FAILED},
        {"phase": Phase.STOPPED, "ended": True},
        {"phase": Phase.RUNNING, "started_at": 1.0},
    ],
)
def test_a_unit_is_lost_when(environment, changes):
    environment.store.update("other", **changes)
    assert hopeless(environment, ["other"]) == ["other"]


def test_what_somebody_else_took_down_is_lost_and_nobody_waits_for_ever(environment):
    environment.reconciler.want([])
    environment.store.update("other", phase=Phase.STOPPED)
    assert hopeless(environment, ["other"]) == ["other"]


@pytest.mark.parametrize(
    ("status", "late"),
    [
        (Status(phase=Phase.RUNNING, started_at=0.0), True),
        (Status(phase=Phase.RUNNING, started_at=0.0, ready=True), False),
        (Status(phase=Phase.PREPARING, started_at=0.0), False),
        (Status(phase=Phase.RUNNING), False),
    ],
)
def test_only_a_running_unit_can_be_late(status, late):
    assert overdue(60, status) is late


@scripted
async def test_up_has_settled_when_all_are_ready_and_each_change_was_told_once(environment):
    listener = Listener()
    async with asyncio.TaskGroup() as group:
        settled = group.create_task(settle_up(environment, frozenset(["other"]), listener))
        await settle()
        environment.store.update("other", phase=Phase.RUNNING, pid=1)
        await settle()
        assert not settled.done()
        environment.store.update("other", ready=True)
    assert settled.result() == []
    told = [phase for name, phase in listener.events if name == "other"]
    assert told == ["waiting", "running", "running"]


@scripted
async def test_up_has_settled_when_the_rest_is_lost(environment):
    environment.store.update("redis", phase=Phase.CRASHED)
    environment.store.update("other", phase=Phase.RUNNING, ready=True)
    lost = await settle_up(environment, frozenset(NAMES), Listener())
    assert lost == ["redis", "migrate", "web"]


@scripted
async def test_down_has_settled_when_nothing_runs_any_more(environment):
    environment.store.update("other", phase=Phase.STOPPING, pid=1)
    async with asyncio.TaskGroup() as group:
        settled = group.create_task(settle_down(environment, NAMES, Listener()))
        await settle()
        assert not settled.done()
        environment.store.update("other", phase=Phase.STOPPED, pid=None)


@scripted
async def test_down_does_not_wait_for_what_cannot_end(environment):
    environment.store.update("other", phase=Phase.RUNNING, pid=1)
    ending = asyncio.get_running_loop().create_future()
    ending.set_result(None)
    await settle_down(environment, NAMES, Listener(), ending)


@scripted
async def test_long_work_is_told_with_the_last_line_of_its_log(environment):
    environment.paths.ensure()
    (environment.paths.logs / "migrate.log").write_text("Applying 0001_initial... OK\n\n")
    environment.store.update("migrate", phase=Phase.RUNNING, pid=1)
    environment.reconciler.want([])
    environment.store.update("other", phase=Phase.STOPPED)
    details = {}

    async def listen(event):
        details[event["unit"]["name"]] = event["unit"].get("detail")

    await settle_up(environment, frozenset(["other"]), listen)
    assert details == {
        "redis": None,
        "migrate": "Applying 0001_initial... OK",
        "web": None,
        "other": None,
    }
