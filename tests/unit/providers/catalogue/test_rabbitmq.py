import base64
import hashlib
import json
from dataclasses import replace

import pytest
from fakes.programs import make_program
from pydantic import SecretStr

from devenv.errors import DevenvError
from devenv.model.spec import RabbitMQ
from devenv.model.unit import Endpoint, ServiceProbe
from devenv.providers.catalogue.rabbitmq import RabbitMQKind

KIND = RabbitMQKind()


def files(job):
    return {file.path.name: file for file in job.files}


def after(argv, word):
    return argv[argv.index(word) + 1]


def test_it_is_missing_until_server_and_erlang_are_there(bin_folder):
    assert KIND.missing(str(bin_folder)) == "Erlang"
    make_program(bin_folder, "erl")
    assert KIND.missing(str(bin_folder)) == "rabbitmq-server"


def test_it_is_not_missing_where_both_are_there(rabbitmq_home, bin_folder):
    assert KIND.missing(str(bin_folder)) is None


def test_the_applications_it_needs_are_linked_and_first_on_the_code_path(place, rabbitmq_home):
    argv = KIND.run(RabbitMQ(), place).argv

    links = argv[5 : argv.index("--")]
    assert str(rabbitmq_home / "plugins" / "rabbit-3.10.8") in links
    assert not any("mqtt" in word for word in argv)
    assert after(argv, "-pa") == str(place.run / "plugins" / "cuttlefish-3.0.1" / "ebin")


def test_the_node_needs_no_port_mapper_and_listens_on_its_address(place, rabbitmq_home):
    argv = KIND.run(RabbitMQ(), place).argv

    assert after(argv, "-start_epmd") == "false"
    assert after(argv, "-erl_epmd_port") == "27000"
    assert after(argv, "inet_dist_use_interface") == "{127,84,1,2}"


def test_a_high_port_leaves_room_for_the_second_one(place, rabbitmq_home):
    place = replace(place, endpoint=Endpoint("127.84.1.2", 60000))

    assert after(KIND.run(RabbitMQ(), place).argv, "-erl_epmd_port") == "40000"


def test_what_another_node_was_told_does_not_reach_it(place, rabbitmq_home):
    told = {"RABBITMQ_NODENAME": "other@host", "ERL_LIBS": "/elsewhere", "ERL_FLAGS": "-x"}
    place = replace(place, environment={**place.environment, **told})

    environment = KIND.run(RabbitMQ(), place).environment

    assert environment["RABBITMQ_NODENAME"] == "rabbit@localhost"
    assert not {"ERL_LIBS", "ERL_FLAGS"} & set(environment)
    assert environment["LANG"] == "C.UTF-8"


def test_the_definitions_hold_user_vhost_and_a_salted_hash(place, rabbitmq_home):
    service = RabbitMQ(vhost="shop", user="sue", password=SecretStr("geheim"))

    file = files(KIND.run(service, place))["definitions.json"]

    definitions = json.loads(file.text)
    user = definitions["users"][0]
    stored = base64.b64decode(user["password_hash"])
    assert file.mode == 0o600
    assert "geheim" not in file.text
    assert user["name"] == "sue"
    assert stored[4:] == hashlib.sha256(stored[:4] + b"geheim").digest()
    assert definitions["vhosts"] == [{"name": "shop"}]
    assert definitions["permissions"][0]["vhost"] == "shop"


def test_the_configuration_holds_no_path_that_would_need_quoting(place, rabbitmq_home):
    text = files(KIND.run(RabbitMQ(), place))["rabbitmq.conf"].text

    assert text == "listeners.tcp.1 = 127.84.1.2:7000\nload_definitions = definitions.json\n"


def test_a_server_that_went_away_is_told(place, bin_folder):
    make_program(bin_folder, "erl")

    with pytest.raises(DevenvError) as caught:
        KIND.run(RabbitMQ(), place)

    assert caught.value.code == "program.missing"


def test_the_command_line_tools_are_let_in_by_the_cookie(place, rabbitmq_home):
    (place.run / ".erlang.cookie").write_text("cookie")

    environment = KIND.client_environment(RabbitMQ(), place)

    assert environment["RABBITMQ_ERLANG_COOKIE"] == "cookie"
    assert environment["PATH"].startswith(f"{rabbitmq_home / 'sbin'}:")


def test_it_is_announced_and_probed_as_the_applications_user():
    service = RabbitMQ(vhost="shop", user="sue", password=SecretStr("a@b"))
    endpoint = Endpoint("127.84.1.2", 5672)
    url = "amqp://sue:a%40b@127.84.1.2:5672/shop"

    assert KIND.variables("rabbitmq", service, endpoint) == {
        "AMQP_URL": url,
        "CELERY_BROKER_URL": url,
        "RABBITMQ_HOST": "127.84.1.2",
        "RABBITMQ_PORT": "5672",
    }
    assert KIND.probe(service, endpoint) == ServiceProbe("amqp", endpoint, "sue", "a@b", "shop")
