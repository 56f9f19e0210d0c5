"""The four services, in a folder with any name: killed, they are back with what was committed."""

from __future__ import annotations

import pytest
from fakes.checkouts import kill, open_home
from fakes.clients import CLIENTS, SERVICES

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def services():
    """A checkout in a folder with spaces, quotes and letters of four scripts, all services up."""
    with open_home() as home:
        checkout = home.checkout("my 'prøject' \"β\" проба 計画 50%", SERVICES)
        assert checkout.up()["ready"] is True
        yield checkout


@pytest.mark.parametrize("name", CLIENTS)
def test_a_killed_service_is_back_with_what_was_committed(services, name):
    client = CLIENTS[name](services.unit(name)["endpoint"]["host"])
    client.write("first")
    before = services.pids()
    restarts = services.unit(name)["restarts"]
    kill(before[name])
    unit = services.wait(name, ready=True, restarts=restarts + 1)
    assert unit["pid"] != before[name]
    assert client.read() == ["first"]
    client.write("second")
    assert client.read() == ["first", "second"]
    assert {k: v for k, v in services.pids().items() if k != name} == {
        k: v for k, v in before.items() if k != name
    }


def test_data_outlives_down_and_up_and_the_shims_death(services):
    clients = [kind(services.status()["environment"]["address"]) for kind in CLIENTS.values()]
    for client in clients:
        client.write("third")
    before = services.pids()
    kill(services.home.shim_pid(services.identity()))
    for name in CLIENTS:
        services.wait(name, ready=True, restarts=2)
    after = services.pids()
    assert all(after[name] != before[name] for name in before)
    assert all(client.read()[-1] == "third" for client in clients)
    services.down()
    services.home.expect_nothing_runs()
    assert services.up()["ready"] is True
    assert all(client.read()[-1] == "third" for client in clients)


def test_the_servers_own_clients_need_no_arguments(services):
    query = "select concat(current_user(), ' ', database())"
    answer = services.ok("exec", "mysql", "--", "mysql", "-N", "-e", query)
    assert answer == "app@% app\n"
    failed = services.devenv("exec", "mysql", "--", "mysql", "-e", "no sql")
    assert failed.returncode == 1
    assert "You have an error in your SQL syntax" in failed.stderr
    address = services.status()["environment"]["address"]
    assert services.ok("run", "--", "redis-cli", "-h", address, "ping") == "PONG\n"
    urls = services.ok(
        "run", "--", "sh", "-c", "echo $DATABASE_URL $REDIS_URL $AMQP_URL $MONGODB_URI"
    )
    assert urls.split() == [
        f"mysql://app:app@{address}:3306/app",
        f"redis://{address}:6379/0",
        f"amqp://app:app@{address}:5672/app",
        f"mongodb://{address}:27017/app",
    ]
