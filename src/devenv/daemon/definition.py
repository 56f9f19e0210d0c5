"""A checkout's `devenv.yml` as it was read at one moment, in its place on this machine."""

from __future__ import annotations

import asyncio
import difflib
import re
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


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a definition depends on beside the file."""

    environ: Mapping[str, str]
    """The caller's own variables."""
    https_port: int
    label: str = ""
    """Put before the domain, where another checkout that is up has the bare one."""


@dataclass(frozen=True)
class Definition:
    """What the file says, resolved."""

    project: Project
    entry: Entry
    resolver: Resolver
    units: Mapping[str, Unit]
    circumstances: Circumstances

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
    path: Path, root: Path, machine: Machine, circumstances: Circumstances
) -> Definition:
    """Read the file at *path* as the definition of the checkout at *root*.

    Raises:
        ConfigError: with every mistake in it.
    """
    environ, label = circumstances.environ, circumstances.label
    project = await asyncio.to_thread(load_project, path, environ)
    check_providers(project)
    if label:
        project = project.model_copy(update={"domain": f"{label}.{project.domain}"})
    pinned = None if project.address is None else str(project.address)
    entry = machine.registry.claim(root, project.name, pinned=pinned)
    machine.authority.ensure([project.domain])
    setting = Setting(
        root=root,
        identity=identity_of(root),
        address=entry.address,
        https_port=circumstances.https_port,
        tools=machine.paths.tools,
        trust_bundle=machine.authority.trust_bundle(),
        kinds=machine.kinds,
    )
    kept = {name: value for name, value in environ.items() if name not in KEPT_BACK}
    resolver = Resolver(project, setting, kept)
    units = {unit.name: unit for unit in resolver.units()}
    return Definition(project, entry, resolver, units, circumstances)


class DefinitionReader:
    """Reads the `devenv.yml` of one checkout as it is now."""

    def __init__(self, path: Path, machine: Machine) -> None:
        self._path = path
        self._root = path.parent
        self._machine = machine

    async def read(self, environ: Mapping[str, str], label: str = "") -> Definition:
        """Return the definition; with a *label*, its hosts are one label deeper."""
        circumstances = Circumstances(environ, self._machine.edge.https_port, label)
        return await define(self._path, self._root, self._machine, circumstances)

    async def read_apart(self, environ: Mapping[str, str], label: str) -> Definition:
        """Return the definition, one label deeper if another checkout has the bare names.

        *label* is the one that the checkout goes by already: it keeps its names while it is up.
        """
        definition = await self.read(environ, label)
        identity = identity_of(self._root)
        for other in labels_of(self._root, definition.project.name):
            hosts = definition.virtual_hosts(identity)
            if self._machine.edge.claims.are_free(identity, hosts):
                break
            definition = await self.read(environ, other)
        return definition


def labels_of(root: Path, name: str) -> tuple[str, ...]:
    """Return labels for a checkout whose bare names another one has, the most readable first.

    They come from the folders' names, as people tell their checkouts apart by them.
    """
    folders = [slug for part in (root.name, root.parent.name) if (slug := _slug(part)) != name]
    return tuple(slug for slug in (*folders, identity_of(root)[:6]) if slug)


def _slug(text: str) -> str:
    """Return a DNS label made of a name, or nothing (RFC 1123 section 2.1)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-")


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
