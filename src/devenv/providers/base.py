"""The contracts of the providers' floor.

`ServiceKind` is what the catalogue knows about one kind of server; a new kind of service is one
object that fits it. Nothing in it starts anything or changes a file: it looks for programs and
folders and answers with values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devenv.model.spec import Service
from devenv.model.unit import Endpoint, Job, ServiceProbe


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service of one environment runs natively."""

    endpoint: Endpoint
    data: Path
    """The service's own data folder; made by the `initialise` job, by rename, if it is missing."""
    run: Path
    """The service's own folder for rendered files, pid files and sockets; exists."""
    environment: Mapping[str, str]
    """PATH, HOME and locale for its jobs."""
    root: bool = False
    """True: the invoking user is root, so servers that refuse root must be told."""


class ServiceKind(Protocol):
    """One kind of server: how it is installed, initialised, run, probed and announced."""

    protocol: str
    """The probe's protocol: `mysql`, `redis`, `amqp`, `mongodb`."""
    port: int
    """The usual port."""
    provisioning: str
    """The folder in `provisioning/` whose `install.sh` installs it."""

    def missing(self, path: str) -> str | None:
        """Return what is not installed, looking along *path* (a PATH), or None if all is there."""
        ...

    def initialise(self, service: Service, place: Place) -> Job | None:
        """Return the job that makes the data folder, or None if there is nothing to make.

        An interrupted job leaves no half of a folder behind: the next one starts anew.
        """
        ...

    def run(self, service: Service, place: Place) -> Job:
        """Return the job that runs the server in the foreground on the place's endpoint."""
        ...

    def probe(self, service: Service, endpoint: Endpoint) -> ServiceProbe:
        """Return the check that the server answers as the application will ask it."""
        ...

    def variables(self, name: str, service: Service, endpoint: Endpoint) -> Mapping[str, str]:
        """Return the variables that tell processes about it (`DATABASE_URL`, `MYSQL_HOST`, ...)."""
        ...

    def client_environment(self, service: Service, place: Place) -> Mapping[str, str]:
        """Return the variables with which its command line clients need no arguments."""
        ...
