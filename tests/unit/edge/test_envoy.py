from pathlib import Path

import pytest

from devenv.edge.config import EdgeConfig
from devenv.edge.envoy import SERVICES, Edge
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Leaf

LEAF = Leaf(Path("/ca/certificate.pem"), Path("/ca/key.pem"))
HOST = VirtualHost("a.test", Endpoint("127.84.1.1", 8000), "one", "web")
CONFIG = EdgeConfig(8443, LEAF, (HOST,), {"a.test": LEAF})


@pytest.fixture
def edge(tmp_path):
    return Edge(tmp_path / "edge", tmp_path / "run")


def test_everything_envoy_reads_is_there_before_it_starts(edge, tmp_path):
    edge.prepare(CONFIG)
    files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "edge").iterdir()}
    assert files == dict.fromkeys([*SERVICES, "bootstrap.json"], 0o600)
    assert (tmp_path / "edge").stat().st_mode & 0o777 == 0o700


def test_command_starts_from_what_was_prepared(edge, tmp_path):
    assert str(tmp_path / "edge" / "bootstrap.json") in edge.command()


def test_contradiction_is_refused_before_anything_is_written(edge, tmp_path):
    with pytest.raises(DevenvError) as caught:
        edge.prepare(EdgeConfig(8443, LEAF, (HOST, HOST), {"a.test": LEAF}))
    assert caught.value.code == "edge.inconsistent"
    assert caught.value.message == "cannot publish routes: `a.test` is there twice"
    assert not (tmp_path / "edge").exists()


def test_folder_that_cannot_be_one_is_a_sentence(edge, tmp_path):
    (tmp_path / "edge").touch()
    with pytest.raises(DevenvError):
        edge.prepare(CONFIG)
