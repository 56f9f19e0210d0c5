import pytest

from devenv.model.routing import host_of


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
