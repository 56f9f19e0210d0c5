"""The catalogue on the real servers: data, addresses, signals, two environments at once."""

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

import amqp
import pymongo
import pymysql
import pytest
import redis
from fakes.servers import AWKWARD, Server, installed

from devenv.model.unit import Endpoint
from devenv.probes import ProbeError

# A first run may have to install a server, which takes minutes; the servers' own waits are bounded.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

# Of this run alone: somebody else may be running the same tests on the same machine.
HOST = f"127.77.{100 + os.getpid() % 100}.1"
OTHER_HOST = f"127.77.{100 + os.getpid() % 100}.2"
GRACE_S = 10.0


@dataclass(frozen=True)
class Client:
    """A real client: writes one value, and reads the values that are there."""

    write: Callable[[Endpoint, str], None]
    read: Callable[[Endpoint], list[str]]


def mysql(endpoint):
    return pymysql.connect(
        host=endpoint.host, port=endpoint.port, user="app", password="app", database="app"
    )


def mysql_write(endpoint, value):
    with mysql(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS notes (text VARCHAR(40))")
        cursor.execute("INSERT INTO notes VALUES (%s)", (value,))
        connection.commit()


def mysql_read(endpoint):
    with mysql(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM notes")
        return [text for (text,) in cursor.fetchall()]


def redis_write(endpoint, value):
    with closing(redis.Redis(endpoint.host, endpoint.port)) as client:
        client.rpush("notes", value)


def redis_read(endpoint):
    with closing(redis.Redis(endpoint.host, endpoint.port, decode_responses=True)) as client:
        return client.lrange("notes", 0, -1)


def broker(endpoint):
    return amqp.Connection(
        str(endpoint), userid="app", password="app", virtual_host="app", confirm_publish=True
    )


def rabbitmq_write(endpoint, value):
    with broker(endpoint) as connection:
        channel = connection.channel()
        channel.queue_declare("notes", durable=True, auto_delete=False)
        message = amqp.Message(value, delivery_mode=2)
        channel.basic_publish_confirm(message, routing_key="notes")


def rabbitmq_read(endpoint):
    with broker(endpoint) as connection:
        channel = connection.channel()
        # Unacknowledged, so that they are there again for the next one who reads.
        messages = list(iter(lambda: channel.basic_get("notes", no_ack=False), None))
        return [str(message.body) for message in messages]


def mongodb_write(endpoint, value):
    with pymongo.MongoClient(endpoint.host, endpoint.port) as client:
        client.app.notes.insert_one({"text": value})


def mongodb_read(endpoint):
    with pymongo.MongoClient(endpoint.host, endpoint.port) as client:
        return [note["text"] for note in client.app.notes.find()]


CLIENTS = {
    "mysql": Client(mysql_write, mysql_read),
    "redis": Client(redis_write, redis_read),
    "rabbitmq": Client(rabbitmq_write, rabbitmq_read),
    "mongodb": Client(mongodb_write, mongodb_read),
}


@pytest.fixture
def make(tmp_path):
    """Give servers in folders of their own; all they start is ended."""
    with ExitStack() as stack:

        def make(name: str, host: str = HOST, folder: str = AWKWARD) -> Server:
            server = stack.enter_context(installed(name, tmp_path / folder, host))
            server.initialise()
            return server

        yield make


@pytest.fixture(params=sorted(CLIENTS))
def name(request):
    return request.param


def test_data_that_was_acknowledged_survives_a_kill(make, name):
    """The first value makes the table, or the queue: RabbitMQ 3 acknowledges a queue a
    moment before Mnesia has written it, whoever starts it; messages only once they are safe.
    """
    server, client = make(name), CLIENTS[name]
    server.start()
    client.write(server.place.endpoint, "first")
    server.stop()
    server.start()
    client.write(server.place.endpoint, "second")
    server.kill()

    server.start()

    assert client.read(server.place.endpoint) == ["first", "second"]


def test_sigterm_ends_a_server_within_its_grace_and_leaves_nothing_behind(make, name):
    server, client = make(name), CLIENTS[name]
    server.start()
    client.write(server.place.endpoint, "kept")

    assert server.stop() < GRACE_S

    assert server.process.returncode == 0
    assert server.processes() == set()
    server.start()
    assert client.read(server.place.endpoint) == ["kept"]


def test_a_server_listens_on_its_own_address_alone(make, name):
    server = make(name)
    server.start()

    sockets = server.sockets()

    assert (HOST, server.kind.port) in sockets
    assert {host for host, _ in sockets} == {HOST}


def test_two_environments_have_the_same_server_on_the_same_port(make, name):
    servers = [make(name, HOST, "one"), make(name, OTHER_HOST, "two")]
    client = CLIENTS[name]
    for server in servers:
        server.start()

    for server in servers:
        client.write(server.place.endpoint, server.place.endpoint.host)

    values = [client.read(server.place.endpoint) for server in servers]
    assert values == [[HOST], [OTHER_HOST]]


def test_data_moves_to_another_address(make, name):
    """A checkout that was moved is another environment and has another address."""
    server, client = make(name), CLIENTS[name]
    server.start()
    client.write(server.place.endpoint, "kept")
    server.stop()

    moved = server.at(OTHER_HOST)
    moved.start()

    assert client.read(moved.place.endpoint) == ["kept"]


@pytest.mark.parametrize("name", ["mysql", "rabbitmq"])
def test_a_changed_password_holds_from_the_next_start_on(make, name):
    server = make(name)
    server.start()
    server.stop()
    changed = server.with_service(password='it\'s \\ "new" #ü')

    changed.start()

    changed.check()
    with pytest.raises(ProbeError, match="access denied for user `app`"):
        server.check()


@pytest.mark.parametrize("name", ["mysql", "rabbitmq"])
def test_what_the_service_names_is_made_at_the_next_start(make, name):
    server = make(name)
    server.start()
    server.stop()
    place = {"mysql": "database", "rabbitmq": "vhost"}[name]

    changed = server.with_service(user="sue_1", **{place: "shop_1"})
    changed.start()

    changed.check()


@pytest.mark.parametrize("name", ["mysql", "rabbitmq"])
def test_no_password_is_in_the_arguments_or_readable_by_others(make, name):
    server = make(name).with_service(password="geheim-17")
    server.start()

    job = server.kind.run(server.service, server.place)

    assert not any("geheim-17" in word for word in job.argv)
    for path in server.place.run.rglob("*"):
        if path.is_file() and b"geheim-17" in path.read_bytes():
            assert path.stat().st_mode & 0o077 == 0, path


def test_an_interrupted_initialisation_is_started_anew(make, tmp_path):
    with installed("mysql", tmp_path / AWKWARD, HOST) as server:
        half_done = server.place.data.with_name("mysql.new")
        half_done.mkdir()
        (half_done / "ibdata1").write_bytes(b"half")

        server.initialise()

        server.start()
        assert not half_done.exists()


def test_an_initialised_folder_is_left_alone(make, name):
    server = make(name)

    assert server.kind.initialise(server.service, server.place) is None


def test_the_mysql_client_needs_no_arguments(make):
    server = make("mysql")
    server.start()

    printed = server.client("mysql", "-N", "-e", "SELECT CURRENT_USER(), DATABASE()")

    assert printed.split() == ["app@%", "app"]


def test_rabbitmqctl_needs_no_arguments(make):
    server = make("rabbitmq")
    server.start()

    assert "app" in server.client("rabbitmqctl", "-q", "list_vhosts").split()


def test_a_test_runner_can_make_its_databases(make):
    """Django's makes `test_app`, and `test_app_1` for a parallel run."""
    server = make("mysql")
    server.start()

    with mysql(server.place.endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE test_app_1")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("CREATE DATABASE other")


def test_mysql_does_without_a_socket_where_its_path_would_be_too_long(make):
    server = make("mysql", folder="x" * 120)

    server.start()

    assert not (server.place.run / "mysqld.sock").exists()


def test_mysql_lets_only_the_invoking_user_in_as_superuser(make):
    server = make("mysql")
    server.start()

    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(host=HOST, port=server.place.endpoint.port, user="root")
