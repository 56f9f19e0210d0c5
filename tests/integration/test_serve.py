"""`sudo devenv serve`: the edge on a privileged port, and everything as the user who typed it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.browsers import get, until_served
from fakes.checkouts import USERS_PATH, WEB, Checkout, as_root, wait_until

pytestmark = pytest.mark.integration

CAP_NET_BIND_SERVICE = 1 << 10
"""linux/capability.h"""
LOW_PORTS = (443, *range(900, 1024))


class UsersCheckout(Checkout):
    """A checkout of another, ordinary user, whose commands run as that user."""

    def __init__(self, checkout: Checkout, user: pwd.struct_passwd) -> None:
        super().__init__(checkout.home, checkout.folder)
        self.user = user
        self.home.environment |= {"USER": user.pw_name, "LOGNAME": user.pw_name}
        identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups")
        self.become = as_root("setpriv", *identity)
        self.python = self._interpreter()

    def start(self, *words: str, environment=None, **options) -> subprocess.Popen[str]:
        return self.spawn(*self.become, *self.python, *words, **options)

    def serve(self, port: int) -> subprocess.Popen[str]:
        """Begin `sudo devenv serve`, with what sudo sets; root's own HOME is not the user's."""
        asked = {"SUDO_UID": self.user.pw_uid, "SUDO_GID": self.user.pw_gid, "HOME": "/root"}
        variables = [f"{name}={value}" for name, value in asked.items()]
        return self.spawn(*as_root("env", *variables), *self.python, "serve", "--port", str(port))

    def spawn(self, *argv: str, **options) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        variables = {**self.home.environment}
        return subprocess.Popen(
            argv, **{"cwd": self.folder, "env": variables, "text": True, **pipes, **options}
        )

    def _interpreter(self) -> tuple[str, ...]:
        """Return how this user runs devenv: our interpreter may lie below root's own home."""
        tried = [*self.become, "sh", "-c", '"$0" -c "import devenv"', sys.executable]
        done = subprocess.run(tried, capture_output=True, timeout=20, check=False, cwd="/")
        if done.returncode == 0:
            return (sys.executable, "-m", "devenv")
        paths = [path for path in sys.path if path and "/tests" not in path]
        self.home.environment["PYTHONPATH"] = os.pathsep.join(paths)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        interpreter = shutil.which(version, path="/usr/bin:/usr/local/bin")
        programs = self.home.base / "bin"
        programs.mkdir()
        (programs / "python").symlink_to(interpreter)
        self.home.environment["PATH"] = os.pathsep.join((str(programs), USERS_PATH))
        return (interpreter, "-m", "devenv")


@pytest.fixture
def users(home):
    """An ordinary user of this machine, made for the test, with a checkout."""
    name = f"dv{os.getpid()}"
    home.base.chmod(0o755)
    made = as_root("useradd", "-M", "-d", home.folder, "-s", "/bin/sh", name)
    subprocess.run(made, check=True, timeout=20, capture_output=True)
    try:
        checkout = home.checkout(config=WEB)
        subprocess.run(as_root("chown", "-R", f"{name}:", home.base), check=True, timeout=20)
        yield UsersCheckout(checkout, pwd.getpwnam(name))
    finally:
        home.end()
        subprocess.run(as_root("userdel", name), check=True, timeout=20, capture_output=True)


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
