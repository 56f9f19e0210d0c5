"""MySQL's protocol: MariaDB or MySQL, whichever is installed, with the same options for both.

The application's user is made at every start by an init file, so a password that was changed in
`devenv.yml` holds from the next start on. The user is made for every host (`%`), because the server
takes a client on 127.x.y.z for a remote one. The superuser is left to the invoking user, through
the Unix socket alone.

MariaDB and MySQL refuse to run as root unless `--user=root` asks for it. Root starts them so: a
folder inside a checkout of root's is one that no other user could enter.

Sources: MariaDB's and MySQL's server option references; an init file holds one statement a line.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from devenv.model.spec import MySQL, Service
from devenv.model.unit import Endpoint, File, Job, ServiceProbe
from devenv.providers.base import Place
from devenv.providers.catalogue.announce import credentials, endpoint_variables
from devenv.providers.catalogue.programs import find_program, require_program

SERVERS = ("mariadbd", "mysqld")
MARIADB_INSTALLERS = ("mariadb-install-db", "mysql_install_db")

SOCKET_PATH_BYTES = 107
"""What sun_path holds (unix(7)), less the final null."""

INITIALISE = """\
set -eu
data=$1
shift
[ ! -d "$data" ] || exit 0
rm -rf -- "$data.new"
mkdir -p -- "$data.new"
"$@" "--datadir=$data.new"
mv -- "$data.new" "$data"
"""
"""An interrupted initialisation leaves only `data.new`, which the next one removes."""

OPTIONS = (
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    # A committed transaction is on disk, whatever happens to the server.
    "--innodb-flush-log-at-trx-commit=1",
    # A development machine runs several of these: small caches, nothing that only an
    # administrator of a fleet would read.
    "--innodb-buffer-pool-size=64M",
    "--performance-schema=OFF",
    "--skip-log-bin",
    "--max-allowed-packet=64M",
    # MySQL's second protocol would listen on every address; MariaDB does not know the option.
    "--loose-mysqlx=OFF",
)


class MySQLKind:
    """MySQL or MariaDB."""

    protocol = "mysql"
    port = 3306
    provisioning = "mysql"

    def missing(self, path: str) -> str | None:
        """Return what is not installed."""
        return None if find_program(path, *SERVERS) else "mariadbd or mysqld"

    def initialise(self, service: Service, place: Place) -> Job | None:
        """Return the job that makes the system tables; None: they are there."""
        if place.data.is_dir():
            return None
        path = place.environment["PATH"]
        command = _mariadb_installer(path) or _mysql_installer(path, place)
        return Job(
            argv=("sh", "-c", INITIALISE, "initialise", str(place.data), *command),
            cwd=place.run,
            environment=place.environment,
        )

    def run(self, service: Service, place: Place) -> Job:
        """Return the server's job."""
        assert isinstance(service, MySQL)
        program = require_program(place.environment["PATH"], *SERVERS)
        init = File(place.run / "init.sql", _init_sql(service), 0o600)
        client = File(place.run / "my.cnf", _client_config(service, place.endpoint), 0o600)
        return Job(
            argv=(
                str(program),
                "--no-defaults",
                f"--datadir={place.data}",
                f"--bind-address={place.endpoint.host}",
                f"--port={place.endpoint.port}",
                f"--socket={_socket(place)}",
                f"--pid-file={place.run / 'mysqld.pid'}",
                f"--init-file={init.path}",
                *OPTIONS,
                *_user(place),
            ),
            cwd=place.run,
            environment=place.environment,
            files=(init, client),
        )

    def probe(self, service: Service, endpoint: Endpoint) -> ServiceProbe:
        """Return the check: `SELECT 1` as the application's user, on its database."""
        assert isinstance(service, MySQL)
        password = service.password.get_secret_value()
        return ServiceProbe(self.protocol, endpoint, service.user, password, service.database)

    def variables(self, name: str, service: Service, endpoint: Endpoint) -> Mapping[str, str]:
        """Return `DATABASE_URL` and the endpoint."""
        assert isinstance(service, MySQL)
        login = credentials(service.user, service.password.get_secret_value())
        url = f"mysql://{login}@{endpoint}/{service.database}"
        return {"DATABASE_URL": url} | endpoint_variables(name, endpoint)

    def client_environment(self, service: Service, place: Place) -> Mapping[str, str]:
        """Return where `mysql`, `mysqldump` and their like find the `my.cnf` that `run` makes."""
        return {"MYSQL_HOME": str(place.run)}


def _mariadb_installer(path: str) -> tuple[str, ...] | None:
    program = find_program(path, *MARIADB_INSTALLERS)
    if program is None:
        return None
    return (
        str(program),
        "--no-defaults",
        "--auth-root-authentication-method=socket",
        f"--auth-root-socket-user={_invoking_user()}",
        "--skip-test-db",
        "--skip-name-resolve",
    )


def _mysql_installer(path: str, place: Place) -> tuple[str, ...]:
    program = require_program(path, *SERVERS)
    return (str(program), "--no-defaults", "--initialize-insecure", *_user(place))


def _invoking_user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a user id without an entry, as containers have them
        return "root"


def _user(place: Place) -> tuple[str, ...]:
    return ("--user=root",) if place.root else ()


def _socket(place: Place) -> str:
    """Return the socket's path; where that is too long, nothing: then there is only TCP."""
    socket = place.run / "mysqld.sock"
    return str(socket) if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES else ""


def _init_sql(service: MySQL) -> str:
    user = f"{_literal(service.user)}@'%'"
    password = _literal(service.password.get_secret_value())
    # In a grant `_` stands for any character. Test runners make databases of their own beside the
    # application's, with its name inside theirs (Django: `test_app`, `test_app_1`).
    pattern = service.database.replace("_", r"\_")
    statements = (
        f"CREATE DATABASE IF NOT EXISTS `{service.database}`",
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {password}",
        f"ALTER USER {user} IDENTIFIED BY {password}",
        f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO {user}",
        rf"GRANT ALL PRIVILEGES ON `test\_{pattern}%`.* TO {user}",
    )
    return "".join(f"{statement};\n" for statement in statements)


def _literal(text: str) -> str:
    """Return *text* as a string literal of SQL, on one line."""
    replacements = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}
    return "'" + "".join(replacements.get(character, character) for character in text) + "'"


def _client_config(service: MySQL, endpoint: Endpoint) -> str:
    password = service.password.get_secret_value().replace("\\", "\\\\").replace('"', '\\"')
    return (
        "[client]\n"
        f"host = {endpoint.host}\n"
        f"port = {endpoint.port}\n"
        f"user = {service.user}\n"
        f'password = "{password}"\n'
        "[mysql]\n"
        f"database = {service.database}\n"
    )
