"""`sudo devenv serve`: the edge on a privileged port, and everything as the user who typed it."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from fakes.browsers import get, until_served
from fakes.checkouts import wait_until

pytestmark = pytest.mark.integration

CAP_NET_BIND_SERVICE = 1 << 10
"""linux/capability.h"""
LOW_PORTS = (443, *range(900, 1024))


@pytest.fixture
def low_port(home):
    """A free port that an ordinary user may not bind."""
    for port in LOW_PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        home.https_port = port
        del home.environment["DEVENV_HTTPS_PORT"]
        return port
    raise AssertionError("no port below 1024 is free")


def facts(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def test_only_the_bind_is_privileged(users, low_port):
    home = users.home
    with users.serve(low_port) as serving:
        try:
            wait_until(
                lambda: "serving" in (serving.stderr.readline() or f"{serving.poll()}"), "it serves"
            )
            assert users.up()["ready"] is True
            port = "" if low_port == 443 else f":{low_port}"
            assert users.json("urls")[0]["url"] == f"https://www.app.localhost{port}/"
            web = users.pids()["web"]
            until_served(lambda: get(home, "www.app.localhost"), timeout_s=5)
            assert get(home, "www.app.localhost")["pid"] == web
            identity = users.identity()
            named = {
                "daemon": home.daemon_pid(),
                "shim": home.shim_pid(identity),
                "machine's shim": home.shim_pid("machine"),
                "envoy": home.envoy_pid(),
                "web": web,
            }
            assert named["daemon"] in (serving.pid, *home.processes(b"devenv.daemon.main"))
            uid = str(users.user.pw_uid)
            for what, pid in named.items():
                known = facts(pid)
                assert known["Uid"] == [uid] * 4, what
                assert known["Gid"] == [str(users.user.pw_gid)] * 4, what
                assert int(known["CapEff"][0], 16) in (0, CAP_NET_BIND_SERVICE), what
                assert int(known["CapPrm"][0], 16) in (0, CAP_NET_BIND_SERVICE), what
            assert int(facts(named["envoy"])["CapEff"][0], 16) == CAP_NET_BIND_SERVICE
            for folder in (home.folder, users.folder):
                owners = {file.lstat().st_uid for file in folder.rglob("*")}
                assert owners == {users.user.pw_uid}
        finally:
            os.kill(home.daemon_pid(), signal.SIGINT)
        assert serving.wait(20) == 0
    assert get(home, "www.app.localhost")["pid"] == web  # what runs goes on
    users.down()
    home.expect_nothing_runs()


def test_a_port_that_is_taken_is_said(users, low_port):
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", low_port))
        held.listen()
        with users.serve(low_port) as serving:
            _, errors = serving.communicate(timeout=30)
    assert serving.returncode == 1
    assert errors.startswith(
        f"error: cannot listen on port {low_port}: it is in use by another program\n\nhint: "
    )
    users.home.expect_nothing_runs()


def test_without_the_privilege_it_is_said(users, low_port):
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    with users.start("serve", "--port", str(low_port)) as serving:
        if low_port >= limit:  # this kernel lets everybody bind it
            wait_until(lambda: "serving" in serving.stderr.readline(), "it serves")
            os.kill(users.home.daemon_pid(), signal.SIGINT)
            assert serving.wait(20) == 0
            return
        _, errors = serving.communicate(timeout=30)
    assert serving.returncode == 1
    assert errors == (
        f"error: cannot listen on port {low_port}: it needs a privilege\n\n"
        "hint: sudo ./devenv serve\n"
    )


def test_serve_takes_over_from_a_running_daemon(users, low_port):
    """What is up stays up and is served on the new port; the last `down` does not end it."""
    home = users.home
    home.environment["DEVENV_HTTPS_PORT"] = "8" + str(low_port)
    users.up()
    web = users.pids()["web"]
    del home.environment["DEVENV_HTTPS_PORT"]
    with users.serve(low_port) as serving:
        try:
            wait_until(lambda: "serving" in serving.stderr.readline(), "it serves")
            assert users.status()["edge"]["https_port"] == low_port
            until_served(lambda: get(home, "www.app.localhost"), timeout_s=5)
            assert get(home, "www.app.localhost")["pid"] == web
            users.down()
            assert users.up()["edge"]["https_port"] == low_port
            users.down()
            assert serving.poll() is None
        finally:
            os.kill(home.daemon_pid(), signal.SIGINT)
        assert serving.wait(20) == 0
    home.expect_nothing_runs()
