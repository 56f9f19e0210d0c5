"""Several checkouts of one project: up at once, moved, and short of an address or a host."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from fakes.browsers import get
from fakes.checkouts import WEB, free_port, wait_until
from fakes.clients import MySQL

pytestmark = pytest.mark.integration

SHOP = WEB.replace("processes:", "services:\n  mysql:\nprocesses:")


def test_two_checkouts_are_up_at_once_each_with_its_own_mysql_on_3306(home):
    first, second = home.checkout("one/app", SHOP), home.checkout("two/app", SHOP)
    assert first.up()["ready"] is True
    assert second.up()["ready"] is True
    assert second.status()["environment"]["domain"] == "two.app.localhost"
    databases = []
    for checkout in (first, second):
        endpoint = checkout.unit("mysql")["endpoint"]
        assert endpoint["port"] == 3306
        databases.append(MySQL(endpoint["host"]))
    for name, database in zip(("one", "two"), databases, strict=True):
        database.write(name)
    assert [database.read() for database in databases] == [["one"], ["two"]]
    assert get(home, "www.app.localhost")["pid"] == first.pids()["web"]
    assert get(home, "www.two.app.localhost")["pid"] == second.pids()["web"]
    assert len(home.processes(b"devenv.daemon.main")) == 1
    first.down()
    assert second.status()["ready"] is True
    assert get(home, "www.two.app.localhost")["pid"] == second.pids()["web"]
    second.down()
    home.expect_nothing_runs()


def test_the_first_checkout_that_comes_up_settles_the_edges_port(home):
    """Also where a daemon was running already, with another port in mind."""
    first, second = home.checkout("one", WEB), home.checkout("two", WEB.replace("app", "two"))
    assert first.status()["edge"]["https_port"] == home.https_port
    port = free_port()
    asking = {**home.environment, "DEVENV_HTTPS_PORT": str(port)}
    assert first.devenv("up", "-d", environment=asking).returncode == 0
    assert first.status()["edge"]["https_port"] == port
    refused = second.devenv("up", "-d")
    assert (refused.returncode, refused.stderr) == (
        1,
        f"error: cannot use port {home.https_port}: the edge already serves on port {port}\n\n"
        "hint: unset DEVENV_HTTPS_PORT, or take every checkout down first: `devenv down`\n",
    )
    assert second.devenv("up", "-d", environment=asking).returncode == 0


PINNED = "name: {}\naddress: 127.77.9.1\nprocesses:\n  web: {{run: sleep 600}}\n"


def test_a_pinned_address_is_held_by_one_checkout_at_a_time(home):
    first = home.checkout("one", PINNED.format("one"))
    second = home.checkout("two", PINNED.format("two"))
    assert first.up()["environment"]["address"] == "127.77.9.1"
    refused = second.devenv("up", "-d")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: cannot bring `{second.folder}` up: its address 127.77.9.1 is held by the "
        f"checkout `{first.folder}`\n\n"
        f"hint: run `devenv down` in `{first.folder}`, or remove `address` from `devenv.yml`\n"
    )
    assert first.status()["ready"] is True
    first.down()
    assert second.up()["ready"] is True


def test_the_same_checkout_by_another_path_is_the_same_environment(checkout):
    checkout.write(WEB)
    before = checkout.up()
    link = checkout.home.base / "link"
    link.symlink_to(checkout.folder)
    (checkout.folder / "sub").mkdir()
    assert checkout.json("status", cwd=link) == before
    assert checkout.json("status", cwd=checkout.folder / "sub") == before
    checkout.ok("down", cwd=link / "sub")
    checkout.home.expect_nothing_runs()


def test_a_checkout_that_was_moved_while_up(home):
    """What runs is still found from the new place, and nothing is started twice."""
    checkout = home.checkout("before", SHOP)
    checkout.up()
    MySQL(checkout.status()["environment"]["address"]).write("kept")
    before = checkout.pids()
    old = checkout.folder
    checkout.folder = home.base / "after"
    old.rename(checkout.folder)
    assert checkout.pids() == before
    refused = checkout.devenv("up", "-d")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: this checkout was moved here from `{old}` while it was up\n\n"
        "hint: `devenv down` stops what still runs from there; then `devenv up`\n"
    )
    assert checkout.pids() == before
    checkout.down()
    home.expect_nothing_runs()
    assert not old.exists()
    assert checkout.up()["ready"] is True
    assert MySQL(checkout.status()["environment"]["address"]).read() == ["kept"]


def test_a_checkout_that_was_copied_while_up_is_another(home):
    checkout = home.checkout("one", WEB)
    checkout.up()
    before = checkout.pids()
    copy = home.checkout("two")
    shutil.copytree(checkout.folder, copy.folder, dirs_exist_ok=True, symlinks=True)
    assert copy.pids() == {}
    copy.write(WEB.replace("name: app", "name: copy"))
    assert copy.up()["ready"] is True
    assert checkout.pids() == before
    assert set(copy.pids().values()).isdisjoint(before.values())


def test_devenv_folder_deleted_while_up(checkout):
    """Servers that write to files without a name: said at once, and mended by what is said."""
    checkout.write(SHOP)
    checkout.up()
    before = checkout.pids()
    base = checkout.folder / ".devenv"
    shutil.rmtree(base)
    what = (
        f"`{base}` was deleted while this checkout is up: its servers still write to files that "
        "no longer have a name"
    )
    assert checkout.status()["problems"] == [f"{what}; devenv down && devenv up"]
    assert checkout.pids() == before
    refused = checkout.devenv("up", "-d")
    assert refused.returncode == 1
    assert refused.stderr == f"error: {what}\n\nhint: devenv down && devenv up\n"
    checkout.down()
    checkout.home.expect_nothing_runs()
    assert checkout.up()["ready"] is True


def test_the_checkout_itself_deleted_while_up(checkout):
    """Nothing may run for ever out of a folder that is gone: `down` works from its old place."""
    checkout.write(WEB)
    checkout.up()
    shutil.rmtree(checkout.folder)
    done = checkout.devenv("status", cwd="/")
    assert done.returncode == 2
    assert done.stderr == (
        "error: found no `devenv.yml` in `/` nor in a folder above it\n\n"
        "hint: change to a folder of the project, or write a `devenv.yml` at its root\n"
    )
    checkout.folder.mkdir()
    checkout.write(WEB)
    checkout.down()
    checkout.home.expect_nothing_runs()


def test_a_command_in_a_folder_that_is_gone(checkout):
    checkout.write(WEB)
    gone = checkout.folder / "gone"
    gone.mkdir()
    remove_and_ask = f'rmdir "{gone}"; exec "$@"'
    with checkout.start("status") as plain:
        argv = plain.args
        plain.wait()
    done = subprocess.run(
        ["sh", "-c", remove_and_ask, "sh", *argv],
        cwd=gone,
        env=checkout.home.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: the current folder does not exist any more\n\nhint: cd to a checkout\n"
    )


def test_all_of_it_is_private(checkout):
    checkout.write(SHOP)
    checkout.up()
    home = checkout.home.folder
    assert (home / ".local/state/devenv/run").stat().st_mode & 0o077 == 0
    assert (home / ".local/state/devenv/run/daemon.sock").stat().st_mode & 0o077 == 0
    keys = [file for file in (home / ".local/share/devenv/ca").rglob("*key*") if file.is_file()]
    assert keys
    assert all(file.stat().st_mode & 0o077 == 0 for file in keys)
    listening = wait_until(lambda: _listeners(checkout), "something listens")
    assert all(address.startswith("127.") for address in listening), listening


def _listeners(checkout) -> set[str]:
    """Return where the processes of this home listen, by /proc/net/tcp and their sockets."""
    at = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            number, port = fields[1].split(":")
            octets = bytes.fromhex(number)[::-1]
            at[f"socket:[{fields[9]}]"] = ".".join(map(str, octets)) + f":{int(port, 16)}"
    found = set()
    for pid in checkout.home.processes():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(at.get(str(descriptor.readlink()), ""))
    return found - {""}
