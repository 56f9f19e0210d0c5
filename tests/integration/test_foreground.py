"""`up` in the foreground, in a real terminal: Ctrl-C, a closed window, the daemon's death."""

from __future__ import annotations

import os
import signal
import time

import pytest
from fakes.checkouts import kill, wait_until

pytestmark = pytest.mark.integration

UNTIL_TERM = (
    "trap 'date +%s.%N > {0}.end; exit 0' TERM; echo {0} is here; while :; do sleep 0.02; done"
)
CHAIN = "name: app\nprocesses:\n" + "".join(
    f'  {name}: {{run: "{UNTIL_TERM.format(name)}", needs: [{need}]}}\n'
    for name, need in (("one", ""), ("two", "one"), ("three", "two"), ("four", ""))
)


def ended_at(checkout, name: str) -> float:
    return float((checkout.folder / f"{name}.end").read_text())


def test_ctrl_c_stops_what_it_started_in_reverse_order(checkout):
    checkout.write(CHAIN)
    with checkout.screen("up") as user:
        user.sees("three")
        user.sees("is here")
        user.sees("Ctrl-C stops it again")  # the result is not scrolled away by the logs
        user.type("\x03")
        user.sees("stopping (Ctrl-C again kills) ...")
        assert user.exits() == 130
    assert ended_at(checkout, "three") < ended_at(checkout, "two") < ended_at(checkout, "one")
    assert (checkout.folder / "four.end").exists()
    checkout.home.expect_nothing_runs()


def test_ctrl_c_leaves_alone_what_was_up_before(checkout):
    checkout.write(CHAIN)
    checkout.up("two")
    before = checkout.pids()
    with checkout.screen("up") as user:
        user.sees("Ctrl-C stops it again")
        user.type("\x03")
        assert user.exits() == 130
    assert checkout.pids() == before
    with checkout.screen("up", "two") as user:
        user.sees("Ctrl-C stops it again")
        user.type("\x03")
        user.sees("nothing was started by this `up`; all stays as it is (`devenv down` stops it)")
        assert user.exits() == 130
    assert checkout.pids() == before


def test_ctrl_c_while_things_still_start(checkout):
    config = CHAIN.replace("needs: [one]", 'needs: [one], ready: {exec: "false"}')
    checkout.write(config)
    with checkout.screen("up") as user:
        user.sees("two            starting")
        wait_until(lambda: "two" in checkout.pids(), "`two` runs")
        time.sleep(0.3)
        user.type("\x03")
        assert user.exits() == 130
    assert ended_at(checkout, "two") < ended_at(checkout, "one")
    assert not (checkout.folder / "three.end").exists()
    checkout.home.expect_nothing_runs()


def test_a_second_ctrl_c_kills(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        "  deaf: {run: \"trap '' TERM INT; echo here; while :; do sleep 0.05; done\","
        " stop_grace_period: 60s}\n"
    )
    with checkout.screen("up") as user:
        user.sees("here")
        user.sees("Ctrl-C stops it again")
        user.type("\x03")
        user.sees("stopping (Ctrl-C again kills) ...")
        user.sees("stopping")
        time.sleep(0.3)
        assert user.process.poll() is None
        user.type("\x03")
        assert user.exits(10) == 130
    checkout.home.expect_nothing_runs()


def test_a_closed_window_stops_what_it_started(checkout):
    checkout.write(CHAIN)
    with checkout.screen("up") as user:
        user.sees("Ctrl-C stops it again")
        user.hang_up()
        assert user.process.wait(20) == 130
    assert ended_at(checkout, "three") < ended_at(checkout, "one")
    checkout.home.expect_nothing_runs()


def test_without_a_terminal_a_plain_kill_stops_what_it_started(checkout):
    checkout.write(CHAIN)
    with checkout.start("up") as up:
        assert "Ctrl-C stops it again" in "".join(iter_until(up.stderr, "Ctrl-C"))
        up.terminate()
        assert up.wait(20) == 130
    checkout.home.expect_nothing_runs()


def iter_until(stream, text: str):
    for line in stream:
        yield line
        if text in line:
            return


def test_it_goes_on_over_the_daemons_death_and_still_stops_all(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        '  clock: {run: "i=0; while :; do i=$((i+1)); echo tick $i.; sleep 0.02; done"}\n'
    )
    with checkout.screen("up") as user:
        user.sees("tick")
        before = checkout.pids()
        for _ in range(3):
            kill(checkout.home.daemon_pid())
            user.sees("tick")
            user.seen = ""
            at = checkout.log("clock").count("tick") + 20
            user.sees(f"tick {at}.")
            assert checkout.pids() == before
        user.type("\x03")
        assert user.exits() == 130
    checkout.home.expect_nothing_runs()


def test_the_terminal_shows_what_is_under_way_and_for_how_long(checkout):
    checkout.write(
        "name: app\nsetup:\n"
        '  build: {run: "echo compiling the moon; while ! test -e go; do sleep 0.05; done"}\n'
        "processes:\n  web: {run: sleep 600, needs: [build]}\n"
    )
    with checkout.screen("up", "-d") as user:
        user.sees("build")
        user.sees("compiling the moon")
        user.sees("1.")  # a second and more
        (checkout.folder / "go").touch()
        assert user.exits() == 0
        assert "web            ready" in user.seen
        assert "ready after" in user.seen


def test_nothing_is_asked_where_there_is_no_terminal(checkout):
    """No standard streams at all, as under cron."""
    checkout.write(CHAIN)
    nothing = os.open(os.devnull, os.O_RDWR)
    with checkout.start("up", "-d", stdin=nothing, stdout=nothing, stderr=nothing) as up:
        assert up.wait(30) == 0
    os.close(nothing)
    with checkout.start("down", preexec_fn=lambda: os.closerange(0, 3)) as down:
        assert down.wait(30) == 0
    checkout.home.expect_nothing_runs()


def test_a_reader_that_leaves_is_no_error(checkout):
    checkout.write('name: app\nprocesses:\n  much: {run: "seq 1 100000; exec sleep 600"}\n')
    checkout.up()
    with checkout.start("logs", "-n", "100000") as logs:
        assert logs.stdout.readline()
        logs.stdout.close()
        assert logs.wait(20) in (0, -signal.SIGPIPE)
        assert logs.stderr.read() == ""
