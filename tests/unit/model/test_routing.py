import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.model.routing import host_of, select

PATTERNS = frozenset(
    {"www.app.localhost", "*.app.localhost", "*.eu.app.localhost", "app.localhost"}
)


@pytest.mark.parametrize(
    ("key", "hosts"),
    [
        ("www", ("www.app.localhost",)),
        ("*", ("*.app.localhost", "app.localhost")),
        ("@", ("app.localhost",)),
        ("a.b", ("a.b.app.localhost",)),
    ],
)
def test_a_route_stands_for_hosts(key, hosts):
    assert host_of(key, "app.localhost") == hosts


@pytest.mark.parametrize(
    ("host", "winner"),
    [
        ("www.app.localhost", "www.app.localhost"),
        ("WWW.App.localhost.", "www.app.localhost"),
        ("other.app.localhost", "*.app.localhost"),
        ("a.eu.app.localhost", "*.eu.app.localhost"),
        ("a.b.app.localhost", "*.app.localhost"),
        ("app.localhost", "app.localhost"),
        ("localhost", None),
        ("", None),
    ],
)
def test_the_most_specific_host_wins(host, winner):
    assert select(host, PATTERNS) == winner


@given(st.text(max_size=60))
def test_any_host_has_one_answer_and_it_is_one_of_the_patterns(host):
    assert select(host, PATTERNS) in PATTERNS | {None}
