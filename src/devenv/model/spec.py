"""Pure. What `devenv.yml` says, as frozen pydantic models.

They are the one source of validation, of the JSON Schema for editors and of the reference page.

A field's description is its line in the reference. Where Compose has a word for something, the
word and its meaning are Compose's. Values that hold across fields (names that `needs` refers to,
cycles) are checked in `config.parse`, which knows where in the file each value stands.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
"""Compose's durations without the units nobody waits in (days, microseconds)."""

RESERVED_NAMES = frozenset({"all", "edge", "python", "node"})
"""Names of units that devenv itself makes."""


def parse_duration(value: object) -> float:
    """Return seconds from `30s`, `1m30s`, `500ms` or a plain number of seconds.

    Raises:
        ValueError: for anything else, negative numbers included.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError(f"expected a duration such as 30s or 1m30s, got {value!r}")
    hours, minutes, seconds, milliseconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds) + int(milliseconds) / 1000


def _parse_port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535:
        return value
    raise ValueError(f"expected a port from 1 to 65535, got {value!r}")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30s", "1m30s", "500ms"]}),
]
Port = Annotated[
    int,
    BeforeValidator(_parse_port),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535}),
]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""A name that is also a DNS label (RFC 1123 section 2.1)."""
Domain = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        max_length=200,
    ),
]
RouteHost = Annotated[
    str, StringConstraints(pattern=r"^(\*|@|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]+)*)$")
]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A name inside a server (database, user, virtual host) that needs no quoting anywhere."""


class ProviderName(StrEnum):
    """How a service is run."""

    NATIVE = "native"
    DOCKER = "docker"
    VAGRANT = "vagrant"


class Restart(StrEnum):
    """When a process that ended is started again; Compose's words."""

    NO = "no"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


class Model(BaseModel):
    """A frozen value; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Python(Model):
    """The project's virtual environment, made and kept current by the digest of its inputs."""

    venv: Text = Field(".venv", description="folder of the virtual environment")
    requirements: tuple[Text, ...] = Field(
        ("requirements.txt",), description="requirement files to install into it"
    )


class Node(Model):
    """The project's Node packages; `npm ci` runs where a lock file changed."""

    dirs: tuple[Text, ...] = Field((".",), description="folders with a `package.json`")


class Ready(Model):
    """When a process counts as ready; exactly one of `http`, `tcp` and `exec`."""

    http: Text | None = Field(None, description="path that must answer with a status under 400")
    tcp: bool = Field(False, description="`true`: its port must accept a connection")
    exec: Text | None = Field(None, description="shell command that must exit with 0")
    timeout: Duration = Field(60.0, description="how long it may take before `up` gives up")

    @model_validator(mode="after")
    def _exactly_one(self) -> Ready:
        if (self.http is not None) + self.tcp + (self.exec is not None) != 1:
            raise ValueError("expected exactly one of http, tcp and exec")
        return self


class Service(Model):
    """What every service has, whatever it is."""

    provider: ProviderName | None = Field(None, description="overrides the top-level `provider`")
    port: Port | None = Field(None, description="default: the service's usual port")
    restart: Restart = Field(Restart.ALWAYS, description="when to start it again after it ended")
    stop_grace_period: Duration = Field(
        10.0, description="time between SIGTERM and SIGKILL; Compose's word"
    )


class MySQL(Service):
    """MySQL or MariaDB, whichever is installed."""

    type: Literal["mysql"] = "mysql"
    database: Identifier = Field("app", description="created if missing, utf8mb4")
    user: Identifier = Field("app", description="created if missing, owns the database")
    password: SecretStr = Field(SecretStr("app"), description="of that user")


class Redis(Service):
    """Redis, append-only file on."""

    type: Literal["redis"] = "redis"


class RabbitMQ(Service):
    """RabbitMQ with one virtual host and one user."""

    type: Literal["rabbitmq"] = "rabbitmq"
    vhost: Identifier = Field("app", description="created if missing")
    user: Identifier = Field("app", description="created if missing, all rights on the vhost")
    password: SecretStr = Field(SecretStr("app"), description="of that user")


class MongoDB(Service):
    """MongoDB; natively `mongod` if there is one, else FerretDB on SQLite."""

    type: Literal["mongodb"] = "mongodb"
    database: Identifier = Field("app", description="the database named in `MONGODB_URI`")


SERVICE_TYPES: dict[str, type[Service]] = {
    "mysql": MySQL,
    "redis": Redis,
    "rabbitmq": RabbitMQ,
    "mongodb": MongoDB,
}

AnyService = Annotated[MySQL | Redis | RabbitMQ | MongoDB, Field(discriminator="type")]


class Runnable(Model):
    """What set-up steps and processes share."""

    run: Text = Field(description="shell command; `$HOST`, `$PORT` and the other variables expand")
    dir: Text = Field(".", description="working folder, relative to `devenv.yml`")
    needs: tuple[str, ...] = Field((), description="units that must be ready, or done, first")
    environment: dict[Variable, str] = Field(
        default_factory=dict, description="variables added for this unit"
    )


class Step(Runnable):
    """A set-up step: done once, and again when the content of an input changes."""

    inputs: tuple[Text, ...] = Field(
        (), description="glob patterns; none: the step is done once and on changes of `run`"
    )
    creates: tuple[Text, ...] = Field((), description="paths; if one is missing, it is done again")


class Process(Runnable):
    """A process of the application itself."""

    port: Port | None = Field(None, description="port it listens on, as `$PORT`")
    ready: Ready | None = Field(
        None, description="default: its port accepts a connection; without a port: it was started"
    )
    restart: Restart = Field(Restart.ON_FAILURE, description="when to start it again")
    stop_grace_period: Duration = Field(
        10.0, description="time between SIGTERM and SIGKILL; Compose's word"
    )


class Assets(Model):
    """Sources of a simulated CDN; exactly one of `django` and `dirs`."""

    django: Text | None = Field(None, description="the project's `manage.py`: its static finders")
    dirs: tuple[Text, ...] = Field((), description="plain folders, the first match wins")

    @model_validator(mode="after")
    def _exactly_one(self) -> Assets:
        if (self.django is not None) == bool(self.dirs):
            raise ValueError("expected exactly one of django and dirs")
        return self


class Route(Model):
    """Where a host goes: to a unit, or to assets; a plain word means `to`."""

    to: str | None = Field(None, description="a process or a service")
    assets: Assets | None = Field(None, description="a simulated CDN of these sources")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Route:
        if (self.to is None) == (self.assets is None):
            raise ValueError("expected exactly one of to and assets")
        return self


class Project(Model):
    """The whole of `devenv.yml`."""

    name: Label = Field(description="the project's name, a DNS label")
    domain: Domain = Field("", description="default: `<name>.localhost`")
    address: IPv4Address | None = Field(
        None, description="default: a loopback address of the checkout's own"
    )
    provider: ProviderName = Field(ProviderName.NATIVE, description="how services are run")
    environment: dict[Variable, str] = Field(
        default_factory=dict, description="variables for every step and process"
    )
    python: Python | None = Field(None, description="the project's virtual environment")
    node: Node | None = Field(None, description="the project's Node packages")
    services: dict[Label, AnyService] = Field(
        default_factory=dict, description="what the application needs from others"
    )
    setup: dict[Label, Step] = Field(
        default_factory=dict, description="done once, and again when an input changes"
    )
    processes: dict[Label, Process] = Field(
        default_factory=dict, description="what the application runs itself"
    )
    routes: dict[RouteHost, Route] = Field(
        default_factory=dict, description="subdomain -> where it goes; the most specific wins"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, value: Any) -> Any:
        """Give the domain its default and each service the type its name says."""
        if not isinstance(value, dict):
            return value
        filled = dict(value)
        if not filled.get("domain") and isinstance(filled.get("name"), str):
            filled["domain"] = f"{filled['name']}.localhost"
        services = filled.get("services")
        if isinstance(services, dict):
            filled["services"] = {
                name: {"type": name, **(body or {})}
                if isinstance(body, dict | None) and isinstance(name, str)
                else body
                for name, body in services.items()
            }
        return filled
