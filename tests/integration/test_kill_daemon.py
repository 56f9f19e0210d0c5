"""The daemon is killed at any moment: nothing that runs notices, and it finds all as it was."""

from __future__ import annotations

import random
import time

import pytest
from fakes.browsers import Visitors
from fakes.checkouts import WEB, kill, wait_until

pytestmark = pytest.mark.integration

KILLS = 25
RIGHT_AGAIN_S = 2.0
"""The issue's limit for `status` after a kill, the start of the next daemon included."""

CONFIG = WEB.replace(
    "routes:",
    "  other: {run: sleep 600, needs: [web]}\n"
    "  failing: {run: 'sleep 600', port: 8001, ready: {http: /}}\nroutes:",
)


def test_25_kills_while_requests_run(checkout):
    """Nothing restarts, no request fails, `status` is right again within two seconds."""
    checkout.write(CONFIG)
    checkout.ok("up", "-d", "other")
    before = checkout.status()
    host = "www.app.localhost"
    lasted = []
    chance = random.Random(2)
    killed = set()
    with Visitors(checkout.home, host) as visitors:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 0.3))
            pid = checkout.home.daemon_pid()
            killed.add(pid)
            kill(pid)
            begun = time.monotonic()
            after = checkout.status()
            lasted.append(time.monotonic() - begun)
            assert after == before
    assert len(killed) == KILLS
    assert visitors.failures == []
    assert min(visitors.served.values()) > 100
    web = next(unit for unit in before["units"] if unit["name"] == "web")
    assert visitors.servers == {web["pid"]}
    assert max(lasted) < RIGHT_AGAIN_S, lasted


def test_killed_while_it_brings_things_up(checkout):
    """Whatever the moment, one more `up` completes the work and nothing runs twice."""
    checkout.write(CONFIG.replace("8001", "8002").replace("'sleep 600'", "exec python server.py"))
    chance = random.Random(3)
    for _ in range(6):
        with checkout.start("up", "-d") as up:
            time.sleep(chance.uniform(0.05, 0.6))
            for pid in checkout.home.processes(b"devenv.daemon.main"):
                kill(pid)
            assert up.wait(30) == 0, up.stderr.read()
        assert checkout.status()["ready"] is True
        assert len(checkout.home.processes(b"server.py")) == 2
        assert len(checkout.home.processes(b"sleep\x00600")) == 1
        with checkout.start("down") as down:
            time.sleep(chance.uniform(0.05, 0.3))
            for pid in checkout.home.processes(b"devenv.daemon.main"):
                kill(pid)
            assert down.wait(30) == 0, down.stderr.read()
        checkout.home.expect_nothing_runs()


def test_what_ends_while_there_is_no_daemon_is_started_again_by_the_next(checkout):
    checkout.write(WEB)
    pid = checkout.up()["units"][0]["pid"]
    kill(checkout.home.daemon_pid())
    kill(pid)
    unit = checkout.wait("web", ready=True)
    assert unit["pid"] != pid
    assert len(checkout.home.processes(b"server.py")) == 1


def test_a_step_under_way_goes_on_and_is_not_done_twice(checkout):
    checkout.write(
        "name: app\nsetup:\n"
        "  build: {run: 'echo x >> count; while ! test -e go; do sleep 0.05; done'}\n"
        "processes:\n  web: {run: sleep 600, needs: [build]}\n"
    )
    count = checkout.folder / "count"
    with checkout.start("up", "-d") as up:
        wait_until(count.exists, "the step has begun")
        kill(checkout.home.daemon_pid())
        assert checkout.wait("build", phase="running")
        (checkout.folder / "go").touch()
        assert up.wait(20) == 0
    assert checkout.status()["ready"] is True
    checkout.ok("up", "-d")
    assert count.read_text() == "x\n"
