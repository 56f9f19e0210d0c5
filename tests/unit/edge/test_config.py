from pathlib import Path

import pytest

from devenv.edge.config import Conflict, EdgeConfig, UnitKey, conflicts, problems, with_upstream
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Leaf

LEAF = Leaf(Path("/ca/certificate.pem"), Path("/ca/key.pem"))
WEB = Endpoint("127.84.1.1", 8000)


def host(name, endpoint=WEB, environment="one", unit="web"):
    return VirtualHost(name, endpoint, environment, unit)


def config(*hosts):
    return EdgeConfig(8443, LEAF, hosts, {each.host: LEAF for each in hosts})


def test_first_claim_holds():
    hosts = [host("a.test"), host("b.test", environment="two"), host("a.test", environment="two")]
    assert conflicts(hosts) == (Conflict("a.test", holder="one", claimant="two"),)


def test_environment_does_not_conflict_with_itself():
    assert conflicts([host("a.test"), host("a.test", unit="other"), host("*.test")]) == ()


def test_each_conflict_is_told_once():
    hosts = [host("a.test"), *[host("a.test", environment="two")] * 2]
    assert len(conflicts(hosts)) == 1


def test_consistent_configuration_has_no_problem():
    assert problems(config(host("a.test"), host("*.a.test"), host("b.test", unit="b"))) == ()


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (config(host("a.test"), host("a.test")), "`a.test` is there twice"),
        (EdgeConfig(8443, LEAF, (host("a.test"),)), "`a.test` has no certificate"),
        (
            config(host("a.test"), host("b.test", Endpoint("127.84.1.1", 8001))),
            "`one/web` is said to listen on two endpoints",
        ),
        (
            config(host("a.test", Endpoint("localhost", 8000))),
            "`localhost` is not an address, for `a.test`",
        ),
    ],
)
def test_contradictions_are_named(broken, problem):
    assert problems(broken) == (problem,)


def test_upstream_of_one_unit_is_replaced():
    moved = Endpoint("127.84.1.1", 9000)
    before = config(host("a.test"), host("*.a.test"), host("b.test", unit="b"))
    after = with_upstream(before, UnitKey("one", "web"), moved)
    assert [each.upstream for each in after.hosts] == [moved, moved, WEB]
