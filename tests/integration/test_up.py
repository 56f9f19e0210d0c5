"""`up` on a real machine: what starts, in which order, what is done once, and what is shown."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from fakes.checkouts import WEB, wait_until

pytestmark = pytest.mark.integration


def test_status_and_urls_have_the_promised_shape(checkout):
    checkout.write(
        WEB.replace("routes:", 'setup:\n  made: {run: "true"}\nroutes:\n  api: web\n ').replace(
            '{"*": web}', '"*": web'
        )
    )
    view = checkout.up()
    address, port = view["environment"]["address"], checkout.home.https_port
    ca_file = checkout.home.folder / ".local/share/devenv/ca/ca.pem"
    web = next(unit for unit in view["units"] if unit["name"] == "web")
    assert address.startswith("127.")
    assert address != "127.0.0.1"
    assert view == {
        "environment": {
            "name": "app",
            "path": str(checkout.folder),
            "address": address,
            "domain": "app.localhost",
            "provider": "native",
        },
        "units": [
            {
                "name": "made",
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
                "pid": web["pid"],
                "restarts": 0,
                "endpoint": {"host": address, "port": 8000},
                "url": f"https://api.app.localhost:{port}",
                "reason": "",
            },
        ],
        "edge": {"https_port": port, "ca_file": str(ca_file), "ready": True},
        "ready": True,
        "problems": [],
    }
    assert ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert Path(f"/proc/{web['pid']}/cwd").readlink() == checkout.folder
    assert checkout.json("urls") == [
        {"url": f"https://api.app.localhost:{port}/", "target": "web"},
        {"url": f"https://www.app.localhost:{port}/", "target": "web"},
    ]


def test_without_a_terminal_progress_is_plain_lines_and_data_alone_goes_to_stdout(checkout):
    checkout.write(WEB)
    done = checkout.devenv("up", "-d")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout == f"https://www.app.localhost:{checkout.home.https_port}/  web\n"
    assert "✓ web: ready" in done.stderr


ORDER = """\
name: app
setup:
  first: {run: "date +%s.%N > first.done", inputs: []}
processes:
  a: {run: "date +%s.%N > a.begun; sleep 600", needs: [first], ready: {exec: "true"}}
  slow: {run: "date +%s.%N > slow.begun; sleep 600", ready: {exec: "test -e open", timeout: 50s}}
  needs-a: {run: "date +%s.%N > needs-a.begun; sleep 600", needs: [a]}
  needs-slow: {run: "date +%s.%N > needs-slow.begun; sleep 600", needs: [slow]}
"""


def test_what_needs_one_unit_does_not_wait_for_another_that_still_boots(checkout):
    checkout.write(ORDER)
    with checkout.start("up", "-d") as up:
        checkout.wait("needs-a", ready=True)
        assert checkout.unit("slow")["ready"] is False
        assert checkout.unit("needs-slow")["phase"] == "waiting"
        assert not (checkout.folder / "needs-slow.begun").exists()
        assert checkout.status()["ready"] is False
        why = checkout.json("why", "needs-slow")
        assert [unit["name"] for unit in why["chain"]] == ["needs-slow", "slow"]
        (checkout.folder / "open").touch()
        assert up.wait(20) == 0
    at = {file.stem: float(file.read_text()) for file in checkout.folder.glob("*.begun")}
    done_at = float((checkout.folder / "first.done").read_text())
    assert done_at < at["a"] < at["needs-a"]
    assert at["slow"] < at["needs-slow"]
    assert at["slow"] < at["needs-a"]


def test_up_name_starts_it_with_what_it_needs_and_nothing_else(checkout):
    checkout.write(ORDER)
    view = checkout.up("needs-a")
    assert {u["name"] for u in view["units"] if u["wanted"]} == {"first", "a", "needs-a"}
    assert set(checkout.pids()) == {"a", "needs-a"}
    assert view["ready"] is True


STEP = """\
name: app
setup:
  build: {run: "echo done >> count; cat input* > made", inputs: ["input*"], creates: [made]}
processes:
  web: {run: sleep 600, needs: [build]}
"""


def times_done(checkout):
    return (checkout.folder / "count").read_text().count("done")


def test_a_step_is_done_again_when_an_input_changed_and_only_then(checkout):
    checkout.write(STEP)
    file = checkout.folder / "input.txt"
    file.write_text("one")
    checkout.up()
    assert times_done(checkout) == 1
    checkout.up()
    os.utime(file, (0, 0))
    checkout.up()
    checkout.down()
    checkout.up()
    assert times_done(checkout) == 1
    file.write_text("two")
    checkout.up()
    assert times_done(checkout) == 2
    assert (checkout.folder / "made").read_text() == "two"
    (checkout.folder / "input2.txt").write_text("more")
    checkout.up()
    assert times_done(checkout) == 3
    (checkout.folder / "made").unlink()
    checkout.up()
    assert times_done(checkout) == 4
    checkout.write(STEP.replace("cat input*", "cat  input*"))
    checkout.up()
    assert times_done(checkout) == 5
    checkout.ok("restart", "build")
    assert times_done(checkout) == 6


def test_up_twice_changes_nothing(checkout):
    checkout.write(WEB)
    checkout.up()
    before = checkout.status()
    checkout.ok("up", "-d")
    assert checkout.status() == before


def test_an_edit_takes_effect_at_the_next_up_and_restarts_only_what_it_changed(checkout):
    checkout.write(WEB.replace("routes", "  other: {run: sleep 600}\nroutes"))
    checkout.up()
    before = checkout.pids()
    checkout.write(WEB.replace("routes", "  other: {run: sleep 601}\nroutes"))
    time.sleep(0.3)
    assert checkout.pids() == before
    checkout.ok("up", "-d")
    after = checkout.pids()
    assert after["web"] == before["web"]
    assert after["other"] != before["other"]
    checkout.write(WEB)
    checkout.ok("up", "-d")
    wait_until(lambda: set(checkout.pids()) == {"web"}, "what is no more in the file has ended")


def test_two_ups_at_once_start_everything_once(checkout):
    checkout.write(WEB)
    ups = [checkout.start("up", "-d") for _ in range(4)]
    results = [(up.communicate(timeout=30), up.returncode) for up in ups]
    assert [code for _, code in results] == [0] * 4, results
    assert len(checkout.home.processes(b"server.py")) == 1
    assert len(checkout.home.processes(b"devenv.daemon.main")) == 1
    assert len(checkout.home.processes(b"--config-path")) == 1


def test_dry_run_prints_the_plan_and_starts_nothing(checkout):
    checkout.write(STEP)
    assert checkout.ok("up", "--dry-run") == "start  build\nstart  web  after build\n"
    assert [item["name"] for item in json.loads(checkout.ok("up", "--dry-run", "--json"))] == [
        "build",
        "web",
    ]
    assert not (checkout.folder / ".devenv").exists()
    assert not (checkout.folder / "count").exists()


def test_down_leaves_no_process_and_all_data(checkout):
    checkout.write(WEB)
    checkout.up()
    (checkout.folder / ".devenv" / "data" / "mine").write_text("kept")
    checkout.down()
    checkout.home.expect_nothing_runs()
    assert (checkout.folder / ".devenv" / "data" / "mine").read_text() == "kept"


def test_down_when_nothing_is_up_is_fine(checkout):
    checkout.write(WEB)
    checkout.down()
    checkout.home.expect_nothing_runs()
