from dataclasses import replace

import pytest
from fakes.programs import make_program
from pydantic import SecretStr

from devenv.model.spec import MySQL
from devenv.model.unit import Endpoint, ServiceProbe
from devenv.providers.catalogue.mysql import MySQLKind

KIND = MySQLKind()


@pytest.fixture
def mariadb(bin_folder):
    make_program(bin_folder, "mariadb-install-db")
    return make_program(bin_folder, "mariadbd")


def files(job):
    return {file.path.name: file for file in job.files}


def test_it_is_missing_until_a_server_is_there(bin_folder):
    assert KIND.missing(str(bin_folder)) == "mariadbd or mysqld"
    make_program(bin_folder, "mysqld")
    assert KIND.missing(str(bin_folder)) is None


def test_a_folder_is_made_under_another_name_first(place, mariadb):
    job = KIND.initialise(MySQL(), place)

    assert job.argv[:2] == ("sh", "-c")
    assert '"--datadir=$data.new"' in job.argv[2]
    assert job.argv[4] == str(place.data)
    assert job.argv[5] == str(mariadb.with_name("mariadb-install-db"))


def test_mysql_itself_makes_its_folder(place, bin_folder):
    mysqld = make_program(bin_folder, "mysqld")

    job = KIND.initialise(MySQL(), replace(place, root=True))

    assert job.argv[5:] == (str(mysqld), "--no-defaults", "--initialize-insecure", "--user=root")


def test_what_was_initialised_is_left_alone(place, mariadb):
    place.data.mkdir()

    assert KIND.initialise(MySQL(), place) is None


def test_it_reads_no_configuration_of_the_systems_and_binds_its_address(place, mariadb):
    argv = KIND.run(MySQL(), place).argv

    assert argv[:2] == (str(mariadb), "--no-defaults")
    assert {"--bind-address=127.84.1.2", "--port=7000"} < set(argv)


@pytest.mark.parametrize(("root", "told"), [(True, True), (False, False)])
def test_only_root_is_named(place, mariadb, root, told):
    argv = KIND.run(MySQL(), replace(place, root=root)).argv

    assert ("--user=root" in argv) is told


def test_a_socket_path_that_is_too_long_is_left_out(place, mariadb):
    argv = KIND.run(MySQL(), replace(place, run=place.run / ("x" * 120))).argv

    assert "--socket=" in argv


def test_the_init_file_makes_database_and_user(place, mariadb):
    service = MySQL(database="my_shop", user="sue", password=SecretStr("it's\\\n"))

    file = files(KIND.run(service, place))["init.sql"]

    assert file.mode == 0o600
    assert file.text.splitlines() == [
        "CREATE DATABASE IF NOT EXISTS `my_shop`;",
        r"CREATE USER IF NOT EXISTS 'sue'@'%' IDENTIFIED BY 'it\'s\\\n';",
        r"ALTER USER 'sue'@'%' IDENTIFIED BY 'it\'s\\\n';",
        r"GRANT ALL PRIVILEGES ON `my\_shop`.* TO 'sue'@'%';",
        r"GRANT ALL PRIVILEGES ON `test\_my\_shop%`.* TO 'sue'@'%';",
    ]


def test_clients_are_told_where_their_configuration_is(place, mariadb):
    service = MySQL(password=SecretStr('a "b" \\ #c'))

    file = files(KIND.run(service, place))["my.cnf"]

    assert KIND.client_environment(service, place) == {"MYSQL_HOME": str(file.path.parent)}
    assert file.mode == 0o600
    assert r'password = "a \"b\" \\ #c"' in file.text.splitlines()


def test_it_is_announced_and_probed_as_the_applications_user():
    service = MySQL(database="shop", user="sue", password=SecretStr("a/b"))
    endpoint = Endpoint("127.84.1.2", 3306)

    assert KIND.variables("mysql", service, endpoint) == {
        "DATABASE_URL": "mysql://sue:a%2Fb@127.84.1.2:3306/shop",
        "MYSQL_HOST": "127.84.1.2",
        "MYSQL_PORT": "3306",
    }
    assert KIND.probe(service, endpoint) == ServiceProbe("mysql", endpoint, "sue", "a/b", "shop")
