import json
from pathlib import Path

from devenv.edge import bootstrap
from devenv.edge.config import EdgeFiles

FILES = EdgeFiles(Path("/state/edge"), Path("/run/devenv"), "")


def test_control_socket_is_a_private_file_and_no_port():
    address = json.loads(bootstrap.render_bootstrap(FILES))["admin"]["address"]
    assert address == {"pipe": {"path": "/run/devenv/edge.sock", "mode": 0o600}}


def test_watched_files_are_named_in_full():
    """Envoy's working folder is whatever its parent's was."""
    sources = json.loads(bootstrap.render_bootstrap(FILES))["dynamic_resources"]
    paths = [source["path_config_source"]["path"] for source in sources.values()]
    assert paths == ["/state/edge/cds.json", "/state/edge/lds.json"]


def test_command_in_full():
    assert bootstrap.command("/bin/envoy", Path("/state/edge/bootstrap.json")) == (
        *("/bin/envoy", "--config-path", "/state/edge/bootstrap.json", "--disable-hot-restart"),
        *("--concurrency", "1", "--drain-time-s", "30", "--drain-strategy", "immediate"),
        *("--log-level", "warning"),
    )
