import pytest
from fakes.environments import FakeEnvironment
from fakes.worlds import step, unit

from devenv.daemon.views import explain, status_view, unit_view, urls_view, why_view
from devenv.model.plan import Status
from devenv.model.state import Phase

SMALL = """
    name: app
    address: 127.0.0.9
    services: {redis: {}}
    setup: {migrate: {run: m, needs: [redis]}}
    processes: {web: {run: x, port: 8000, needs: [migrate]}}
    routes: {"*": web}
"""
EDGE = {"https_port": 8443, "ca_file": "/ca.pem", "ready": True}


@pytest.fixture
def environment():
    return FakeEnvironment(SMALL)


def bring_up(environment):
    environment.store.update("redis", phase=Phase.RUNNING, ready=True, pid=11, restarts=2)
    environment.store.update("migrate", phase=Phase.DONE)
    environment.store.update("web", phase=Phase.RUNNING, ready=True, pid=12)


def test_the_status_has_exactly_this_shape(environment):
    bring_up(environment)
    assert status_view(environment, EDGE) == {
        "environment": {
            "name": "app",
            "path": "/home/me/drund",
            "address": "127.0.0.9",
            "domain": "app.localhost",
            "provider": "native",
        },
        "units": [
            {
                "name": "redis",
                "kind": "service",
                "phase": "running",
                "ready": True,
                "wanted": True,
                "pid": 11,
                "restarts": 2,
                "endpoint": {"host": "127.0.0.9", "port": 6379},
                "url": None,
                "reason": "",
            },
            {
                "name": "migrate",
                "kind": "setup",
                "phase": "done",
                "ready": True,
                "wanted": True,
                "pid": None,
                "restarts": 0,
                "endpoint": None,
                "url": None,
                "reason": "",
            },
            {
                "name": "web",
                "kind": "process",
                "phase": "running",
                "ready": True,
                "wanted": True,
                "pid": 12,
                "restarts": 0,
                "endpoint": {"host": "127.0.0.9", "port": 8000},
                "url": "https://www.app.localhost:8443",
                "reason": "",
            },
        ],
        "edge": EDGE,
        "ready": True,
        "problems": [],
    }


def test_an_environment_is_ready_when_all_that_is_wanted_is(environment):
    bring_up(environment)
    environment.store.update("web", ready=False)
    assert not status_view(environment, EDGE)["ready"]
    environment.reconciler.want(["redis", "migrate"])
    assert status_view(environment, EDGE)["ready"]
    environment.reconciler.want([])
    assert not status_view(environment, EDGE)["ready"]


def test_routes_need_the_edge():
    routed, plain = FakeEnvironment(SMALL), FakeEnvironment(SMALL.rpartition("    routes")[0])
    for environment in (routed, plain):
        bring_up(environment)
    down = {**EDGE, "ready": False}
    assert not status_view(routed, down)["ready"]
    assert status_view(plain, down)["ready"]


def test_an_environment_whose_file_cannot_be_read_still_has_a_status(environment):
    environment.definition = None
    environment.troubles.append("`devenv.yml` cannot be read")
    view = status_view(environment, EDGE)
    assert (view["environment"]["name"], view["problems"]) == ("", environment.troubles)
    assert urls_view(environment) == []


def test_why_follows_the_chain_to_the_root_cause(environment):
    for name in ("migrate", "web"):
        environment.store.update(name, phase=Phase.WAITING)
    environment.store.update("redis", phase=Phase.CRASHED, reason="ended 6 times in a row")
    view = why_view(environment, "web")
    assert [(each["name"], each["explanation"]) for each in view["chain"]] == [
        ("web", "waiting for what it needs"),
        ("migrate", "waiting for what it needs"),
        ("redis", "ended 6 times in a row"),
    ]
    assert not view["ready"]


def test_why_names_what_is_broken_before_what_only_starts():
    environment = FakeEnvironment(
        "name: app\nservices: {redis: {}, mysql: {}}\n"
        "processes: {web: {run: x, needs: [redis, mysql]}}"
    )
    environment.store.update("web", phase=Phase.WAITING)
    environment.store.update("redis", phase=Phase.STARTING)
    environment.store.update("mysql", phase=Phase.FAILED)
    assert why_view(environment, "web")["chain"][-1]["name"] == "mysql"


@pytest.mark.parametrize(
    ("what", "status", "wanted", "sentence"),
    [
        (unit("web"), Status(phase=Phase.RUNNING, ready=True, reason="old"), True, "ready"),
        (step("migrate"), Status(phase=Phase.DONE), True, "done"),
        (unit("web"), Status(reason="exited with 3"), True, "exited with 3"),
        (unit("web"), Status(), False, "not started; `devenv start web` starts it"),
        (unit("web"), Status(phase=Phase.PREPARING), True, "being installed or initialised"),
        (unit("web"), Status(phase=Phase.RUNNING), True, "running, not ready yet"),
    ],
)
def test_one_sentence_says_why_a_unit_is_as_it_is(what, status, wanted, sentence):
    assert explain(what, status, wanted=wanted) == sentence


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_words_and_a_view(phase):
    assert explain(unit("web"), Status(phase=phase), wanted=True)
    assert unit_view(unit("web"), Status(phase=phase), wanted=True)["phase"] == phase.value
