"""MongoDB's protocol: `mongod` where there is one, else FerretDB on SQLite.

Few systems package `mongod`, so `provisioning/mongodb` builds `devenv-ferretdb` where it is
missing. Neither reads the other's files: data that FerretDB made stays with FerretDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from devenv.model.spec import MongoDB, Service
from devenv.model.unit import Endpoint, Job, ServiceProbe
from devenv.providers.base import Place
from devenv.providers.catalogue.announce import endpoint_variables
from devenv.providers.catalogue.folder import make_folder
from devenv.providers.catalogue.programs import find_program, require_program

FERRETDB = "devenv-ferretdb"
CACHE_GIGABYTES = "0.25"
"""The smallest cache that `mongod` accepts; its default is half of the machine's memory."""


class MongoDBKind:
    """A server that speaks MongoDB's wire protocol."""

    protocol = "mongodb"
    port = 27017
    provisioning = "mongodb"

    def missing(self, path: str) -> str | None:
        """Return what is not installed."""
        return None if find_program(path, "mongod", FERRETDB) else "mongod or FerretDB"

    def initialise(self, service: Service, place: Place) -> Job | None:
        """Return the job that makes an empty folder: both servers start on one."""
        return make_folder(place)

    def run(self, service: Service, place: Place) -> Job:
        """Return the server's job."""
        names = (FERRETDB, "mongod") if _is_of_ferretdb(place.data) else ("mongod", FERRETDB)
        program = require_program(place.environment["PATH"], *names)
        arguments = _ferretdb(place) if program.name == FERRETDB else _mongod(place)
        return Job((str(program), *arguments), place.data, place.environment)

    def probe(self, service: Service, endpoint: Endpoint) -> ServiceProbe:
        """Return the check: `hello` is answered by a server that takes writes."""
        assert isinstance(service, MongoDB)
        return ServiceProbe(self.protocol, endpoint, database=service.database)

    def variables(self, name: str, service: Service, endpoint: Endpoint) -> Mapping[str, str]:
        """Return `MONGODB_URI` and the endpoint."""
        assert isinstance(service, MongoDB)
        url = f"mongodb://{endpoint}/{service.database}"
        return {"MONGODB_URI": url} | endpoint_variables(name, endpoint)

    def client_environment(self, service: Service, place: Place) -> Mapping[str, str]:
        """Return nothing: `mongosh` takes no address from its environment."""
        return {}


def _is_of_ferretdb(data: Path) -> bool:
    return any(data.glob("*.sqlite"))


def _ferretdb(place: Place) -> tuple[str, ...]:
    return (f"--listen={place.endpoint}", f"--data={place.data}")


def _mongod(place: Place) -> tuple[str, ...]:
    return (
        f"--bind_ip={place.endpoint.host}",
        f"--port={place.endpoint.port}",
        f"--dbpath={place.data}",
        f"--wiredTigerCacheSizeGB={CACHE_GIGABYTES}",
        "--nounixsocket",
    )
