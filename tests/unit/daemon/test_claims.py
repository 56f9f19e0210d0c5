import pytest

from devenv.daemon.claims import HostClaims
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint


def hosts(environment, *names):
    endpoint = Endpoint("127.0.0.9", 8000)
    return tuple(VirtualHost(name, endpoint, environment, "web") for name in names)


@pytest.fixture
def claims():
    return HostClaims()


def test_a_host_is_the_first_environments_and_the_second_is_told(claims):
    claims.reserve("a", hosts("a", "www.app.localhost"))
    with pytest.raises(DevenvError) as caught:
        claims.reserve("b", hosts("b", "www.app.localhost"))
    assert (caught.value.code, caught.value.message) == (
        "route.taken",
        "cannot route `www.app.localhost`: another checkout that is up has that host",
    )


def test_an_environment_may_reserve_its_own_hosts_again(claims):
    first, second = hosts("a", "www.app.localhost"), hosts("a", "api.app.localhost")
    assert claims.reserve("a", first) is None
    assert claims.reserve("a", second) == first
    assert claims.all == second


def test_a_reservation_that_came_to_nothing_is_free_for_others(claims):
    former = claims.reserve("a", hosts("a", "www.app.localhost"))
    claims.take_back("a", former)
    claims.reserve("b", hosts("b", "www.app.localhost"))


def test_a_reservation_that_came_to_nothing_leaves_what_was_there(claims):
    first = hosts("a", "www.app.localhost")
    claims.reserve("a", first)
    claims.take_back("a", claims.reserve("a", hosts("a", "api.app.localhost")))
    assert claims.all == first


def test_what_is_given_back_is_free(claims):
    claims.reserve("a", hosts("a", "www.app.localhost"))
    assert claims.release("a")
    assert not claims.release("a")
    claims.reserve("b", hosts("b", "www.app.localhost"))


def test_hosts_are_free_unless_another_environment_has_one(claims):
    claims.reserve("a", hosts("a", "www.app.localhost"))
    assert claims.are_free("a", hosts("a", "www.app.localhost"))
    assert not claims.are_free("b", hosts("b", "api.app.localhost", "www.app.localhost"))
    assert claims.are_free("b", hosts("b", "www.two.app.localhost"))
