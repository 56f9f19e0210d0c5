"""Pure. What the edge is asked to serve, and what can be wrong with that.

It knows hosts, upstreams and the files of certificates, and nothing of Envoy: `edge.xds` turns it
into Envoy's words. Two environments that claim one host are told apart by order: the first keeps
it (`conflicts` says so; who is first is for the caller to know).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint


class CertificateFiles(Protocol):
    """Where a server certificate and its key are; `pki.authority.Leaf` is one."""

    @property
    def certificate(self) -> Path:
        """PEM, leaf first."""
        ...

    @property
    def key(self) -> Path:
        """PEM."""
        ...


class UnitKey(NamedTuple):
    """One unit of one environment."""

    environment: str
    unit: str

    def __str__(self) -> str:
        return f"{self.environment}/{self.unit}"


class Conflict(NamedTuple):
    """A host that two environments claim."""

    host: str
    holder: str
    """Identity of the environment that keeps it."""
    claimant: str
    """Identity of the environment that must do without."""


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Everything the edge serves, on all environments of this machine."""

    https_port: int
    fallback: CertificateFiles
    """Shown to a client that names no host, or none of ours; best one for `localhost`."""
    hosts: tuple[VirtualHost, ...] = ()
    certificates: Mapping[str, CertificateFiles] = field(default_factory=dict)
    """Host -> its certificate; hosts may share one."""
    addresses: tuple[str, ...] = ("127.0.0.1",)
    """Where to listen, in the order of importance."""
    http_port: int | None = None
    """Where plain HTTP is redirected to HTTPS; None: nowhere."""
    hold_s: float = 30.0
    """How long a request waits for an upstream that refuses connections."""


@dataclass(frozen=True, slots=True)
class EdgeFiles:
    """What the rendered configuration refers to."""

    folder: Path
    """Where the watched files are; absolute."""
    sockets: Path
    """A private folder for sockets; absolute and short."""
    layout: str
    """The HTML template of the edge's own pages."""


def key_of(host: VirtualHost) -> UnitKey:
    """Return the unit that answers for *host*."""
    return UnitKey(host.environment, host.unit)


def conflicts(hosts: Iterable[VirtualHost]) -> tuple[Conflict, ...]:
    """Return the hosts that a later environment claims although an earlier one has them."""
    holders: dict[str, str] = {}
    found = dict.fromkeys(
        Conflict(host.host, holder, host.environment)
        for host in hosts
        if (holder := holders.setdefault(host.host, host.environment)) != host.environment
    )
    return tuple(found)


def problems(config: EdgeConfig) -> tuple[str, ...]:
    """Return why *config* must not be published; empty if it is consistent."""
    seen: set[str] = set()
    upstreams: dict[UnitKey, Endpoint] = {}
    found: list[str] = []
    for host in config.hosts:
        if host.host in seen:
            found.append(f"`{host.host}` is there twice")
        seen.add(host.host)
        if host.host not in config.certificates:
            found.append(f"`{host.host}` has no certificate")
        if upstreams.setdefault(key_of(host), host.upstream) != host.upstream:
            found.append(f"`{key_of(host)}` is said to listen on two endpoints")
        if not _is_address(host.upstream.host):
            found.append(f"`{host.upstream.host}` is not an address, for `{host.host}`")
    return tuple(dict.fromkeys(found))


def with_upstream(config: EdgeConfig, key: UnitKey, endpoint: Endpoint) -> EdgeConfig:
    """Return *config* with the unit's requests going to *endpoint*."""
    return replace(
        config,
        hosts=tuple(
            replace(host, upstream=endpoint) if key_of(host) == key else host
            for host in config.hosts
        ),
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
