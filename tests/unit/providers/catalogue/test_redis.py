from fakes.programs import make_program

from devenv.model.spec import Redis
from devenv.model.unit import Endpoint, ServiceProbe
from devenv.providers.catalogue.redis import RedisKind

KIND = RedisKind()


def test_it_is_missing_until_a_server_is_there(bin_folder):
    assert KIND.missing(str(bin_folder)) == "redis-server"
    make_program(bin_folder, "valkey-server")
    assert KIND.missing(str(bin_folder)) is None


def test_no_argument_holds_a_path_that_could_be_a_pattern(place, bin_folder):
    program = make_program(bin_folder, "redis-server")

    job = KIND.run(Redis(), place)

    assert job.argv[0] == str(program)
    assert not any(str(place.data) in word or str(place.run) in word for word in job.argv[1:])
    assert job.cwd == place.data


def test_it_binds_its_address_and_keeps_an_append_only_file(place, bin_folder):
    make_program(bin_folder, "redis-server")

    argv = KIND.run(Redis(), place).argv[1:]

    settings = dict(zip(argv[::2], argv[1::2], strict=True))
    assert settings["--bind"] == "127.84.1.2"
    assert settings["--port"] == "7000"
    assert settings["--appendonly"] == "yes"


def test_it_is_announced_and_probed():
    endpoint = Endpoint("127.84.1.2", 6379)

    assert KIND.variables("redis", Redis(), endpoint) == {
        "REDIS_URL": "redis://127.84.1.2:6379/0",
        "REDIS_HOST": "127.84.1.2",
        "REDIS_PORT": "6379",
    }
    assert KIND.probe(Redis(), endpoint) == ServiceProbe("redis", endpoint)
