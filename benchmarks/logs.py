"""200 MB printed as fast as a process can, through the shim and through what else there is.

Every way runs once per round, in turn, so that a busy machine hits all alike; the median of the
rounds counts, and ratios say more than figures. Peers are left out, and said to be, where they are
not installed. What each does with the output differs, and is printed with it.

    python benchmarks/logs.py [--megabytes 200] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devenv.shim.client import Run, ShimClient, ShimPaths, spawn

LINE_BYTES = 100


def printer(megabytes: int) -> str:
    return f"seq -f '%08.0f {'x' * (LINE_BYTES - 10)}' 1 {megabytes * 1_000_000 // LINE_BYTES}"


def resident_kib(pid: int, field: str = "VmRSS") -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def through_shim(script: str, folder: Path) -> tuple[float, str]:
    async def play() -> tuple[float, str]:
        paths = ShimPaths("benchmark", folder / "s", folder / "record", folder / "shim.log")
        await spawn(paths)
        client = await ShimClient.connect(paths.socket)
        pid = (await client.list()).pid
        before = resident_kib(pid)
        argv, log = ("sh", "-c", script), str(folder / "loud.log")
        run = Run("loud", "main", "", argv, "/", dict(os.environ), log)
        begun = time.monotonic()
        await client.start(run)
        async for _ in client.exits():
            break
        elapsed = time.monotonic() - begun
        grown = resident_kib(pid, "VmHWM") - before
        await client.shutdown()
        await client.close()
        return elapsed, f"peak {grown:+} KiB resident"

    return asyncio.run(play())


def _timed(command: str, folder: Path) -> tuple[float, str]:
    begun = time.monotonic()
    subprocess.run(["sh", "-c", command], check=True, cwd=folder, stdin=subprocess.DEVNULL)
    return time.monotonic() - begun, ""


def through_pipe(script: str, folder: Path) -> tuple[float, str]:
    return _timed(f"{script} | cat > loud.log", folder)


def through_script(script: str, folder: Path) -> tuple[float, str]:
    """script(1) is the plainest reader of a PTY there is."""
    (folder / "loud.sh").write_text(script)
    return _timed("script -qefc 'sh loud.sh' loud.log > /dev/null", folder)


def through_honcho(script: str, folder: Path) -> tuple[float, str]:
    (folder / "loud.sh").write_text(script)
    (folder / "Procfile").write_text("loud: sh loud.sh\n")
    return _timed("honcho start > loud.log", folder)


def through_process_compose(script: str, folder: Path) -> tuple[float, str]:
    (folder / "loud.sh").write_text(script)
    processes = {"loud": {"command": "sh loud.sh", "log_location": "loud.log"}}
    (folder / "process-compose.json").write_text(json.dumps({"processes": processes}))
    return _timed("process-compose -f process-compose.json -t=false -p 0 up > /dev/null", folder)


WAYS: dict[str, tuple[str, str, Callable[[str, Path], tuple[float, str]]]] = {
    "shim": ("sh", "PTY, time stamps, rotation", through_shim),
    "script": ("script", "PTY, raw", through_script),
    "pipe": ("cat", "pipe, raw", through_pipe),
    "honcho": ("honcho", "pipe, time stamps", through_honcho),
    "process-compose": ("process-compose", "pipe, JSON log", through_process_compose),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ways = {name: way for name, way in WAYS.items() if shutil.which(way[0])}
    for name in WAYS.keys() - ways.keys():
        print(f"{name} is not installed", file=sys.stderr)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    notes: dict[str, str] = {}
    for _ in range(options.rounds):
        for name, (_, _, play) in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                elapsed, notes[name] = play(printer(options.megabytes), Path(folder))
                taken[name].append(elapsed)
    base = statistics.median(taken["shim"])
    for name, times in taken.items():
        middle = statistics.median(times)
        speed, ratio = options.megabytes / middle, base / middle
        print(f"{name:16} {speed:7.1f} MB/s  {ratio:5.2f} x shim  {WAYS[name][1]}  {notes[name]}")


if __name__ == "__main__":
    main()
