"""Pure. A unit: one service, set-up step or process of an environment, resolved to what can be run.

A unit is provider-neutral. `needs` are unit names; `digest` changes exactly when the running thing
must be replaced. Times are seconds; paths are absolute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from devenv.model.spec import Restart, Service


class Kind(StrEnum):
    """What a unit is in `devenv.yml`."""

    SERVICE = "service"
    SETUP = "setup"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a unit listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class File:
    """A file that must hold this text before a job starts; rendered here, written by the caller."""

    path: Path
    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Job:
    """One command to run; `environment` is complete, nothing is inherited."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Ready when the port accepts a connection."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Ready when a GET of `path` answers with a status under 400."""

    endpoint: Endpoint
    path: str
    host: str = ""
    """The `Host` header; empty: the endpoint."""


@dataclass(frozen=True, slots=True)
class ExecProbe:
    """Ready when the job exits with 0."""

    job: Job


@dataclass(frozen=True, slots=True)
class ServiceProbe:
    """Ready when the server answers in its own protocol, to the user the application will be."""

    protocol: str
    """`mysql`, `redis`, `amqp` or `mongodb`."""
    endpoint: Endpoint
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    """Database, or virtual host for AMQP."""


Probe = TcpProbe | HttpProbe | ExecProbe | ServiceProbe


@dataclass(frozen=True, slots=True)
class Unit:
    """One resolved unit.

    A service carries its `service` spec, and its provider makes the jobs out of that; a step or a
    process carries its `job`.
    """

    name: str
    kind: Kind
    digest: str
    needs: tuple[str, ...] = ()
    restart: Restart = Restart.NO
    grace_s: float = 10.0
    service: Service | None = None
    job: Job | None = None
    probe: Probe | None = None
    ready_timeout_s: float = 60.0
    endpoint: Endpoint | None = None
    url: str | None = None
    creates: tuple[Path, ...] = ()
