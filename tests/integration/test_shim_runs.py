"""Runs on a real shim: how they start, what they are given, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from fakes.shims import Shim, gone, resident_kib, running_shim

from devenv.errors import DevenvError
from devenv.shim import kernel

pytestmark = pytest.mark.integration

DAEMONISED = """
"$PYTHON" -c '
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open("grandchild", "w").write(str(os.getpid()))
time.sleep(600)
'
while ! test -s grandchild; do sleep 0.01; done
echo ready
"""


def on_shim(folder: Path, scenario) -> None:
    async def play() -> None:
        async with running_shim(folder) as shim:
            await scenario(shim)

    asyncio.run(play())


def test_exit_code_and_signal_are_reported_and_logged(tmp_path):
    async def scenario(shim: Shim) -> None:
        started = await shim.start("fails", "exit 3")
        ended = await shim.ended("fails")
        assert (ended.pid, ended.exit, ended.reason) == (started.pid, 3, "")
        assert ended.start_ticks == started.start_ticks > 0
        await shim.start("dies", "kill -9 $$")
        assert (await shim.ended("dies")).exit == -signal.SIGKILL
        assert [line[25:] for line in shim.text("fails").splitlines()] == [
            f"[devenv] started pid {started.pid}",
            "[devenv] exited with 3",
        ]
        assert shim.text("dies").endswith("[devenv] killed by SIGKILL\n")
        assert (await shim.client.list()).runs.keys() == {"fails", "dies"}

    on_shim(tmp_path, scenario)


def test_started_is_told_before_exited_even_if_it_ends_at_once(tmp_path):
    async def scenario(shim: Shim) -> None:
        for _ in range(50):
            started = await shim.start("brief", "", argv=("true",))
            assert started.exit is None
            assert started.start_ticks > 0
            assert (await shim.ended("brief")).pid == started.pid

    on_shim(tmp_path, scenario)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        (
            {"argv": ("foo",)},
            "run.no-program",
            "cannot start `web`: no such program `foo`",
        ),
        (
            {"argv": ("./plain",)},
            "run.no-permission",
            "cannot start `web`: `./plain` may not be executed",
        ),
        (
            {"cwd": "/nowhere"},
            "run.no-folder",
            "cannot start `web`: no such folder `/nowhere`",
        ),
        (
            {"cwd": "/etc/passwd"},
            "run.no-folder",
            "cannot start `web`: no such folder `/etc/passwd`",
        ),
        (
            {"argv": ("./binary",)},
            "run.not-started",
            "cannot start `web`: `./binary`: exec format error",
        ),
        (
            {"argv": ("true", "x" * 200_000)},
            "run.not-started",
            "cannot start `web`: `true`: argument list too long",
        ),
    ],
)
def test_what_cannot_be_started_is_an_error_and_no_run(tmp_path, fields, code, message):
    (tmp_path / "plain").write_text("no program")
    (tmp_path / "binary").write_bytes(b"\x7fNOT")
    (tmp_path / "binary").chmod(0o755)

    async def scenario(shim: Shim) -> None:
        with pytest.raises(DevenvError) as caught:
            await shim.start("web", "", **{"argv": ("true",), **fields})
        assert (caught.value.code, caught.value.message) == (code, message)
        assert (await shim.client.list()).runs == {}
        assert not shim.log("web").exists()

    on_shim(tmp_path, scenario)


def test_a_missing_interpreter_is_told_apart_from_a_missing_program(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/nowhere/python\n")
    script.chmod(0o755)

    async def scenario(shim: Shim) -> None:
        with pytest.raises(DevenvError) as caught:
            await shim.start("web", "", argv=(str(script),))
        assert caught.value.code == "run.no-interpreter"

    on_shim(tmp_path, scenario)


def test_a_name_is_taken_while_it_lives_and_free_afterwards(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "sleep 600")
        with pytest.raises(DevenvError) as caught:
            await shim.start("web", "true")
        assert caught.value.code == "run.exists"
        with pytest.raises(DevenvError) as caught:
            await shim.client.forget("web")
        assert caught.value.code == "run.alive"
        await shim.client.stop("web", grace_s=5, reason="test")
        await shim.ended("web")
        await shim.start("web", "true", digest="new")
        assert (await shim.ended("web")).digest == "new"
        await shim.client.forget("web")
        assert (await shim.client.list()).runs == {}

    on_shim(tmp_path, scenario)


def test_a_child_gets_exactly_its_environment_a_terminal_and_default_signals(tmp_path):
    probe = """
import os, signal, sys
assert os.isatty(0) and os.isatty(1) and os.isatty(2)
assert os.getsid(0) == os.getpgid(0) == os.getpid() == os.tcgetpgrp(0)
assert tuple(os.get_terminal_size(0)) == (77, 33)
status = open("/proc/self/status").read()
for kind in ("SigBlk", "SigIgn"):
    # signals 32 and up are the C library's own, which sigaction(3) refuses to touch
    mask = int(status.split(kind + ":")[1].split()[0], 16) & 0x7FFFFFFF
    assert mask & ~0x1001001 == 0, (kind, hex(mask))  # SIGHUP; Python itself: SIGPIPE, SIGXFSZ
assert sorted(os.listdir("/proc/self/fd")) == ["0", "1", "2", "3"], os.listdir("/proc/self/fd")
assert os.getcwd() == os.environ["WHERE"]
assert set(os.environ) - {"LC_CTYPE"} == {"WHERE", "DEVENV_RUN"}, os.environ
print("all as it should be")
"""

    async def scenario(shim: Shim) -> None:
        await shim.start(
            "probe",
            "",
            argv=(sys.executable, "-c", probe),
            environment={"WHERE": str(tmp_path)},
            rows=33,
            cols=77,
        )
        ended = await shim.ended("probe")
        assert "all as it should be" in shim.text("probe"), shim.text("probe")
        assert ended.exit == 0

    on_shim(tmp_path, scenario)


def test_stop_terminates_and_tells_the_reason(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start(
            "web", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"
        )
        await shim.printed("web", "up")
        await shim.client.stop("web", grace_s=10, reason="devenv stop")
        ended = await shim.ended("web")
        assert (ended.exit, ended.reason) == (0, "devenv stop")
        assert "[devenv] stopping: devenv stop\n" in shim.text("web")
        await shim.client.stop("web", grace_s=0, reason="again")
        assert (await shim.client.list()).runs["web"].reason == "devenv stop"

    on_shim(tmp_path, scenario)


def test_a_child_that_ignores_term_is_killed_after_its_grace(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("deaf", "trap '' TERM HUP; echo up; while :; do sleep 0.1; done")
        await shim.printed("deaf", "up")
        begun = time.monotonic()
        await shim.client.stop("deaf", grace_s=0.5, reason="test")
        ended = await shim.ended("deaf")
        assert ended.exit == -signal.SIGKILL
        assert 0.5 <= time.monotonic() - begun < 5

    on_shim(tmp_path, scenario)


def test_a_second_stop_can_shorten_the_grace(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("deaf", "trap '' TERM; echo up; while :; do sleep 0.1; done")
        await shim.printed("deaf", "up")
        await shim.client.stop("deaf", grace_s=600, reason="first")
        await shim.client.stop("deaf", grace_s=0, reason="second")
        ended = await shim.ended("deaf")
        assert (ended.exit, ended.reason) == (-signal.SIGKILL, "first")

    on_shim(tmp_path, scenario)


def test_the_stop_chain_needs_no_daemon(tmp_path):
    async def scenario(shim: Shim) -> None:
        status = await shim.start("deaf", "trap '' TERM; echo up; while :; do sleep 0.1; done")
        await shim.printed("deaf", "up")
        await shim.client.stop("deaf", grace_s=0.3, reason="test")
        await shim.client.close()
        async with asyncio.timeout(10):
            await gone(status.pid)

    on_shim(tmp_path, scenario)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_daemonised_grandchild_does_not_outlive_its_run(tmp_path, is_stopped):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", DAEMONISED + ("sleep 600" if is_stopped else ""))
        await shim.printed("web", "ready")
        grandchild = int((tmp_path / "grandchild").read_text())
        if is_stopped:
            assert kernel.alive_since(grandchild)
            await shim.client.stop("web", grace_s=5, reason="test")
        await shim.ended("web")
        assert kernel.alive_since(grandchild) == 0

    on_shim(tmp_path, scenario)


def test_a_grandchild_that_ignores_term_is_killed_with_the_grace(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start(
            "web",
            "(trap '' TERM HUP; echo $$ ready; while :; do sleep 0.1; done) & sleep 600",
        )
        await shim.printed("web", "ready")
        await shim.client.stop("web", grace_s=0.3, reason="test")
        await shim.ended("web")
        assert kernel.children(shim.pid) == []

    on_shim(tmp_path, scenario)


def test_a_run_ends_though_a_stranger_holds_its_terminal_open(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start(
            "web", "env -i setsid sh -c 'trap \"\" HUP TERM; sleep 3' & sleep 0.2; echo done"
        )
        async with asyncio.timeout(2):
            assert (await shim.ended("web")).exit == 0
        stray = kernel.children(shim.pid)
        await asyncio.gather(*map(gone, stray))

    on_shim(tmp_path, scenario)


def test_dropping_a_connection_has_no_effect_on_runs(tmp_path):
    async def scenario(shim: Shim) -> None:
        status = await shim.start("web", "sleep 600")
        await shim.client.close()
        again = await type(shim.client).connect(shim.paths.socket)
        runs = (await again.list()).runs
        assert (runs["web"].pid, runs["web"].exit) == (status.pid, None)
        await again.close()

    on_shim(tmp_path, scenario)


def test_a_hundred_children_fit_into_15_mib(tmp_path):
    environment = {f"VARIABLE_{n}": "x" * 100 for n in range(60)} | {"PATH": os.environ["PATH"]}

    async def scenario(shim: Shim) -> None:
        sizes = {0: resident_kib(shim.pid)}
        for number in range(1, 101):
            await shim.start(f"p{number}", "echo hello; sleep 600", environment=environment)
            if number in (50, 100):
                sizes[number] = resident_kib(shim.pid)
        for number in range(1, 101):
            await shim.client.stop(f"p{number}", grace_s=10, reason="test")
        left = {f"p{number}" for number in range(1, 101)}
        while left:
            left -= {
                name for name in left if (await shim.client.list()).runs[name].exit is not None
            }
        sizes["after"] = resident_kib(shim.pid)
        print(f"\nresident KiB of the shim by children: {sizes}")
        assert max(sizes.values()) <= 15 * 1024

    on_shim(tmp_path, scenario)
