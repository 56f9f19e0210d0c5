"""Redis: append-only, in the foreground, in whatever folder it is started in.

All settings are arguments and none holds a path: a configuration file's path is taken for a pattern
(a `[` in it, and Redis starts with its defaults, on every address), and paths with spaces would
need quoting that differs between versions. Rules: redis.conf as shipped with Redis 7.
"""

from __future__ import annotations

from collections.abc import Mapping

from devenv.model.spec import Service
from devenv.model.unit import Endpoint, Job, ServiceProbe
from devenv.providers.base import Place
from devenv.providers.catalogue.announce import endpoint_variables
from devenv.providers.catalogue.folder import make_folder
from devenv.providers.catalogue.programs import find_program, require_program

PROGRAMS = ("redis-server", "valkey-server")


class RedisKind:
    """Redis, or Valkey where that is what the system has."""

    protocol = "redis"
    port = 6379
    provisioning = "redis"

    def missing(self, path: str) -> str | None:
        """Return what is not installed."""
        return None if find_program(path, *PROGRAMS) else "redis-server"

    def initialise(self, service: Service, place: Place) -> Job | None:
        """Return the job that makes an empty folder: Redis starts on one."""
        return make_folder(place)

    def run(self, service: Service, place: Place) -> Job:
        """Return the server's job."""
        program = require_program(place.environment["PATH"], *PROGRAMS)
        return Job((str(program), *_settings(place.endpoint)), place.data, place.environment)

    def probe(self, service: Service, endpoint: Endpoint) -> ServiceProbe:
        """Return the check: `PING` is answered."""
        return ServiceProbe(self.protocol, endpoint)

    def variables(self, name: str, service: Service, endpoint: Endpoint) -> Mapping[str, str]:
        """Return `REDIS_URL` and the endpoint."""
        return {"REDIS_URL": f"redis://{endpoint}/0"} | endpoint_variables(name, endpoint)

    def client_environment(self, service: Service, place: Place) -> Mapping[str, str]:
        """Return nothing: `redis-cli` takes no address from its environment."""
        return {}


def _settings(endpoint: Endpoint) -> tuple[str, ...]:
    # Protected mode would refuse clients by address; only the loopback address is bound anyway.
    # A write is in the kernel's hands before its reply is sent, so killing the server loses
    # nothing; `everysec` bounds what a power cut loses. Snapshots would only double the writes.
    settings = {
        "bind": endpoint.host,
        "port": str(endpoint.port),
        "protected-mode": "no",
        "dir": ".",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "always-show-logo": "no",
    }
    return tuple(word for key, value in settings.items() for word in (f"--{key}", value))
