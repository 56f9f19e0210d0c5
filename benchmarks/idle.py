"""What devenv costs while nothing happens, and how the cost grows with the number of processes.

Prints, for 1, 10, 50 and 100 trivial processes: seconds until all are ready and until all have
stopped, resident memory of daemon and shim, and their context switches over ten seconds at rest
(0 means that nothing polls).

    python benchmarks/idle.py
"""

from __future__ import annotations

import time

from side_by_side import checkout, context_switches, memory_mib, table, timed

COUNTS = (1, 10, 50, 100)
REST_S = 10.0
SETTLE_S = 1.0


def measure(count: int) -> list[str]:
    """Return one row of the table."""
    text = "name: bench\nprocesses:\n" + "".join(
        f"  sleeper-{n}: {{run: exec sleep 1000}}\n" for n in range(count)
    )
    with checkout(text) as bench:
        bench.run("status")  # starts the daemon
        up_s = timed(lambda: bench.run("up", "-d"))
        time.sleep(SETTLE_S)
        daemon, shim = bench.processes("devenv.daemon.main")[0], bench.processes("devenv-shim")[0]
        before = context_switches(daemon), context_switches(shim)
        time.sleep(REST_S)
        switches = [
            after - earlier
            for after, earlier in zip(
                (context_switches(daemon), context_switches(shim)), before, strict=True
            )
        ]
        memory = memory_mib(daemon), memory_mib(shim)
        down_s = timed(lambda: bench.run("down"))
    return [
        str(count),
        f"{up_s:.2f}",
        f"{up_s / count * 1000:.0f}",
        f"{down_s:.2f}",
        f"{memory[0]:.1f}",
        f"{memory[1]:.1f}",
        str(switches[0]),
        str(switches[1]),
    ]


def main() -> None:
    """Print the table."""
    heading = [
        "processes",
        "up s",
        "ms each",
        "down s",
        "daemon MiB",
        "shim MiB",
        "daemon switches in 10 s",
        "shim switches in 10 s",
    ]
    table("At rest", heading, [measure(count) for count in COUNTS])


if __name__ == "__main__":
    main()
