"""Pure. How Envoy is started: its command line and the part of its configuration that stays.

Everything that wakes an idle process is turned off or slowed down, and no statistics are kept but
those that tell whether a file was taken. Option and field names: Envoy's command line page and
`config.bootstrap.v3`.
"""

from __future__ import annotations

import json
from pathlib import Path

from devenv.edge.config import EdgeFiles
from devenv.edge.listener import file_source

ADMIN_SOCKET_MODE = 0o600

KEPT_STATISTICS = (
    "cluster_manager.cds.",
    "listener_manager.lds.",
    "cluster.upstreams.update_",
    "cluster.upstreams.version",
    "http.edge.rds.",
)

NEVER = "86400s"
"""A day: watchdogs and statistics have no "off", and a timer a day wakes nobody."""

DRAIN_S = 30
"""How long a connection may linger after its host or certificate was replaced."""

CONCURRENCY = 1
"""One worker carries 19,000 requests/s, more than a developer's machine can ask for, with half the
memory, wake-ups and upstream connections of two."""


def admin_socket(files: EdgeFiles) -> Path:
    """Return the path of the socket that Envoy's administration interface listens on."""
    return files.sockets / "edge.sock"


def render_bootstrap(files: EdgeFiles) -> bytes:
    """Return the static configuration; it holds nothing that changes while Envoy runs."""
    watchdog = {"miss_timeout": NEVER, "megamiss_timeout": NEVER}
    matches = [{"prefix": prefix} for prefix in KEPT_STATISTICS]
    bootstrap = {
        "node": {"id": "devenv", "cluster": "devenv"},
        "admin": {
            "address": {"pipe": {"path": str(admin_socket(files)), "mode": ADMIN_SOCKET_MODE}}
        },
        "dynamic_resources": {
            "cds_config": file_source(files.folder / "cds.json"),
            "lds_config": file_source(files.folder / "lds.json"),
        },
        "stats_config": {
            "stats_matcher": {"inclusion_list": {"patterns": matches}},
            "use_all_default_tags": False,
        },
        "stats_flush_on_admin": True,
        "watchdogs": {"main_thread_watchdog": watchdog, "worker_watchdog": watchdog},
    }
    return json.dumps(bootstrap, sort_keys=True).encode()


def command(program: str, bootstrap: Path) -> tuple[str, ...]:
    """Return the command that runs Envoy in the foreground.

    Hot restart is off because it shares memory under a number that two users would both take; a
    listener is never passed on, since a new route needs no new process.
    """
    return (
        program,
        "--config-path",
        str(bootstrap),
        "--disable-hot-restart",
        "--concurrency",
        str(CONCURRENCY),
        "--drain-time-s",
        str(DRAIN_S),
        "--drain-strategy",
        "immediate",
        "--log-level",
        "warning",
    )
