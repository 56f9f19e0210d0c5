"""Pure. What must hold across fields: names, needs, ports, routes.

Works on the plain data rather than on the models, so that it finds its problems also in a file that
has others: a unit counts as declared as soon as it has a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devenv.config.advice import close_match
from devenv.config.positions import KeyPath, ticked
from devenv.config.resolve import Resolution
from devenv.errors import Problem
from devenv.model.graph import find_cycles
from devenv.model.spec import RESERVED_NAMES, SERVICE_TYPES

SECTIONS = ("services", "setup", "processes")
IMPLICIT = ("python", "node")
"""Sections that make a set-up unit of their own name."""

MAX_SUGGESTIONS = 50
"""Each costs a comparison with every name; beyond it the mistake is not in the spelling."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read of one unit."""

    name: str
    path: KeyPath
    needs: tuple[tuple[KeyPath, str], ...]
    port: int | None
    port_path: KeyPath
    """Where the port is written, or the unit if it is the usual one."""

    @property
    def section(self) -> str:
        """The top-level key that it stands under."""
        return str(self.path[0])


class Checks:
    """The checks of one file; *resolution* has its data."""

    def __init__(self, resolution: Resolution) -> None:
        self._document = resolution.document
        self._data = _mapping(resolution.data)
        self._spoiled = resolution.spoiled
        self._drafts = [
            _draft(section, name, _mapping(body))
            for section in SECTIONS
            for name, body in _mapping(self._data.get(section)).items()
        ]
        self._units = {draft.name: draft for draft in reversed(self._drafts)}
        self._suggestions = 0

    def problems(self) -> Iterator[Problem]:
        """Yield every problem."""
        yield from self._names()
        yield from self._needs()
        yield from self._cycles()
        yield from self._ports()
        yield from self._probes()
        yield from self._routes()

    def _names(self) -> Iterator[Problem]:
        taken: dict[str, KeyPath] = {}
        for path in [*(draft.path for draft in self._drafts), *self._asset_routes()]:
            name = str(path[-1])
            if name in RESERVED_NAMES:
                yield self._at_key(path, f"the name `{name}` is devenv's own: choose another")
            elif name in taken:
                first = taken[name]
                line = self._document.place(first).line
                yield self._at_key(path, f"{first[0]} has a {ticked(name)} too, in line {line}")
            else:
                taken[name] = path

    def _needs(self) -> Iterator[Problem]:
        known = [*self._units, *(name for name in IMPLICIT if name in self._data)]
        declared = frozenset(known)
        for draft in self._drafts:
            for path, need in draft.needs:
                if need == draft.name:
                    yield self._document.problem(path, f"{ticked(need)} needs itself")
                elif need not in declared:
                    yield from self._unknown(path, need, known, "service, step or process")
                elif draft.section == "setup" and self._section(need) == "processes":
                    message = f"a step cannot need {ticked(need)}: processes start after set-up"
                    yield self._document.problem(path, message)

    def _cycles(self) -> Iterator[Problem]:
        needs = {
            draft.name: [need for _, need in draft.needs if need != draft.name]
            for draft in self._units.values()
        }
        ordered = {draft.name: needs[draft.name] for draft in self._drafts}
        for cycle in find_cycles(ordered):
            closing = self._units[cycle[-2]]
            path = next(path for path, need in closing.needs if need == cycle[-1])
            chain = " -> ".join(cycle)
            yield self._document.problem(path, f"these need each other: {chain}")

    def _ports(self) -> Iterator[Problem]:
        taken: dict[int, Draft] = {}
        for draft in self._drafts:
            if draft.port is None:
                continue
            first = taken.setdefault(draft.port, draft)
            if first is not draft:
                at_key = draft.port_path == draft.path
                line = self._document.place(first.port_path).line
                message = f"port {draft.port} is that of {ticked(first.name)} too, in line {line}"
                yield self._document.problem(draft.port_path, message, at_key=at_key)

    def _probes(self) -> Iterator[Problem]:
        for name, body in _mapping(self._data.get("processes")).items():
            ready = _mapping(_mapping(body).get("ready"))
            path = ("processes", name)
            if (*path, "port") in self._spoiled or _mapping(body).get("port") is not None:
                continue
            for kind in ("http", "tcp"):
                if ready.get(kind) not in (None, False):
                    message = f"needs a port: set `{'.'.join(path)}.port`"
                    yield self._document.problem((*path, "ready", kind), message)

    def _routes(self) -> Iterator[Problem]:
        targets = [d.name for d in self._drafts if d.section != "setup"]
        for host, route in _mapping(self._data.get("routes")).items():
            path: KeyPath = ("routes", host)
            to = route if isinstance(route, str) else _mapping(route).get("to")
            if not isinstance(route, str):
                path = (*path, "to")
            if not isinstance(to, str):
                continue
            if to not in self._units:
                yield from self._unknown(path, to, targets, "service or process")
            elif self._section(to) == "setup":
                yield self._document.problem(path, f"{ticked(to)} is a step, it serves nothing")
            elif (
                self._units[to].port is None
                and (*self._units[to].path, "port") not in self._spoiled
            ):
                where = ".".join(map(str, self._units[to].path))
                yield self._document.problem(path, f"{ticked(to)} has no port: set `{where}.port`")

    def _asset_routes(self) -> Iterator[KeyPath]:
        """Yield the routes that become a process of their own."""
        for host, route in _mapping(self._data.get("routes")).items():
            if _mapping(route).get("assets") is not None:
                yield ("routes", host)

    def _unknown(self, path: KeyPath, word: str, known: list[str], kind: str) -> Iterator[Problem]:
        if path in self._spoiled:
            return
        meant = None
        if self._suggestions < MAX_SUGGESTIONS:
            self._suggestions += 1
            meant = close_match(word, known)
        advice = f", did you mean `{meant}`?" if meant is not None else ""
        yield self._document.problem(path, f"no {kind} is called {ticked(word)}{advice}")

    def _section(self, name: str) -> str | None:
        draft = self._units.get(name)
        return None if draft is None else draft.section

    def _at_key(self, path: KeyPath, message: str) -> Problem:
        return self._document.problem(path, message, at_key=True)


def _draft(section: str, name: str, body: dict[str, object]) -> Draft:
    path: KeyPath = (section, name)
    needs = body.get("needs")
    port, port_path = body.get("port"), (*path, "port")
    if port is None and section == "services" and "port" not in body:
        kind = SERVICE_TYPES.get(str(body.get("type", name)))
        port, port_path = (None if kind is None else kind.usual_port), path
    return Draft(
        name=name,
        path=path,
        needs=tuple(
            ((*path, "needs", index), need)
            for index, need in enumerate(needs if isinstance(needs, list) else ())
            if isinstance(need, str)
        ),
        port=port if type(port) is int else None,
        port_path=port_path,
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
