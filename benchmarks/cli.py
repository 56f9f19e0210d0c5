"""How long a command takes: `devenv status` and a no-op `devenv up -d`, beside others' status.

supervisor is another Python supervisor with a daemon and a client; its client asks over a socket
as ours does. It needs `pip install supervisor` beside devenv, and is left out without it.

    python benchmarks/cli.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from side_by_side import checkout, in_turn, print_times

ROUNDS = 20
PROCESSES = 5
CONFIG = "name: bench\nprocesses:\n" + "".join(
    f"  sleeper-{n}: {{run: exec sleep 1000}}\n" for n in range(PROCESSES)
)


@contextlib.contextmanager
def supervisor() -> Iterator[Callable[[], object] | None]:
    """Run supervisord with the same processes and yield its status command."""
    if importlib.util.find_spec("supervisor") is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="devenv-bench-"))
    programs = "".join(f"[program:sleeper-{n}]\ncommand=sleep 1000\n" for n in range(PROCESSES))
    (folder / "supervisord.conf").write_text(
        f"[unix_http_server]\nfile={folder}/s.sock\n"
        f"[supervisord]\nlogfile={folder}/s.log\npidfile={folder}/s.pid\nnodaemon=true\n"
        f"user=root\n[supervisorctl]\nserverurl=unix://{folder}/s.sock\n"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
        f"supervisor.rpcinterface:make_main_rpcinterface\n{programs}"
    )
    words = ["-c", str(folder / "supervisord.conf")]
    daemon = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", *words], stdout=subprocess.DEVNULL
    )
    try:
        yield lambda: subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", *words, "status"],
            stdout=subprocess.DEVNULL,
            check=False,
        )
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    """Print the table."""
    with checkout(CONFIG) as bench, supervisor() as peer:
        bench.run("up", "-d")
        contenders: dict[str, Callable[[], object]] = {
            "devenv status": lambda: bench.run("status"),
            "devenv up -d (nothing to do)": lambda: bench.run("up", "-d"),
            "python -c 'import click'": lambda: subprocess.run(
                [sys.executable, "-c", "import click"], check=True
            ),
        }
        if peer is not None:
            contenders["supervisorctl status"] = peer
        print_times("Commands", in_turn(contenders, ROUNDS), "devenv status")


if __name__ == "__main__":
    main()
