"""What all environments of a user on this machine share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devenv.daemon.edge import EdgeService
from devenv.errors import DevenvError
from devenv.pki.authority import Authority
from devenv.providers.base import ServiceKind
from devenv.shim.client import ShimPaths
from devenv.system.clock import Clock
from devenv.system.inputs import InputDigests
from devenv.system.paths import MachinePaths
from devenv.system.registry import Registry

MACHINE = "machine"
"""Identity of the machine's own shim, which runs the edge."""


class AddressClaims:
    """Which checkout that is up has which loopback address; a pinned one may be asked for twice."""

    def __init__(self) -> None:
        self._holders: dict[str, Path] = {}

    def claim(self, address: str, root: Path) -> None:
        """Give the address to the checkout.

        Raises:
            DevenvError: another checkout that is up has it.
        """
        other = self._holders.get(address)
        if other is not None and other != root:
            raise DevenvError(
                f"cannot bring `{root}` up: its address {address} is held by the checkout "
                f"`{other}`",
                hint=f"run `devenv down` in `{other}`, or remove `address` from `devenv.yml`",
                code="address.in-use",
            )
        self.release(root)
        self._holders[address] = root

    def release(self, root: Path) -> None:
        """Take back what the checkout has."""
        self._holders = {key: holder for key, holder in self._holders.items() if holder != root}


@dataclass(frozen=True)
class Machine:
    """The shared parts; made once, in `daemon.main`."""

    paths: MachinePaths
    registry: Registry
    authority: Authority
    edge: EdgeService
    clock: Clock
    kinds: Mapping[str, ServiceKind]
    digests: InputDigests = field(default_factory=InputDigests)
    addresses: AddressClaims = field(default_factory=AddressClaims)

    def shim_paths(self, identity: str) -> ShimPaths:
        """Return where a shim is found; its files are in the user's folders, not in a checkout."""
        return shim_paths(self.paths, identity)


def shim_paths(paths: MachinePaths, identity: str) -> ShimPaths:
    """Return where the shim of an environment, or the machine's own, is found."""
    folder = paths.state / "shims"
    folder.mkdir(parents=True, exist_ok=True)
    return ShimPaths(
        identity=identity,
        socket=paths.shim_socket(identity),
        record=folder / f"{identity}.json",
        log=folder / f"{identity}.log",
    )
