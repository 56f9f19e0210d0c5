"""Pure. Hosts to upstreams: what the edge is told.

Which host wins is Envoy's rule: an exact one before a wildcard, a longer wildcard before a shorter
one. `:authority` decides, never SNI, because browsers reuse an HTTP/2 connection for every host its
certificate covers (RFC 9113 section 9.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from devenv.model.unit import Endpoint


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """One host (or `*.suffix`) of one environment and where its requests go."""

    host: str
    """Lower case; `www.drund.localhost` or `*.drund.localhost`."""
    upstream: Endpoint
    environment: str
    """Identity of the environment, for messages and statistics."""
    unit: str
    """Name of the unit that answers."""


def host_of(subdomain: str, domain: str) -> tuple[str, ...]:
    """Return the hosts that a route key of `devenv.yml` stands for.

    `*` is every other subdomain and the bare domain; `@` the bare domain alone.
    """
    if subdomain == "*":
        return (f"*.{domain}", domain)
    if subdomain == "@":
        return (domain,)
    return (f"{subdomain}.{domain}",)
