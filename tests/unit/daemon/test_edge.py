from types import SimpleNamespace

import pytest

from devenv.daemon.edge import EdgeService
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.shim.client import ShimPaths


@pytest.fixture
def edge(tmp_path):
    paths = SimpleNamespace(state=tmp_path, runtime=tmp_path)
    authority = SimpleNamespace(ca_file=tmp_path / "ca.pem")
    shim = ShimPaths("machine", tmp_path / "s", tmp_path / "r", tmp_path / "l")
    return EdgeService(paths, authority, shim, 8443)


def test_an_edge_that_does_not_run_is_not_ready(edge, tmp_path):
    assert edge.status() == {
        "https_port": 8443,
        "ca_file": str(tmp_path / "ca.pem"),
        "ready": False,
    }


def test_before_it_runs_the_caller_chooses_the_port(edge):
    edge.prefer_port({"DEVENV_HTTPS_PORT": "9443"})
    assert edge.https_port == 9443
    edge.prefer_port({})
    assert edge.https_port == 8443


def test_while_it_runs_only_who_asks_for_another_port_is_refused(edge):
    edge._client = SimpleNamespace()
    edge.https_port = 9443
    edge.prefer_port({})
    edge.prefer_port({"DEVENV_HTTPS_PORT": "9443"})
    with pytest.raises(DevenvError) as caught:
        edge.prefer_port({"DEVENV_HTTPS_PORT": "8443"})
    assert caught.value.code == "edge.port-settled"


def test_while_a_killed_edge_is_brought_back_the_port_stays(edge):
    edge.claims.reserve("one", (VirtualHost("a.test", Endpoint("127.0.0.9", 1), "one", "web"),))
    with pytest.raises(DevenvError):
        edge.prefer_port({"DEVENV_HTTPS_PORT": "9443"})
    assert edge.https_port == 8443


def test_while_it_runs_its_own_port_is_not_taken_for_somebody_elses(edge, monkeypatch):
    monkeypatch.setattr("devenv.daemon.edge.check_port", pytest.fail)
    edge._client = SimpleNamespace()
    edge.check_port()
