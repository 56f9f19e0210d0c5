"""A checkout's `devenv.yml` as it was read at one moment, in its place on this machine."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devenv.config.load import load_project
from devenv.daemon.machine import Machine
from devenv.daemon.resolve import Resolver
from devenv.daemon.variables import Setting
from devenv.errors import DevenvError
from devenv.model.graph import closure
from devenv.model.routing import VirtualHost
from devenv.model.spec import Project
from devenv.model.unit import Unit
from devenv.system.registry import Entry, identity_of

KEPT_BACK = frozenset(
    {"DEVENV_RUN", "DEVENV_UNIT", "PYTHONHOME", "VIRTUAL_ENV", "PWD", "OLDPWD", "SHLVL", "_"}
)
"""Variables of the caller that mean something only in the caller's own process."""


@dataclass(frozen=True)
class Definition:
    """What the file says, resolved."""

    project: Project
    entry: Entry
    resolver: Resolver
    units: Mapping[str, Unit]
    environ: Mapping[str, str]
    """The caller's own variables."""
    https_port: int

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """Return *names* (none: all units) with everything that they need.

        Raises:
            DevenvError: a name is no unit.
        """
        chosen = tuple(names) or tuple(self.units)
        for name in chosen:
            check_known(name, self.units)
        return frozenset(closure(chosen, {n: unit.needs for n, unit in self.units.items()}))

    def virtual_hosts(self, identity: str) -> tuple[VirtualHost, ...]:
        """Return what the edge is to serve."""
        return tuple(
            VirtualHost(host, endpoint, identity, name)
            for host, name in self.resolver.routes().items()
            if name in self.units and (endpoint := self.units[name].endpoint) is not None
        )


async def define(
    path: Path, root: Path, machine: Machine, environ: Mapping[str, str], https_port: int
) -> Definition:
    """Read the file at *path* as the definition of the checkout at *root*.

    Raises:
        ConfigError: with every mistake in it.
    """
    project = await asyncio.to_thread(load_project, path, environ)
    check_providers(project)
    pinned = None if project.address is None else str(project.address)
    entry = machine.registry.claim(root, project.name, pinned=pinned)
    machine.authority.ensure([project.domain])
    setting = Setting(
        root=root,
        identity=identity_of(root),
        address=entry.address,
        https_port=https_port,
        tools=machine.paths.tools,
        trust_bundle=machine.authority.trust_bundle(),
        kinds=machine.kinds,
    )
    kept = {name: value for name, value in environ.items() if name not in KEPT_BACK}
    resolver = Resolver(project, setting, kept)
    units = {unit.name: unit for unit in resolver.units()}
    return Definition(project, entry, resolver, units, environ, https_port)


def check_providers(project: Project) -> None:
    """Refuse what this version cannot run.

    Raises:
        DevenvError: a service asks for a provider that is not there yet.
    """
    for name, service in project.services.items():
        provider = service.provider or project.provider
        if provider != "native":
            raise DevenvError(
                f"cannot run `{name}`: the provider `{provider}` is not available in this version",
                hint=f"set `services.{name}.provider: native` in `devenv.yml`",
                code="provider.unavailable",
            )


def check_known(name: str, known: Iterable[str]) -> None:
    """Raise a `DevenvError` with a close match if there is no unit of that name."""
    names = sorted(known)
    if name in names:
        return
    close = difflib.get_close_matches(name, names, n=1)
    raise DevenvError(
        f"no unit is called `{name}`",
        hint=f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(names)}",
        code="unit.unknown",
    )
