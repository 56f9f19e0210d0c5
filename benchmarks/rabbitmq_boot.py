"""How long RabbitMQ takes from exec until a client can open its virtual host: stock beside ours.

Five ways to start the same server on a data folder of its own, in turn, after one warm-up each:

stock       the distribution's `rabbitmq-server` script, with what it takes to be alone on an
            address: own node name, own epmd, own ports
direct      Erlang without the script, node told its port: no epmd, and none of the prelaunch's
            checks against it; all 75 shipped applications on the code path, as in stock
needed      direct, with only the applications that the server needs (`catalogue.erlang`)
spinning    needed, and Erlang's threads spin for a moment before they sleep
ours        what the catalogue runs: spinning, and an application's modules loaded together

Where the time goes (RabbitMQ 3.10, Erlang 25): nearly all of it is loading code. Boot asks every
module of every loaded application for its feature flags and upgrade steps, which loads them, and
reading the configuration's schemas has loaded all shipped applications before. For each module
Erlang tries every folder on the code path: of 66,000 files that a stock boot opens 54,700 are not
there. Each try is handed to an I/O thread and back, so half of the processor's time is the
kernel's, switching threads. `needed` halves the modules and nearly all of the misses; `spinning`
saves most of the threads' sleeps (idle, it costs nothing: 0.3 % of one core as before); `ours` uses
both cores, and waits once an application and not once a module until all schedulers have taken
the code over.

    python benchmarks/rabbitmq_boot.py [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from devenv.model.spec import RabbitMQ
from devenv.model.unit import Endpoint, Job
from devenv.probes import ProbeError, check
from devenv.providers.base import Place
from devenv.providers.catalogue import SERVICE_KINDS
from devenv.providers.catalogue.erlang import find_home

HOST = "127.77.40.1"
EPMD_PORT = "24369"
STOCK_DISTRIBUTION_PORT = "24372"
"""Stock checks that the port is free on every address, so no other node may have the same one."""
GIVE_UP_S = 60.0
KIND = SERVICE_KINDS["rabbitmq"]
SERVICE = RabbitMQ()


def ours(place: Place) -> Job:
    return KIND.run(SERVICE, place)


def spinning(place: Place) -> Job:
    job = ours(place)
    preload = job.argv.index("-eval")
    return replace(job, argv=(*job.argv[:preload], *job.argv[preload + 2 :]))


def needed(place: Place) -> Job:
    job = spinning(place)
    return replace(job, argv=tuple("none" if word == "very_short" else word for word in job.argv))


def direct(place: Place) -> Job:
    job = needed(place)
    command = job.argv[job.argv.index("--") + 1 :]
    first, last = command.index("-pa"), command.index("+W")
    plugins = str(home(place) / "plugins")
    return replace(
        job,
        argv=(*command[:first], *command[last:]),
        environment={
            **job.environment,
            "ERL_LIBS": plugins,
            "RABBITMQ_PLUGINS_DIR": plugins,
        },
    )


def stock(place: Place) -> Job:
    job = ours(place)
    advanced = place.run / "advanced.config"
    interface = HOST.replace(".", ",")
    advanced.write_text(f"[{{kernel, [{{inet_dist_use_interface, {{{interface}}}}}]}}].\n")
    dropped = {"RABBITMQ_PLUGINS_DIR", "ERL_INETRC", "RABBITMQ_ADVANCED_CONFIG_FILE"}
    return replace(
        job,
        argv=(str(home(place) / "sbin" / "rabbitmq-server"),),
        environment={
            **{name: value for name, value in job.environment.items() if name not in dropped},
            "RABBITMQ_NODENAME": f"rabbit@{HOST}",
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(advanced),
            "RABBITMQ_DIST_PORT": STOCK_DISTRIBUTION_PORT,
            "ERL_EPMD_PORT": EPMD_PORT,
            "ERL_EPMD_ADDRESS": HOST,
        },
    )


VARIANTS: Mapping[str, Callable[[Place], Job]] = {
    "stock": stock,
    "direct": direct,
    "needed": needed,
    "spinning": spinning,
    "ours": ours,
}


def home(place: Place) -> Path:
    found = find_home(place.environment["PATH"])
    assert found is not None, "RabbitMQ is not installed: provisioning/rabbitmq/install.sh"
    return found


def make_place(base: Path, variant: str) -> Place:
    data, run = base / variant / "data", base / variant / "run"
    for folder in (data, run):
        folder.mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(run), "LANG": "C.UTF-8"}
    return Place(Endpoint(HOST, KIND.port), data, run, environment)


async def wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    probe = KIND.probe(SERVICE, Endpoint(HOST, KIND.port))
    async with asyncio.timeout(GIVE_UP_S):
        while True:
            try:
                return await check(probe, timeout_s=3)
            except ProbeError:
                if server.poll() is not None:
                    sys.exit(f"the server ended with {server.returncode}")
                await asyncio.sleep(0.01)


def boot(place: Place, make_job: Callable[[Place], Job]) -> float:
    """Return the seconds from exec to the first client; the server is stopped again."""
    job = make_job(place)
    for file in job.files:
        file.path.write_text(file.text)
        file.path.chmod(file.mode)
    begun = time.perf_counter()
    with (place.run / "server.log").open("ab") as log:
        server = subprocess.Popen(
            job.argv, cwd=job.cwd, env=dict(job.environment), stdout=log, stderr=log
        )
    try:
        asyncio.run(wait_until_ready(server))
        return time.perf_counter() - begun
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def stop_epmd() -> None:
    """End the port mapper that the stock server left behind."""
    subprocess.run(
        ("epmd", "-port", EPMD_PORT, "-kill"),
        env={**os.environ, "ERL_EPMD_ADDRESS": HOST},
        stdout=subprocess.DEVNULL,
        check=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    try:
        with tempfile.TemporaryDirectory() as base:
            places = {name: make_place(Path(base), name) for name in VARIANTS}
            for turn in range(options.rounds + 1):
                for name, make_job in VARIANTS.items():
                    took = boot(places[name], make_job)
                    if turn:
                        seconds[name].append(took)
    finally:
        stop_epmd()
    report(seconds, as_json=options.json)


def report(seconds: Mapping[str, list[float]], *, as_json: bool) -> None:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    if as_json:
        print(json.dumps({"seconds": seconds, "median": medians}))
        return
    for name, median in medians.items():
        ratio = median / medians["stock"]
        spread = f"{min(seconds[name]):.2f} to {max(seconds[name]):.2f}"
        print(f"{name:9} {median:6.2f} s   {ratio:5.0%} of stock   ({spread})")


if __name__ == "__main__":
    main()
