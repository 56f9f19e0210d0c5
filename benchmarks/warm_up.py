"""What devenv adds to the start of the slowest unit: a warm `up -d` of the four services.

Each round takes every service down and up again, once by devenv and once by starting the same
four commands at the same moment by hand, waiting for each by the same protocol check. The
difference is what devenv costs. The services must be installed (`./devenv up` once, or
`make install`).

    python benchmarks/warm_up.py
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import time

from side_by_side import Checkout, checkout, table

from devenv.config.load import load_project
from devenv.model.unit import Endpoint
from devenv.probes import ProbeError, check
from devenv.providers.base import Place
from devenv.providers.catalogue import SERVICE_KINDS

ROUNDS = 5
CONFIG = """\
name: bench
services: {mysql: {}, redis: {}, rabbitmq: {}, mongodb: {}}
processes:
  early: {run: exec sleep 1000, needs: [mysql]}
"""


async def by_hand(bench: Checkout, address: str) -> dict[str, float]:
    """Start all servers at once without devenv; return when each answered, in seconds."""
    begun = time.perf_counter()
    project = load_project(bench.root / "devenv.yml", {})

    async def one(name: str) -> tuple[str, float, asyncio.subprocess.Process]:
        service = project.services[name]
        kind = SERVICE_KINDS[service.type]
        endpoint = Endpoint(address, kind.port)
        base = bench.root / ".devenv"
        place = Place(
            endpoint=endpoint,
            data=base / "data" / name,
            run=base / "run" / name,
            environment={
                **bench.environment,
                "PATH": f"{os.environ['PATH']}:/usr/sbin:"
                f"{bench.environment['HOME']}/.local/share/devenv/tools/bin",
            },
            root=os.geteuid() == 0,
        )
        job = kind.run(service, place)
        for file in job.files:
            file.path.write_text(file.text)
            file.path.chmod(file.mode)
        process = await asyncio.create_subprocess_exec(
            *job.argv,
            cwd=job.cwd,
            env=dict(job.environment),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        while True:
            try:
                await check(kind.probe(service, endpoint), timeout_s=3.0)
            except ProbeError:
                await asyncio.sleep(0.01)
            else:
                return name, time.perf_counter() - begun, process

    results = await asyncio.gather(*(one(name) for name in project.services))
    for _, _, process in results:
        os.killpg(process.pid, signal.SIGTERM)
    for _, _, process in results:
        await process.wait()
    return {name: seconds for name, seconds, _ in results}


def by_devenv(bench: Checkout, *, daemon: bool) -> tuple[float, float]:
    """Return seconds of a whole warm `up -d`, and until the process that needs only MySQL ran.

    With *daemon*, it was started before; `down` of the last checkout ends it.
    """
    if daemon:
        bench.run("status")
    wall = time.time()
    begun = time.perf_counter()
    bench.run("up", "-d")
    whole = time.perf_counter() - begun
    log = (bench.root / ".devenv/logs/early.log").read_text().splitlines()
    started = [line for line in log if "[devenv] started" in line][-1].split()[0]
    from datetime import datetime  # noqa: PLC0415

    early = datetime.fromisoformat(started).timestamp() - wall
    bench.run("down")
    return whole, early


def main() -> None:
    """Print the table."""
    ours, beside, hands, slowest, early = [], [], [], [], []
    with checkout(CONFIG) as bench:
        bench.run("up", "-d")
        address = json.loads(bench.run("status", "--json"))["environment"]["address"]
        bench.run("down")
        for _ in range(ROUNDS):
            whole, mysql_only = by_devenv(bench, daemon=False)
            ours.append(whole)
            early.append(mysql_only)
            beside.append(by_devenv(bench, daemon=True)[0])
            times = asyncio.run(by_hand(bench, address))
            hands.append(max(times.values()))
            slowest.append(max(times, key=times.__getitem__))
    alone = statistics.median(hands)
    rows = [
        (f"the slowest server by itself ({statistics.mode(slowest)})", hands),
        ("devenv up -d, daemon started by it", ours),
        ("devenv up -d, daemon there (another checkout is up)", beside),
        ("... until the process that needs only MySQL was started", early),
    ]
    table(
        "Warm up of MySQL, Redis, RabbitMQ and MongoDB",
        ["what", "median s", "more than the slowest server s"],
        [
            [what, f"{statistics.median(times):.2f}", f"{statistics.median(times) - alone:+.2f}"]
            for what, times in rows
        ],
    )


if __name__ == "__main__":
    main()
