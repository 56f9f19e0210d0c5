"""What can go wrong on a machine: each ends in one clear sentence and what to do, nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fakes.browsers import get
from fakes.checkouts import WEB, as_root, free_port, wait_until
from fakes.clients import MySQL

pytestmark = pytest.mark.integration


def text_of(reason: str, hint: str) -> str:
    return f"error: {reason}\n\nhint: {hint}\n"


@contextlib.contextmanager
def listener(host: str, port: int):
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        held.listen()
        yield


def me() -> str:
    name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    return f"`{name}` (pid {os.getpid()})"


# -- ports and addresses --------------------------------------------------------------------


def test_a_units_port_in_use_names_the_program(checkout):
    checkout.write(WEB)
    address = checkout.status()["environment"]["address"]
    with listener(address, 8000):
        done = checkout.devenv("up", "-d")
    reason = f"cannot start `web`: port 8000 on {address} is in use by {me()}"
    assert done.returncode == 1
    expected = f"`web` is not ready: {reason}; stop that program, then `devenv start web`"
    assert text_of(expected, "devenv why web") in done.stderr
    assert checkout.unit("web")["phase"] == "failed"
    checkout.ok("start", "web")
    assert checkout.status()["ready"] is True


def test_a_port_that_is_held_on_every_address_is_in_use_too(checkout):
    port = free_port()
    checkout.write(WEB.replace("8000", str(port)))
    with listener("0.0.0.0", port):
        done = checkout.devenv("up", "-d")
    assert f"is in use by {me()}" in done.stderr


def test_the_edges_port_in_use_names_the_program_and_starts_nothing(checkout):
    checkout.write(WEB)
    port = checkout.home.https_port
    with listener("127.0.0.1", port):
        done = checkout.devenv("up", "-d")
    assert (done.returncode, done.stderr) == (
        1,
        text_of(
            f"cannot listen on port {port}: it is in use by {me()}",
            "stop that program, or choose another port: `DEVENV_HTTPS_PORT=9443 devenv up`",
        ),
    )
    assert checkout.pids() == {}
    assert checkout.up()["ready"] is True


def test_an_address_that_cannot_be_used(checkout):
    checkout.write(f"address: 10.1.2.3\n{WEB}")
    done = checkout.devenv("up", "-d")
    assert done.returncode == 2
    assert done.stderr.startswith("devenv.yml:1:10: address: ")


def test_a_https_port_that_is_none(checkout):
    checkout.write(WEB)
    done = checkout.devenv(
        "up", "-d", environment={**checkout.home.environment, "DEVENV_HTTPS_PORT": "https"}
    )
    assert done.returncode == 1
    assert done.stderr == text_of(
        "DEVENV_HTTPS_PORT: expected a port from 1 to 65535, got 'https'", "unset DEVENV_HTTPS_PORT"
    )


# -- programs -------------------------------------------------------------------------------


def test_missing_programs(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        "  web: {run: no-such-program --port 1, restart: 'no', ready: {exec: 'false'}}\n"
        "  api: {run: sleep 600, dir: nowhere}\n"
    )
    done = checkout.devenv("up", "-d", "api")
    assert done.returncode == 1
    folder = checkout.folder / "nowhere"
    reason = (
        f"cannot start `api`: no such folder `{folder}`; make it, or correct `dir` in `devenv.yml`"
    )
    assert text_of(f"`api` is not ready: {reason}", "devenv why api") in done.stderr
    done = checkout.devenv("up", "-d", "web")
    assert done.returncode == 1
    assert "no-such-program: not found\n" in done.stderr
    assert text_of("`web` is not ready: exited with 127", "devenv why web") in done.stderr


def test_a_server_that_cannot_be_installed(checkout):
    """A machine without the server and without a package manager that devenv knows."""
    checkout.write("name: app\nservices:\n  redis:\n")
    few = checkout.home.base / "few"
    few.mkdir()
    for name in ("sh", "dirname", "uname", "id", "env"):
        (few / name).symlink_to(shutil.which(name))
    environment = {**checkout.home.environment, "PATH": str(few)}
    done = checkout.devenv("up", "-d", environment=environment)
    assert done.returncode == 1
    assert (
        "  error: cannot install redis: this system has neither apt-get nor Homebrew" in done.stderr
    )
    assert "error: `redis` is not ready: cannot install `redis`: it exited with 1; " in done.stderr
    checkout.down()
    assert checkout.up()["ready"] is True


# -- the disk -------------------------------------------------------------------------------


@pytest.fixture
def small_disk(checkout):
    """Mount a small file system as the checkout's `.devenv`, or as another folder."""
    mounted = []

    def mount(folder, size: str):
        folder.mkdir(exist_ok=True)
        options = f"size={size},uid={os.getuid()}"
        command = as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
        subprocess.run(command, check=True, timeout=10)
        mounted.append(folder)
        return folder

    yield mount
    checkout.home.end()
    for folder in mounted:
        subprocess.run(as_root("umount", "-l", folder), check=True, timeout=10)


def fill(folder) -> None:
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


def test_a_full_disk_at_the_first_up(checkout, small_disk):
    checkout.write(WEB)
    base = small_disk(checkout.folder / ".devenv", "64k")
    fill(base)
    done = checkout.devenv("up", "-d")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert done.stderr.startswith("error: cannot write `")
    assert done.stderr.endswith(
        "\n\nhint: free some space or mend the permissions, then `devenv up`\n"
    )
    (base / "ballast").unlink()
    assert checkout.up()["ready"] is True


def test_a_disk_that_is_too_small_for_a_server(checkout, small_disk):
    """Nothing half-done stays: with room the same command succeeds."""
    checkout.write("name: app\nservices:\n  mysql:\n")
    base = small_disk(checkout.folder / ".devenv", "40m")
    done = checkout.devenv("up", "-d")
    assert done.returncode == 1
    assert "error: `mysql` is not ready: cannot initialise `mysql`: it " in done.stderr
    assert "`devenv logs mysql` shows why; then `devenv up`" in done.stderr
    subprocess.run(as_root("mount", "-o", "remount,size=400m", base), check=True, timeout=10)
    assert checkout.up()["ready"] is True
    MySQL(checkout.status()["environment"]["address"]).write("kept")


def test_a_disk_that_fills_while_up_stops_nothing(checkout, small_disk):
    checkout.write(
        "name: app\nprocesses:\n"
        '  clock: {run: "i=0; while :; do i=$((i+1)); echo tick $i.; sleep 0.02; done"}\n'
    )
    base = small_disk(checkout.folder / ".devenv", "200k")
    checkout.up()
    before = checkout.pids()
    fill(base)
    log = base / "logs" / "clock.log"
    wait_until(lambda: log.stat().st_size % 4096 == 0, "no page is left for the log")
    assert checkout.pids() == before
    assert checkout.status()["ready"] is True
    refused = checkout.devenv("up", "-d")
    assert refused.returncode == 1
    assert "No space left on device" in refused.stderr
    assert checkout.pids() == before
    (base / "ballast").unlink()
    wait_until(lambda: "lines lost: no space left on device" in log.read_text(), "it is told")
    checkout.down()
    checkout.home.expect_nothing_runs()


# -- the configuration ----------------------------------------------------------------------


def test_a_malformed_file_while_up_changes_nothing(checkout):
    checkout.write(WEB)
    checkout.up()
    before = checkout.pids()
    checkout.write(WEB.replace("port: 8000", "prot: 70000").replace('"*": web', '"*": wbe'))
    done = checkout.devenv("up", "-d")
    assert done.returncode == 2
    places = [line.partition(" ")[0] for line in done.stderr.splitlines()]
    assert places[:2] == ["devenv.yml:3:37:", "devenv.yml:4:15:"], done.stderr
    assert "unknown key `prot`, did you mean `port`?" in done.stderr
    as_json = checkout.devenv("up", "-d", "--json")
    assert json.loads(as_json.stderr)["error"]["code"] == "config.invalid"
    assert checkout.pids() == before
    assert checkout.status()["ready"] is True
    assert get(checkout.home, "www.app.localhost")["pid"] == before["web"]
    os.kill(checkout.home.daemon_pid(), 9)
    assert checkout.pids() == before
    checkout.down()
    checkout.home.expect_nothing_runs()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "error: found no `devenv.yml` in `{folder}` nor in a folder above it\n"),
        (b"\xff\xfe", "devenv.yml:1:1: expected UTF-8, got the byte 0xff\n"),
        (b"", "devenv.yml:1:1: "),
        (b"name: [", "devenv.yml:2:1: did not find expected node content\n"),
        (b"name: app\nname: app\n", "devenv.yml:2:1: "),
        (b"a: &a [*a]", "devenv.yml:1:"),
    ],
)
def test_a_file_that_cannot_be_read(checkout, content, expected):
    if content is not None:
        (checkout.folder / "devenv.yml").write_bytes(content)
    for words in (("up", "-d"), ("status",), ("config", "check"), ("logs",), ("down",)):
        done = checkout.devenv(*words)
        if words == ("down",) and content is not None:
            assert done.returncode == 0, done.stderr
            continue
        assert done.returncode == 2, (words, done.stderr)
        assert done.stderr.startswith(expected.format(folder=checkout.folder)), done.stderr
    assert not (checkout.folder / ".devenv").exists()


def test_a_cycle_prints_whole(checkout):
    checkout.write(
        "name: app\nprocesses:\n"
        "  one: {run: a, needs: [two]}\n  two: {run: b, needs: [three]}\n"
        "  three: {run: c, needs: [one]}\n"
    )
    done = checkout.devenv("up", "-d")
    assert done.returncode == 2
    assert "one -> two -> three -> one" in done.stderr


def test_another_tools_checkout_is_left_alone(checkout):
    (checkout.folder / "devenv.nix").touch()
    done = checkout.devenv("up", "-d")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: `{checkout.folder}/devenv.nix` belongs to another tool")


# -- users and homes ------------------------------------------------------------------------


def test_no_home_variable_means_the_one_of_the_password_database(users):
    environment = {k: v for k, v in users.home.environment.items() if k != "HOME"}
    users.ok("up", "-d", environment=environment)
    assert (users.home.folder / ".local/state/devenv/daemon.log").exists()
    assert users.status()["ready"] is True
    users.ok("down", environment=environment)
    users.home.expect_nothing_runs()


def test_files_that_the_user_may_not_read_or_write(users):
    config = users.folder / "devenv.yml"
    users.up()
    before = users.pids()
    subprocess.run(as_root("chmod", "000", config), check=True, timeout=10)
    done = users.devenv("up", "-d")
    assert (done.returncode, done.stderr) == (
        2,
        text_of(
            f"cannot read `{config}`: permission denied", "make `devenv.yml` a readable text file"
        ),
    )
    assert users.pids() == before
    users.down()
    subprocess.run(as_root("chmod", "644", config), check=True, timeout=10)
    subprocess.run(as_root("chown", "-R", "root", users.folder), check=True, timeout=10)
    shutil.rmtree(users.folder / ".devenv")
    done = users.devenv("up", "-d")
    assert (done.returncode, done.stderr) == (
        1,
        text_of(
            f"cannot write `{users.folder}/.devenv`: Permission denied",
            "free some space or mend the permissions, then `devenv up`",
        ),
    )


def test_no_home_at_all(checkout):
    """A user id without an entry, as containers have them."""
    checkout.write(WEB)
    environment = {k: v for k, v in checkout.home.environment.items() if k != "HOME"}
    stranger = as_root("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")
    tried = [*stranger, "sh", "-c", '"$0" -c ""', sys.executable]
    if subprocess.run(tried, capture_output=True, timeout=20, check=False, cwd="/").returncode:
        # an interpreter below root's own home
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        interpreter = shutil.which("python3", path="/usr/bin")
    else:
        interpreter = sys.executable
    done = subprocess.run(
        [*stranger, interpreter, "-m", "devenv", "up", "-d"],
        cwd=checkout.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        text_of(
            "cannot find a home folder: HOME is not set and user id 54321 has no entry",
            "export HOME=/a/folder/of/yours",
        ),
    )


def test_a_home_whose_path_is_too_long_for_sockets(checkout):
    """Sockets then lie in /tmp, in a folder for this home alone."""
    homes = [checkout.home.base / (letter * 120) for letter in "xy"]
    for folder in homes:
        folder.mkdir()
    before = set(Path(tempfile.gettempdir()).glob("devenv-*"))
    try:
        checkout.home.environment["HOME"] = str(homes[0])
        checkout.write(WEB)
        assert checkout.up()["ready"] is True
        other = {**checkout.home.environment, "HOME": str(homes[1])}
        assert checkout.json("status", environment=other)["ready"] is False
        assert checkout.status()["ready"] is True
        checkout.down()
    finally:
        checkout.home.end()
        for folder in set(Path(tempfile.gettempdir()).glob("devenv-*")) - before:
            shutil.rmtree(folder)


def test_a_home_that_cannot_be_written(checkout, small_disk):
    checkout.write(WEB)
    full = small_disk(checkout.home.base / "full", "16k")
    fill(full)
    done = checkout.devenv("up", "-d", environment={**checkout.home.environment, "HOME": str(full)})
    assert done.returncode == 1
    assert done.stderr == text_of(
        f"cannot write `{full}/.local/state/devenv/daemon.out`: No space left on device",
        "free some space, then type the command again",
    )


def test_usage_mistakes_end_with_2(checkout):
    checkout.write(WEB)
    for words in (("upp",), ("why",), ("logs", "-n", "many"), ("serve", "--port", "0")):
        done = checkout.devenv(*words)
        assert done.returncode == 2, words
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert "\n\nhint: devenv " in done.stderr
