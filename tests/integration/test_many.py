"""A hundred processes in one environment: they start, are ready, are found again, and stop."""

from __future__ import annotations

import time

import pytest
from fakes.checkouts import kill
from fakes.shims import resident_kib

pytestmark = pytest.mark.integration

COUNT = 100


def test_a_hundred_trivial_processes(checkout):
    units = "".join(f"  p{n}: {{run: echo {n} is here; exec sleep 600}}\n" for n in range(COUNT))
    checkout.write(f"name: app\nprocesses:\n{units}")
    view = checkout.up()
    assert view["ready"] is True
    before = checkout.pids()
    assert len(set(before.values())) == COUNT
    assert len(checkout.home.processes(b"sleep\x00600")) == COUNT
    shim = checkout.home.shim_pid(checkout.identity())
    assert resident_kib(shim) <= 15 * 1024
    kill(checkout.home.daemon_pid())
    begun = time.monotonic()
    assert checkout.status() == view
    assert time.monotonic() - begun < 2
    lines = checkout.ok("logs").splitlines()
    assert sum(line.endswith("is here") for line in lines) == COUNT
    checkout.ok("restart", "p7", "p77")
    changed = {name for name, pid in checkout.pids().items() if before[name] != pid}
    assert changed == {"p7", "p77"}
    checkout.down()
    checkout.home.expect_nothing_runs()


def test_a_long_chain_of_needs(checkout):
    """Each waits for the one before; all stop in reverse."""
    units = "".join(
        f'  p{n}: {{run: \'trap "date +%s.%N > p{n}.end; exit" TERM; date +%s.%N > p{n}.begin;'
        f" while :; do sleep 0.02; done', ready: {{exec: test -s p{n}.begin}},"
        f" needs: [{f'p{n - 1}' if n else ''}]}}\n"
        for n in range(30)
    )
    checkout.write(f"name: app\nprocesses:\n{units}")
    assert checkout.up()["ready"] is True
    checkout.down()

    def at(what: str) -> list[float]:
        return [float((checkout.folder / f"p{n}.{what}").read_text()) for n in range(30)]

    assert at("begin") == sorted(at("begin"))
    assert at("end") == sorted(at("end"), reverse=True)
    checkout.home.expect_nothing_runs()
