"""The shim as a process: its start, its socket, its end, and what it leaves when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from fakes.shims import Shim, end, gone, paths_in, running_shim

from devenv.errors import DevenvError
from devenv.shim import kernel, record
from devenv.shim.client import ShimClient, end_orphans, spawn

pytestmark = pytest.mark.integration

CLEAN = "trap 'echo clean > ended; exit 0' TERM; echo up; while :; do sleep 0.1; done"


def on_shim(folder: Path, scenario) -> None:
    async def play() -> None:
        async with running_shim(folder) as shim:
            await scenario(shim)

    asyncio.run(play())


def test_it_is_a_daemon_that_ps_finds(tmp_path):
    async def scenario(shim: Shim) -> None:
        proc = Path("/proc") / str(shim.pid)
        assert kernel.session(shim.pid) not in (os.getsid(0), shim.pid)  # a session with no leader
        assert (proc / "comm").read_text() == "devenv-shim\n"
        assert (proc / "cwd").readlink() == Path("/")
        assert stat.S_IMODE(shim.paths.socket.stat().st_mode) == 0o600

    on_shim(tmp_path, scenario)


def test_it_does_not_wake_up_at_rest(tmp_path):
    def switches(pid: int) -> int:
        text = Path(f"/proc/{pid}/status").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)

    async def scenario(shim: Shim) -> None:
        await shim.start("web", "sleep 600")
        await shim.client.list()
        await asyncio.sleep(0.3)
        before = switches(shim.pid)
        await asyncio.sleep(2)
        assert switches(shim.pid) == before

    on_shim(tmp_path, scenario)


def test_two_that_spawn_at_once_share_one_shim(tmp_path):
    paths = paths_in(tmp_path)

    async def play() -> None:
        await asyncio.gather(*(spawn(paths) for _ in range(4)))
        client = await ShimClient.connect(paths.socket)
        pid = (await client.list()).pid
        await spawn(paths)
        again = await ShimClient.connect(paths.socket)
        assert (await again.list()).pid == pid
        await again.close()
        await client.shutdown()
        await client.close()
        await gone(pid)
        assert not paths.socket.exists()
        assert not paths.record.exists()

    asyncio.run(play())


def test_a_stale_socket_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(paths_in(tmp_path).socket))

    async def scenario(shim: Shim) -> None:
        assert (await shim.client.list()).identity == "test"

    on_shim(tmp_path, scenario)


def test_a_socket_that_was_deleted_comes_back_with_its_runs(tmp_path):
    """Runtime folders are wiped at logout; a second shim would start everything twice."""

    async def scenario(shim: Shim) -> None:
        await shim.start("web", "sleep 600")
        shim.paths.socket.unlink()
        await spawn(shim.paths)
        again = await ShimClient.connect(shim.paths.socket)
        state = await again.list()
        assert (state.pid, set(state.runs)) == (shim.pid, {"web"})
        await again.close()

    on_shim(tmp_path, scenario)


def test_what_keeps_it_from_starting_is_said(tmp_path):
    paths = paths_in(tmp_path)
    paths.socket.mkdir()

    async def play() -> None:
        with pytest.raises(DevenvError) as caught:
            await spawn(paths)
        assert caught.value.code == "shim.not-started"
        assert "cannot start the shim of `test`" in caught.value.message

    asyncio.run(play())


def test_shutdown_is_refused_while_a_child_lives(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "sleep 600")
        with pytest.raises(DevenvError) as caught:
            await shim.client.shutdown()
        assert (caught.value.code, caught.value.message) == ("shim.busy", "still running: web")

    on_shim(tmp_path, scenario)


def test_sigterm_stops_every_run_and_then_ends_it(tmp_path):
    async def scenario(shim: Shim) -> None:
        status = await shim.start("web", CLEAN)
        await shim.printed("web", "up")
        os.kill(shim.pid, signal.SIGTERM)
        await gone(shim.pid)
        assert kernel.alive_since(status.pid) == 0
        assert (tmp_path / "ended").exists()
        assert not shim.paths.record.exists()

    on_shim(tmp_path, scenario)


def test_the_note_is_kept_for_the_next_daemon(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.client.set_note("wanted: ä \udc80" + "x" * 1_000_000)
        await shim.client.close()
        again = await ShimClient.connect(shim.paths.socket)
        assert (await again.list()).note == "wanted: ä \udc80" + "x" * 1_000_000
        with pytest.raises(DevenvError) as caught:
            await again.set_note("x" * (1024 * 1024 + 1))
        assert caught.value.code == "protocol.invalid"
        await again.close()

    on_shim(tmp_path, scenario)


def test_a_killed_shim_takes_its_children_along_cleanly(tmp_path):
    async def scenario(shim: Shim) -> None:
        status = await shim.start("web", CLEAN)
        await shim.printed("web", "up")
        os.kill(shim.pid, signal.SIGKILL)
        names = await end_orphans(shim.paths.record, grace_s=10)
        assert kernel.alive_since(status.pid) == 0
        assert (tmp_path / "ended").read_text() == "clean\n"
        assert names in ((), ("web",))  # it may be faster than the search for it
        with pytest.raises(ConnectionError):
            await shim.client.list()

    on_shim(tmp_path, scenario)


def test_orphans_that_do_not_end_are_killed(tmp_path):
    async def scenario(shim: Shim) -> None:
        deaf = await shim.start("deaf", "trap '' TERM HUP; echo up; while :; do sleep 0.1; done")
        await shim.printed("deaf", "up")
        away = await shim.start(
            "away", "setsid sh -c 'echo $$ > away; echo up; exec sleep 600' & sleep 600"
        )
        await shim.printed("away", "up")
        os.kill(shim.pid, signal.SIGKILL)
        await gone(shim.pid)
        assert await end_orphans(shim.paths.record, grace_s=0.3) == ("away", "deaf")
        for pid in (deaf.pid, away.pid, int((tmp_path / "away").read_text())):
            assert kernel.alive_since(pid) == 0
        await spawn(shim.paths)
        client = await ShimClient.connect(shim.paths.socket)
        state = await client.list()
        assert state.runs == {}
        await client.close()
        await end(state.pid)

    on_shim(tmp_path, scenario)


def test_what_runs_under_a_living_shim_is_no_orphan(tmp_path):
    async def scenario(shim: Shim) -> None:
        status = await shim.start("web", "sleep 600")
        assert await end_orphans(shim.paths.record, grace_s=0) == ()
        assert kernel.alive_since(status.pid)

    on_shim(tmp_path, scenario)


def test_a_pid_that_was_reused_is_left_alone(tmp_path):
    path = tmp_path / "shim.json"

    async def play() -> None:
        stranger = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
        before = kernel.start_ticks(stranger.pid) - 1
        dead = record.Entry("", "", 2**22 - 1, 1)
        entry = record.Entry("web", "main", stranger.pid, before)
        record.write(str(path), record.Record("test", dead, (entry,)))
        assert await end_orphans(path, grace_s=0) == ()
        assert kernel.alive_since(stranger.pid)
        stranger.kill()
        await stranger.wait()

    asyncio.run(play())


def test_no_record_means_no_orphans(tmp_path):
    (tmp_path / "garbage").write_bytes(b"\x00{[")
    assert asyncio.run(end_orphans(tmp_path / "missing", grace_s=0)) == ()
    assert asyncio.run(end_orphans(tmp_path / "garbage", grace_s=0)) == ()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"hello\n", b'"protocol.invalid"'),
        (b"\xff\xfe\n", b'"protocol.invalid"'),
        (b"[" * 100_000 + b"\n", b'"protocol.invalid"'),
        (b'{"id":1}\n', b'"id":1,"error"'),
        (b'{"id":1,"op":"dance"}\n', b"unknown operation `dance`"),
        (b'{"id":1,"op":"start","run":{"name":"x"}}\n', b'"id":1,"error"'),
        (b'{"id":1,"op":"stop","name":"x","grace_s":NaN}\n', b'"id":1,"error"'),
        (b'{"id":1,"op":"attach","name":"x"}\n', b'"run.unknown"'),
        (b'{"id":-1,"op":"list"}\n', b'"protocol.invalid"'),
        (b"x" * (9 * 1024 * 1024), b'"protocol.too-long"'),
    ],
)
def test_garbage_is_answered_and_ends_nothing_else(tmp_path, sent, answer):
    async def scenario(shim: Shim) -> None:
        reader, writer = await asyncio.open_unix_connection(str(shim.paths.socket))
        writer.write(sent)
        assert answer in await reader.readuntil(b"\n")
        writer.close()
        assert (await shim.client.list()).pid == shim.pid

    on_shim(tmp_path, scenario)


def test_random_bytes_do_not_hurt_it(tmp_path):
    async def scenario(shim: Shim) -> None:
        for _ in range(200):
            _, writer = await asyncio.open_unix_connection(str(shim.paths.socket))
            writer.write(os.urandom(2000))
            writer.transport.abort()
        assert (await shim.client.list()).pid == shim.pid
        assert shim.paths.log.read_text() == ""

    on_shim(tmp_path, scenario)


def test_too_many_connections_are_turned_away_and_the_others_stay(tmp_path):
    async def scenario(shim: Shim) -> None:
        writers = []
        for _ in range(200):
            _, writer = await asyncio.open_unix_connection(str(shim.paths.socket))
            writers.append(writer)
        assert (await shim.client.list()).pid == shim.pid
        for writer in writers:
            writer.transport.abort()

    on_shim(tmp_path, scenario)


def test_another_user_is_turned_away(tmp_path):
    """The mode of the socket already does it; this opens it to see the second lock."""
    code = f"""
import os, socket
os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.connect({str(tmp_path / "s.sock")!r})
try:
    s.sendall(b'{{"id":1,"op":"list"}}\\n'); print(s.recv(100))
except OSError:
    print(b"")
"""

    async def scenario(shim: Shim) -> None:
        shim.paths.socket.chmod(0o777)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        process = await asyncio.create_subprocess_exec(
            "python3", "-c", code, stdout=asyncio.subprocess.PIPE
        )
        assert (await process.communicate())[0] == b"b''\n"

    on_shim(tmp_path, scenario)
