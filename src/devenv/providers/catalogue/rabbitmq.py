"""RabbitMQ, started as the Erlang program it is: no wrapper, no epmd, no other user.

The shell wrapper is left out because Debian's insists on root or on the user `rabbitmq`, and
because a shell between shim and server would answer for it. What the wrapper passes to Erlang is
passed here.

`epmd`, Erlang's port mapper, would listen on 127.0.0.1 for all environments together and outlive
them. A node that is told its port (`-erl_epmd_port`, OTP 23.1) needs none. So the node's name need
not be unique on the machine: it is the same everywhere, and the database, which is bound to the
node's name, still opens after the checkout was moved and has got another address.

Virtual host, user and permissions are definitions that the server loads at every boot, so a
password that was changed in `devenv.yml` holds from the next start on.

Two limits of RabbitMQ 3, however it is started. It acknowledges a queue a moment before
Mnesia has written it, so a kill in between loses the queue; a confirmed message in a queue that was
written is safe. And it hands the data folder's path to `df` without quotes: where that has a
space or a letter beyond ASCII it logs so at boot, and does not watch how full the disk is.

Why boot is quicker than the wrapper's: see `catalogue.erlang` and `benchmarks/rabbitmq_boot.py`.
Sources: RabbitMQ's guides on configuration, definitions and passwords; erl(1), kernel(6).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from devenv.errors import DevenvError
from devenv.model.spec import RabbitMQ, Service
from devenv.model.unit import Endpoint, File, Job, ServiceProbe
from devenv.providers.base import Place
from devenv.providers.catalogue.announce import credentials, endpoint_variables
from devenv.providers.catalogue.erlang import find_home, render_preload, server_applications
from devenv.providers.catalogue.folder import make_folder
from devenv.providers.catalogue.programs import find_program, require_program

NODE = "rabbit@localhost"
DISTRIBUTION_OFFSET = 20000
"""RabbitMQ's own rule for the port that its command line tools talk to."""
HIGHEST_PORT = 65535

START = """\
set -eu
plugins=$1
shift
rm -rf -- "$plugins"
mkdir -p -- "$plugins"
while [ "$1" != -- ]; do
    ln -s -- "$1" "$plugins/"
    shift
done
shift
if [ ! -s "$HOME/.erlang.cookie" ]; then
    (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \\n' >"$HOME/.erlang.cookie.new")
    mv -- "$HOME/.erlang.cookie.new" "$HOME/.erlang.cookie"
fi
exec "$@"
"""
"""Links the applications that the server needs into a folder of their own, then becomes it.

The cookie lets whoever has it run code in the node; Erlang would make one of too little chance.
"""

EMULATOR_OPTIONS = (
    "+W", "w",
    "+MBas", "ageffcbf", "+MHas", "ageffcbf", "+MBlmbcs", "512", "+MHlmbcs", "512", "+MMmcs", "30",
    "+P", "1048576", "+t", "5000000", "+zdbbl", "128000",
    "+sbwt", "very_short", "+sbwtdcpu", "none", "+sbwtdio", "very_short",
    "+B", "i",
    # File names are UTF-8, whatever the locale says.
    "+fnu",
)  # fmt: skip
"""RabbitMQ's defaults, less binding schedulers to cores: several nodes share this machine."""


class RabbitMQKind:
    """RabbitMQ with no plugins."""

    protocol = "amqp"
    port = 5672
    provisioning = "rabbitmq"

    def missing(self, path: str) -> str | None:
        """Return what is not installed."""
        if find_program(path, "erl") is None:
            return "Erlang"
        return None if find_home(path) else "rabbitmq-server"

    def initialise(self, service: Service, place: Place) -> Job | None:
        """Return the job that makes an empty folder: the server fills it at its first boot."""
        return make_folder(place)

    def run(self, service: Service, place: Place) -> Job:
        """Return the server's job."""
        assert isinstance(service, RabbitMQ)
        applications = server_applications(_require_home(place))
        erl = require_program(place.environment["PATH"], "erl")
        links = tuple(map(str, applications.folders))
        return Job(
            argv=(
                *("sh", "-c", START, "rabbitmq", str(_plugins(place)), *links, "--"),
                *(str(erl), *_code_path(place, applications.folders), *EMULATOR_OPTIONS),
                *_distribution(place.endpoint),
                *("-noinput", "-boot", "start_sasl"),
                *("-eval", render_preload(applications.names), "-s", "rabbit", "boot"),
            ),
            cwd=place.run,
            environment=_environment(place),
            files=(
                File(place.run / "rabbitmq.conf", _config(place.endpoint)),
                File(place.run / "definitions.json", _definitions(service), 0o600),
                File(place.run / "inetrc", _name_resolution(place.endpoint)),
            ),
        )

    def probe(self, service: Service, endpoint: Endpoint) -> ServiceProbe:
        """Return the check: the application's user can open its virtual host."""
        assert isinstance(service, RabbitMQ)
        password = service.password.get_secret_value()
        return ServiceProbe(self.protocol, endpoint, service.user, password, service.vhost)

    def variables(self, name: str, service: Service, endpoint: Endpoint) -> Mapping[str, str]:
        """Return `AMQP_URL`, the same for Celery, and the endpoint."""
        assert isinstance(service, RabbitMQ)
        login = credentials(service.user, service.password.get_secret_value())
        url = f"amqp://{login}@{endpoint}/{service.vhost}"
        return {"AMQP_URL": url, "CELERY_BROKER_URL": url} | endpoint_variables(name, endpoint)

    def client_environment(self, service: Service, place: Place) -> Mapping[str, str]:
        """Return what lets `rabbitmqctl` find this node and be let in."""
        cookie = place.run / ".erlang.cookie"
        sbin = _require_home(place) / "sbin"
        port = _distribution_port(place.endpoint)
        return {
            "PATH": f"{sbin}:{place.environment['PATH']}",
            "ERL_INETRC": str(place.run / "inetrc"),
            "RABBITMQ_CONF_ENV_FILE": str(place.run / "none"),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_CTL_ERL_ARGS": f"-start_epmd false -erl_epmd_port {port} -dist_listen false",
            "RABBITMQ_ERLANG_COOKIE": cookie.read_text("ascii") if cookie.is_file() else "",
        }


def _require_home(place: Place) -> Path:
    home = find_home(place.environment["PATH"])
    if home is None:
        raise DevenvError(
            "cannot find RabbitMQ's `plugins` folder beside `rabbitmq-server`",
            hint="devenv up   # installs what is missing",
            code="program.missing",
        )
    return home


def _plugins(place: Place) -> Path:
    return place.run / "plugins"


def _code_path(place: Place, folders: tuple[Path, ...]) -> tuple[str, ...]:
    links = (_plugins(place) / folder.name for folder in folders)
    return ("-pa", *(str(link / "ebin") for link in links))


def _distribution_port(endpoint: Endpoint) -> int:
    above = endpoint.port + DISTRIBUTION_OFFSET
    return above if above <= HIGHEST_PORT else endpoint.port - DISTRIBUTION_OFFSET


def _distribution(endpoint: Endpoint) -> tuple[str, ...]:
    port = str(_distribution_port(endpoint))
    kernel = {
        "inet_dist_use_interface": _tuple(endpoint.host),
        "inet_dist_listen_min": port,
        "inet_dist_listen_max": port,
        # RabbitMQ has its own answer to partitions (see its `rabbitmq-server` script).
        "prevent_overlapping_partitions": "false",
    }
    settings = (("-kernel", key, value) for key, value in kernel.items())
    return (
        *("-sname", NODE, "-start_epmd", "false", "-erl_epmd_port", port),
        *(word for setting in settings for word in setting),
        # The `syslog` application must not take over Erlang's logger.
        *("-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"),
    )


def _tuple(address: str) -> str:
    return "{" + address.replace(".", ",") + "}"


def _environment(place: Place) -> Mapping[str, str]:
    """Return the caller's variables without what another RabbitMQ or Erlang was told by them."""
    kept = {
        name: value
        for name, value in place.environment.items()
        if not name.startswith(("RABBITMQ_", "ERL_"))
    }
    none = str(place.run / "none")
    return kept | {
        # Where Erlang looks for its cookie.
        "HOME": str(place.run),
        "ERL_INETRC": str(place.run / "inetrc"),
        "ERL_CRASH_DUMP": str(place.run / "erl_crash.dump"),
        "ERL_MAX_ETS_TABLES": "50000",
        "ERL_MAX_PORTS": "65536",
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_CONFIG_FILE": str(place.run / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": none,
        "RABBITMQ_CONFIG_FILES": none,
        "RABBITMQ_CONF_ENV_FILE": none,
        "RABBITMQ_GENERATED_CONFIG_DIR": str(place.run),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place.run / "enabled_plugins"),
        "RABBITMQ_PLUGINS_DIR": str(_plugins(place)),
        "RABBITMQ_PLUGINS_EXPAND_DIR": str(place.run / "expanded"),
        "RABBITMQ_PID_FILE": str(place.run / "rabbitmq.pid"),
        "RABBITMQ_MNESIA_BASE": str(place.data),
        "RABBITMQ_MNESIA_DIR": str(place.data / "mnesia"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(place.data / "feature_flags"),
        "RABBITMQ_LOG_BASE": str(place.run),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_DIST_PORT": str(_distribution_port(place.endpoint)),
    }


def _config(endpoint: Endpoint) -> str:
    # The path is relative to the job's folder: the file's format has no way to quote one.
    return f"listeners.tcp.1 = {endpoint}\nload_definitions = definitions.json\n"


def _name_resolution(endpoint: Endpoint) -> str:
    """Return an inetrc (inet(3)): the node's host is this environment's address."""
    return f'{{host, {_tuple(endpoint.host)}, ["localhost"]}}.\n{{lookup, [file, native]}}.\n'


def _definitions(service: RabbitMQ) -> str:
    permission = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions = {
        "vhosts": [{"name": service.vhost}],
        "users": [
            {
                "name": service.user,
                "password_hash": _password_hash(service),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
        ],
        "permissions": [{"user": service.user, "vhost": service.vhost} | permission],
    }
    return json.dumps(definitions, indent=2) + "\n"


def _password_hash(service: RabbitMQ) -> str:
    """Return the salted hash as RabbitMQ stores it: base64(salt + sha256(salt + password)).

    The salt is made of the user's name, so that the same file comes out each time.
    """
    salt = hashlib.sha256(service.user.encode()).digest()[:4]
    password = service.password.get_secret_value().encode()
    return base64.b64encode(salt + hashlib.sha256(salt + password).digest()).decode()
