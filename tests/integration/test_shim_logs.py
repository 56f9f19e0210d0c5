"""A run's log on real files: whole, stamped, rotated, and alive on a full disk."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.shims import Shim, resident_kib, running_shim

pytestmark = pytest.mark.integration

LINE = "%08d " + "x" * 90
LINES = 2_000_000
"""Of 100 bytes each as the process prints them: 200 MB."""


def on_shim(folder: Path, scenario) -> None:
    async def play() -> None:
        async with running_shim(folder) as shim:
            await scenario(shim)

    asyncio.run(play())


def files_of(log: Path) -> list[Path]:
    """Return the files of a log, the oldest first."""
    rotated = log.parent.glob(f"{log.name}.*")
    return [*sorted(rotated, key=lambda path: -int(path.suffix[1:])), log]


@pytest.mark.timeout(240)
def test_200_mb_as_fast_as_it_can_lose_no_line_and_do_not_grow_the_shim(tmp_path):
    async def scenario(shim: Shim) -> None:
        before = resident_kib(shim.pid)
        await shim.start("other", "while :; do date; sleep 0.1; done")
        script = f"seq -f '%08.0f {'x' * 90}' 1 {LINES}"
        await shim.start("loud", script, log_bytes=64 * 1024 * 1024, log_keep=8)
        assert (await shim.ended("loud")).exit == 0
        after = resident_kib(shim.pid)
        print(f"\nresident KiB of the shim before and after 200 MB: {before}, {after}")
        assert after <= 15 * 1024
        expected = 1
        for path in files_of(shim.log("loud")):
            assert path.stat().st_size <= 64 * 1024 * 1024
            with path.open("rb") as file:
                for line in file:
                    if line[25:34] != b"[devenv] ":
                        assert line[25:34] == b"%08d " % expected
                        assert len(line) == 25 + 100
                        expected += 1
        assert expected == LINES + 1
        assert len(shim.text("other").splitlines()) > 10

    on_shim(tmp_path, scenario)


def test_a_line_that_comes_in_pieces_has_one_stamp(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "printf one; sleep 0.2; printf ' two'; sleep 0.2; echo; printf end")
        await shim.ended("web")
        lines = shim.text("web").splitlines()
        assert [line[25:] for line in lines[1:]] == ["one two", "end", "[devenv] exited with 0"]
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
        assert all(stamp.fullmatch(line[:25]) for line in lines)

    on_shim(tmp_path, scenario)


def test_a_deleted_log_folder_comes_back(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "echo before; sleep 600")
        await shim.printed("web", "before")
        shim.log("web").unlink()
        shim.log("web").parent.rmdir()
        await shim.client.stop("web", grace_s=5, reason="test")
        await shim.ended("web")
        assert "stopping: test" in shim.text("web")

    on_shim(tmp_path, scenario)


def test_a_log_that_was_truncated_goes_on_at_its_start(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "seq 1000; sleep 600")
        await shim.printed("web", " 1000\n")
        shim.log("web").write_bytes(b"")
        await shim.client.stop("web", grace_s=5, reason="test")
        await shim.ended("web")
        assert b"\0" not in shim.log("web").read_bytes()

    on_shim(tmp_path, scenario)


def test_watch_returns_when_the_log_grows_and_not_before(tmp_path):
    async def scenario(shim: Shim) -> None:
        await shim.start("web", "sleep 0.5; echo more; sleep 600")
        status = shim.log("web").stat()
        watch = {"inode": status.st_ino, "size": status.st_size}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await shim.client.watch("web", **watch)
        async with asyncio.timeout(5):
            await asyncio.gather(*(shim.client.watch("web", **watch) for _ in range(3)))
        assert "more" in shim.text("web")
        await shim.client.watch("web", **watch)  # it has grown already

    on_shim(tmp_path, scenario)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_output_but_neither_process_nor_shim(tmp_path, small_disk):
    script = "seq 1 300000; echo done > marker; read line"

    async def scenario(shim: Shim) -> None:
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * 512 * 1024)
        log = small_disk / "logs" / "web.log"
        await shim.start("web", script, log=str(log))
        async with asyncio.timeout(20):
            while not (tmp_path / "marker").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        error = (await shim.client.list()).runs["web"].log_error
        assert re.fullmatch(r"\d+ lines lost: no space left on device", error)
        filler.unlink()
        await shim.client.stop("web", grace_s=5, reason="enough")
        status = await shim.ended("web")
        assert status.log_error == ""
        lines = [line[25:] for line in log.read_text().splitlines()[1:]]
        assert lines[-2:] == ["[devenv] stopping: enough", "[devenv] killed by SIGTERM"]
        told = re.fullmatch(r"\[devenv\] (\d+) lines lost: no space left on device", lines[-3])
        kept = [line for number, line in enumerate(lines[:-3], start=1) if line == str(number)]
        assert kept
        assert len(kept) + int(told[1]) == 300_000
        assert len(lines) - 3 - len(kept) <= 1  # the line that was cut

    on_shim(tmp_path, scenario)
