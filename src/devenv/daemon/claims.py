"""Pure. Which environment has which hosts; the first one keeps a host that two ask for."""

from __future__ import annotations

from devenv.edge.config import Conflict, conflicts
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost

Hosts = tuple[VirtualHost, ...]


class HostClaims:
    """The hosts of all environments that are up, by identity."""

    def __init__(self) -> None:
        self._hosts: dict[str, Hosts] = {}

    @property
    def all(self) -> Hosts:
        """All hosts that are claimed."""
        return tuple(host for theirs in self._hosts.values() for host in theirs)

    def reserve(self, identity: str, hosts: Hosts) -> Hosts | None:
        """Claim hosts for the environment; return what it had before.

        Raises:
            DevenvError: another environment has one of them.
        """
        clashes = self._clashes(identity, hosts)
        if clashes:
            raise DevenvError(
                f"cannot route `{clashes[0].host}`: another checkout that is up has that host",
                hint="run `devenv down` there, or set another `domain` in `devenv.yml`",
                code="route.taken",
            )
        former = self._hosts.get(identity)
        self._hosts[identity] = hosts
        return former

    def are_free(self, identity: str, hosts: Hosts) -> bool:
        """Tell whether no other environment has one of the hosts."""
        return not self._clashes(identity, hosts)

    def take_back(self, identity: str, former: Hosts | None) -> None:
        """Undo a reservation; *former* is what `reserve` returned."""
        if former is None:
            self._hosts.pop(identity, None)
        else:
            self._hosts[identity] = former

    def release(self, identity: str) -> bool:
        """Give back what the environment has; tell whether it had anything."""
        return bool(self._hosts.pop(identity, None))

    def _clashes(self, identity: str, hosts: Hosts) -> tuple[Conflict, ...]:
        held = [host for key, theirs in self._hosts.items() if key != identity for host in theirs]
        return conflicts([*held, *hosts])
