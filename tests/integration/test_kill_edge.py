"""Envoy is killed: the hosts answer again within two seconds, and nothing else moves."""

from __future__ import annotations

import pytest
from fakes.browsers import get, until_served
from fakes.checkouts import WEB, kill

pytestmark = pytest.mark.integration

BACK_S = 2.0


def test_it_is_back_within_two_seconds_each_time(checkout):
    checkout.write(WEB)
    checkout.up()
    before = checkout.pids()
    seen = set()
    for _ in range(4):
        envoy = checkout.home.envoy_pid()
        seen.add(envoy)
        kill(envoy)
        assert until_served(lambda: get(checkout.home, "www.app.localhost"), timeout_s=10) < BACK_S
        assert checkout.status()["edge"]["ready"] is True
    assert len(seen) == 4
    assert checkout.pids() == before


def test_killed_while_there_is_no_daemon_it_is_back_with_the_next(checkout):
    checkout.write(WEB)
    checkout.up()
    kill(checkout.home.daemon_pid())
    kill(checkout.home.envoy_pid())
    assert checkout.status()["ready"] is True
    assert get(checkout.home, "www.app.localhost")["path"] == "/"


def test_it_ends_with_the_last_environment(home):
    first, second = home.checkout("one", WEB), home.checkout("two", WEB.replace("app", "shop"))
    first.up()
    second.up()
    envoy = home.envoy_pid()
    assert get(home, "www.app.localhost")["pid"] == first.pids()["web"]
    first.down()
    assert get(home, "www.shop.localhost")["pid"] == second.pids()["web"]
    assert home.envoy_pid() == envoy
    second.down()
    home.expect_nothing_runs()
