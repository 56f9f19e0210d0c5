"""Ends and beginnings: restart policies, crash loops, stop and start, commands beside units."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import pytest
from fakes.checkouts import WEB, kill, wait_until

pytestmark = pytest.mark.integration

POLICIES = """\
name: app
processes:
  never: {run: "echo x >> never.runs; exit 3", restart: "no"}
  failure-0: {run: "echo x >> failure-0.runs; exit 0", restart: on-failure}
  failure-1: {run: "echo x >> failure-1.runs; test -e mended && exec sleep 600; exit 1", restart: on-failure}
  always: {run: "echo x >> always.runs; test -e mended && exec sleep 600; exit 0", restart: always}
"""  # noqa: E501


def runs(folder: Path, name: str) -> int:
    file = folder / f"{name}.runs"
    return file.read_text().count("x") if file.exists() else 0


def test_restart_policies(checkout):
    checkout.write(POLICIES)
    with checkout.start("up", "-d"):
        wait_until(lambda: runs(checkout.folder, "always") >= 2, "`always` was started again")
        wait_until(lambda: runs(checkout.folder, "failure-1") >= 2, "`failure-1` too")
        (checkout.folder / "mended").touch()
        for name in ("failure-1", "always"):
            assert checkout.wait(name, ready=True)["restarts"] == runs(checkout.folder, name) - 1
    assert (runs(checkout.folder, "never"), runs(checkout.folder, "failure-0")) == (1, 1)
    never, ended = checkout.unit("never"), checkout.unit("failure-0")
    assert (never["phase"], never["restarts"], never["reason"]) == ("stopped", 0, "exited with 3")
    assert (ended["phase"], ended["restarts"], ended["reason"]) == ("stopped", 0, "exited with 0")


CRASHING = """\
name: app
processes:
  bad: {run: "date +%s.%N >> bad.runs; echo cannot find the moon; exit 7"}
  needs-bad: {run: sleep 600, needs: [bad]}
"""


def test_a_crash_loop_backs_off_gives_up_and_says_how_to_see_why(checkout):
    checkout.write(CRASHING.replace('{run: "date', '{ready: {exec: "false"}, run: "date'))
    done = checkout.devenv("up", "-d")
    assert done.returncode == 1
    reason = (
        "ended 6 times in a row within 10 s, at last: exited with 7; `devenv logs bad` shows why"
    )
    hint = "mend it, then `devenv restart bad`"
    assert done.stderr.endswith(f"\nerror: `bad` is not ready: {reason}\n\nhint: {hint}\n")
    assert "  cannot find the moon\n" in done.stderr
    begun = [float(line) for line in (checkout.folder / "bad.runs").read_text().split()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert len(begun) == 6
    for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.8, 1.6), strict=True):
        assert pause >= least
    assert checkout.unit("bad")["phase"] == "crashed"
    assert checkout.unit("needs-bad")["phase"] == "waiting"
    assert f"\nbad: {reason}\n" in checkout.ok("status")
    why = checkout.ok("why", "needs-bad")
    assert why.startswith(
        f"● needs-bad (waiting): waiting for what it needs\n  ✗ bad (crashed): {reason}\n"
    )
    assert "    cannot find the moon\n" in why
    time.sleep(0.5)
    assert len((checkout.folder / "bad.runs").read_text().split()) == 6  # nobody tries again
    checkout.write(CRASHING.replace("exit 7", "exec sleep 600"))
    assert checkout.up()["ready"] is True


def test_a_failed_step_says_so_and_is_done_again_by_the_next_up(checkout):
    checkout.write(
        "name: app\n"
        'setup:\n  build: {run: "echo no compiler; test -e mended"}\n'
        "processes:\n  web: {run: sleep 600, needs: [build]}\n"
    )
    done = checkout.devenv("up", "-d")
    assert done.returncode == 1
    assert (
        "error: `build` is not ready: exited with 1; `devenv logs build` shows why\n\n"
        "hint: devenv why build\n"
    ) in done.stderr
    assert "`web`" not in done.stderr
    (checkout.folder / "mended").touch()
    assert checkout.up()["ready"] is True


def test_a_unit_that_never_gets_ready_is_reported_at_its_timeout(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        '  web: {run: sleep 600, ready: {exec: "false", timeout: 1s}}\n'
        "  late: {run: sleep 600, port: 8000, ready: {http: /, timeout: 1s}}\n"
    )
    done = checkout.devenv("up", "-d")
    assert done.returncode == 1
    assert (
        "error: `web` is not ready: not ready yet: the check exited with 1\n\n"
        "hint: devenv why web\n"
    ) in done.stderr
    assert "error: `late` is not ready: not ready yet: " in done.stderr
    assert set(checkout.pids()) == {"web", "late"}  # left running, to be looked at


THREE = """\
name: app
processes:
  one: {run: sleep 600}
  two: {run: sleep 600, needs: [one]}
  three: {run: sleep 600, needs: [two]}
"""


def test_start_stop_and_restart_touch_only_what_they_name(checkout):
    checkout.write(THREE)
    checkout.up()
    before = checkout.pids()
    checkout.ok("stop", "one")
    assert checkout.pids() == {name: before[name] for name in ("two", "three")}
    assert checkout.unit("one")["phase"] == "stopped"
    assert checkout.status()["ready"] is True  # all that is wanted
    checkout.ok("start", "one")
    assert checkout.pids().keys() == before.keys()
    again = checkout.pids()
    checkout.ok("restart", "two")
    after = checkout.pids()
    assert (after["one"], after["three"]) == (again["one"], again["three"])
    assert after["two"] != again["two"]
    assert checkout.unit("two")["restarts"] == 0  # of its own accord, none


def test_a_stopped_unit_stays_stopped_over_the_daemons_death(checkout):
    checkout.write(THREE)
    checkout.up()
    checkout.ok("stop", "three")
    kill(checkout.home.daemon_pid())
    assert checkout.pids().keys() == {"one", "two"}
    time.sleep(0.3)
    assert checkout.unit("three")["phase"] == "stopped"


def test_stop_gives_grace_and_then_kills(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        "  polite: {run: \"trap 'echo bye > end; exit 0' TERM; while :; do sleep 0.05; done\"}\n"
        "  deaf: {run: \"trap '' TERM; while :; do sleep 0.05; done\", stop_grace_period: 500ms}\n"
    )
    checkout.up()
    time.sleep(0.3)
    begun = time.monotonic()
    checkout.down()
    assert 0.5 <= time.monotonic() - begun < 8
    assert (checkout.folder / "end").exists()
    checkout.home.expect_nothing_runs()


def test_unknown_names_get_a_close_match(checkout):
    checkout.write(THREE)
    for words in (("up", "-d"), ("why",), ("logs",), ("exec",)):
        done = checkout.devenv(*words, "thre", *(["--", "true"] if words == ("exec",) else []))
        assert done.returncode == 1, words
        assert done.stderr == (
            "error: no unit is called `thre`\n\nhint: did you mean `three`?\n"
        ), words


def test_exit_codes_pass_through_exec_and_run(checkout):
    checkout.write(WEB)
    assert checkout.devenv("run", "--", "sh", "-c", "exit 37").returncode == 37
    assert checkout.devenv("exec", "web", "--", "sh", "-c", "exit 38").returncode == 38
    killed = checkout.devenv("run", "--", "sh", "-c", "kill -TERM $$")
    assert killed.returncode == -signal.SIGTERM
    missing = checkout.devenv("run", "--", "no-such-program")
    assert missing.returncode == 1
    assert missing.stderr == (
        "error: cannot run `no-such-program`: No such file or directory\n\n"
        "hint: check its spelling, or where it is installed\n"
    )


def test_run_and_exec_have_the_variables_of_the_environment(checkout):
    config = WEB.replace("8000,", "8000, dir: sub, environment: {COLOUR: blue},")
    checkout.write(config.replace("server.py", "../server.py"))
    (checkout.folder / "sub").mkdir()
    address = checkout.up()["environment"]["address"]
    ran = dict(line.split("=", 1) for line in checkout.ok("run", "--", "env").splitlines())
    assert (ran["HOST"], ran["WEB_HOST"], ran["WEB_PORT"]) == (address, address, "8000")
    assert ran["DEVENV_URL"] == f"https://app.localhost:{checkout.home.https_port}"
    assert "COLOUR" not in ran
    done = checkout.ok("exec", "web", "--", "sh", "-c", "pwd; echo $COLOUR $PORT $DEVENV_URL")
    url = f"https://www.app.localhost:{checkout.home.https_port}"
    assert done == f"{checkout.folder}/sub\nblue 8000 {url}\n"
    with checkout.start("run", "--", "cat", stdin=-1) as cat:
        assert cat.communicate("from stdin")[0] == "from stdin"


def test_the_daemon_that_nothing_needs_is_not_kept_by_a_question(checkout):
    checkout.write(WEB)
    checkout.status()
    pid = checkout.home.daemon_pid()
    os.kill(pid, signal.SIGTERM)
    checkout.home.expect_nothing_runs()
