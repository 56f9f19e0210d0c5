"""Pure. What `devenv.yml` says, as frozen pydantic models.

They are the one source of validation, of the JSON Schema for editors and of the reference page.
A field's description is its line in the reference. Where Compose has a word for something, the
word and its meaning are Compose's. What holds across fields (names that `needs` refers to, cycles,
ports) is checked in `config.checks`, which knows where in the file each value stands.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from devenv.model.values import (
    Command,
    Domain,
    Duration,
    Flag,
    HttpPath,
    Identifier,
    Label,
    Loopback,
    Port,
    RouteHost,
    Secret,
    TargetName,
    Text,
    UnitName,
    Variable,
    VariableValue,
)

RESERVED_NAMES = frozenset({"all", "compilers", "edge", "python", "node"})
"""Names of units that devenv itself makes."""


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

    # built once, as part of `Project`, and not by each class when it is imported
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    shorthand: ClassVar[str | None] = None
    """The field that a plain word given instead of a mapping stands for."""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:  # Any: whatever the file says
        if cls.shorthand is not None and isinstance(value, str):
            return {cls.shorthand: value}
        return value


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

    http: HttpPath | None = Field(None, description="path that must answer with a status under 400")
    tcp: Flag = Field(False, description="`true`: its port must accept a connection")
    exec: Command | None = Field(None, description="shell command that must exit with 0")
    timeout: Duration = Field(60.0, description="how long it may take before `up` gives up")

    @model_validator(mode="after")
    def _exactly_one(self) -> Ready:
        if (self.http is not None) + self.tcp + (self.exec is not None) != 1:
            raise ValueError("expected exactly one of http, tcp and exec")
        return self


class Service(Model):
    """What every service has, whatever it is."""

    usual_port: ClassVar[int]

    provider: ProviderName | None = Field(None, description="overrides the top-level `provider`")
    port: Port | None = Field(None, description="default: the usual one")
    restart: Restart = Field(Restart.ALWAYS, description="when to start it again after it ended")
    stop_grace_period: Duration = Field(
        10.0, description="time between SIGTERM and SIGKILL; Compose's word"
    )


class MySQL(Service):
    """MySQL or MariaDB, whichever is installed."""

    usual_port = 3306

    type: Literal["mysql"] = Field("mysql", description="needed under another name only")
    database: Identifier = Field("app", description="created if missing, utf8mb4")
    user: Identifier = Field("app", description="created if missing, owns the database")
    password: Secret = Field(SecretStr("app"), description="of that user")


class Redis(Service):
    """Redis, append-only file on."""

    usual_port = 6379

    type: Literal["redis"] = Field("redis", description="needed under another name only")


class RabbitMQ(Service):
    """RabbitMQ with one virtual host and one user."""

    usual_port = 5672

    type: Literal["rabbitmq"] = Field("rabbitmq", description="needed under another name only")
    vhost: Identifier = Field("app", description="created if missing")
    user: Identifier = Field("app", description="created if missing, all rights on the vhost")
    password: Secret = Field(SecretStr("app"), description="of that user")


class MongoDB(Service):
    """MongoDB; natively `mongod` if there is one, else FerretDB on SQLite."""

    usual_port = 27017

    type: Literal["mongodb"] = Field("mongodb", description="needed under another name only")
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

    run: Command = Field(description="run by `sh`, which expands `$HOST` and the other variables")
    dir: Text = Field(".", description="working folder, relative to `devenv.yml`")
    needs: tuple[UnitName, ...] = Field((), description="units that must be ready, or done, first")
    environment: dict[Variable, VariableValue] = Field(
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

    shorthand = "to"

    to: TargetName | None = Field(None, description="a unit that has a port")
    assets: Assets | None = Field(None, description="a simulated CDN of these sources")

    @model_validator(mode="after")
    def _exactly_one(self) -> Route:
        if (self.to is None) == (self.assets is None):
            raise ValueError("expected exactly one of to and assets")
        return self


class Project(Model):
    """The whole of `devenv.yml`."""

    name: Label = Field(description="the project's name, a DNS label")
    domain: Domain = Field(
        default_factory=lambda given: f"{given.get('name')}.localhost",
        description="default: `<name>.localhost`",
    )
    address: Loopback | None = Field(
        None, description="default: a loopback address of the checkout's own"
    )
    provider: ProviderName = Field(ProviderName.NATIVE, description="how services are run")
    environment: dict[Variable, VariableValue] = Field(
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
    def _type_by_name(cls, value: Any) -> Any:  # Any: whatever the file says
        """Give each service that names no type the type that its own name says."""
        services = value.get("services") if isinstance(value, dict) else None
        if not isinstance(services, dict):
            return value
        typed = {
            name: {"type": name, **(body or {})} if isinstance(body, dict | None) else body
            for name, body in services.items()
        }
        return {**value, "services": typed}
