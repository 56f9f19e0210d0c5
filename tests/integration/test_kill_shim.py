"""A shim is killed: its children end cleanly, everything comes back, nothing is left over."""

from __future__ import annotations

import json

import pytest
from fakes.browsers import get, until_served
from fakes.checkouts import WEB, kill, wait_until

pytestmark = pytest.mark.integration

CONFIG = WEB.replace(
    "routes:",
    """  clean:
    run: "trap 'sleep 0.3; echo clean >> clean.end; exit 0' TERM; while :; do sleep 0.05; done"
  family: {run: "(exec sleep 601) & setsid sleep 602 & exec sleep 603"}
routes:""",
)


def test_children_end_cleanly_and_all_is_started_again(checkout):
    checkout.write(CONFIG)
    checkout.up()
    identity = checkout.identity()
    before = checkout.pids()
    shim = checkout.home.shim_pid(identity)
    kill(shim)
    wait_until((checkout.folder / "clean.end").exists, "`clean` ended cleanly")
    wait_until(
        lambda: checkout.status()["ready"] and shim not in checkout.home.processes(b"devenv-shim"),
        "everything is back",
        describe=checkout.status,
        timeout_s=30,
    )
    after = checkout.pids()
    assert all(after[name] != before[name] for name in before)
    assert checkout.home.shim_pid(identity)
    for words in (b"sleep\x00601", b"sleep\x00602", b"sleep\x00603", b"server.py"):
        assert len(checkout.home.processes(words)) == 1, words
    assert (checkout.folder / "clean.end").read_text() == "clean\n"
    assert get(checkout.home, "www.app.localhost")["pid"] == after["web"]
    assert checkout.unit("clean")["restarts"] == 1
    checkout.down()
    checkout.home.expect_nothing_runs()


def test_shim_and_daemon_killed_together(checkout):
    checkout.write(CONFIG)
    checkout.up()
    before = checkout.pids()
    kill(checkout.home.daemon_pid())
    kill(checkout.home.shim_pid(checkout_identity(checkout)))
    assert checkout.up()["ready"] is True
    after = checkout.pids()
    assert set(after) == set(before)
    assert all(after[name] != before[name] for name in before)
    for words in (b"sleep\x00601", b"sleep\x00602", b"sleep\x00603", b"server.py"):
        assert len(checkout.home.processes(words)) == 1, words
    checkout.down()
    checkout.home.expect_nothing_runs()


def checkout_identity(checkout):
    """Return the identity without asking a daemon, which would start one."""
    registry = checkout.home.folder / ".local/state/devenv/registry.json"
    (identity,) = json.loads(registry.read_text())
    return identity


def test_a_step_that_the_shim_took_along_is_done_again(checkout):
    checkout.write(
        "name: app\nsetup:\n"
        "  build: {run: 'echo x >> count; while ! test -e go; do sleep 0.05; done'}\n"
        "processes:\n  web: {run: sleep 600, needs: [build]}\n"
    )
    count = checkout.folder / "count"
    with checkout.start("up", "-d") as up:
        wait_until(count.exists, "the step has begun")
        kill(checkout.home.shim_pid(checkout_identity(checkout)))
        wait_until(lambda: count.read_text() == "x\nx\n", "the step has begun again")
        (checkout.folder / "go").touch()
        assert up.wait(20) == 0
    assert checkout.status()["ready"] is True


def test_the_machines_shim_takes_only_the_edge_along(checkout):
    checkout.write(WEB)
    checkout.up()
    before = checkout.pids()
    shim, envoy = checkout.home.shim_pid("machine"), checkout.home.envoy_pid()
    kill(shim)
    wait_until(lambda: envoy not in checkout.home.processes(b"--config-path"), "envoy has ended")
    until_served(lambda: get(checkout.home, "www.app.localhost"), timeout_s=5)
    assert checkout.home.envoy_pid() != envoy
    assert checkout.pids() == before
    assert checkout.status()["ready"] is True
