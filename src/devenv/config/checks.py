"""Pure. What must hold across fields: names, needs, ports, probes, routes."""

from __future__ import annotations

from collections.abc import Iterator

from devenv.config.advice import close_match
from devenv.config.drafts import Draft, declared_names, draft_routes, draft_units
from devenv.config.positions import KeyPath, format_path, ticked
from devenv.config.resolve import Resolution
from devenv.errors import Problem
from devenv.model.graph import find_cycles
from devenv.model.spec import RESERVED_NAMES

HOSTS_WITHOUT_NAME = ("*", "@")
"""Keys of `routes` that cannot name the process which serves assets."""

MAX_SUGGESTIONS = 50
"""Each costs a comparison with every name; beyond it the mistake is not in the spelling."""


class Checks:
    """The checks of one file, each a generator of problems."""

    def __init__(self, resolution: Resolution) -> None:
        self._document = resolution.document
        self._data = resolution.data
        self._spoiled = resolution.spoiled
        self._drafts = tuple(draft_units(self._data, self._spoiled))
        self._units = {draft.name: draft for draft in reversed(self._drafts)}
        self._declared = declared_names(self._data, self._spoiled)
        self._suggestions = 0

    def problems(self) -> Iterator[Problem]:
        """Yield every problem, check by check."""
        yield from self._names()
        yield from self._needs()
        yield from self._cycles()
        yield from self._ports()
        yield from self._probes()
        yield from self._routes()
        yield from self._asset_routes()

    def _names(self) -> Iterator[Problem]:
        assets = [path for path, route in draft_routes(self._data) if route.get("assets")]
        taken: dict[str, KeyPath] = {}
        for path in [*(draft.path for draft in self._drafts), *assets]:
            name = str(path[-1]).replace(".", "-")  # a CDN is a unit too, named after its subdomain
            if name in RESERVED_NAMES:
                message = f"the name `{name}` is devenv's own: choose another"
                yield self._document.problem(path, message, at_key=True)
            elif name in taken:
                message = f"the name {ticked(name)} is taken: {self._reference(taken[name])}"
                yield self._document.problem(path, message, at_key=True)
            else:
                taken[name] = path

    def _needs(self) -> Iterator[Problem]:
        for draft in self._drafts:
            for path, need in draft.needs:
                unit = self._units.get(need)
                if need == draft.name:
                    yield self._document.problem(path, f"{ticked(need)} needs itself")
                elif need not in self._declared:
                    yield self._unknown(path, need, "service, step or process")
                elif draft.section == "setup" and unit and unit.section == "processes":
                    message = f"a step cannot need {ticked(need)}: processes start after set-up"
                    yield self._document.problem(path, message)

    def _cycles(self) -> Iterator[Problem]:
        needs = {
            draft.name: [need for _, need in self._units[draft.name].needs if need != draft.name]
            for draft in self._drafts
        }
        for cycle in find_cycles(needs):
            last, first = cycle[-2:]
            path = next(path for path, need in self._units[last].needs if need == first)
            message = f"these need each other: {' -> '.join(cycle)}"
            yield self._document.problem(path, message)

    def _ports(self) -> Iterator[Problem]:
        taken: dict[int, Draft] = {}
        for draft in self._drafts:
            if draft.port is None:
                continue
            first = taken.setdefault(draft.port, draft)
            if first is not draft:
                at_key = draft.port_path == draft.path
                message = f"port {draft.port} is taken: {self._reference(first.port_path)}"
                yield self._document.problem(draft.port_path, message, at_key=at_key)

    def _probes(self) -> Iterator[Problem]:
        for draft in self._drafts:
            for path in () if draft.has_port else draft.probes:
                message = f"this needs a port: set `{format_path(draft.port_path)}`"
                yield self._document.problem(path, message)

    def _routes(self) -> Iterator[Problem]:
        for host, route in draft_routes(self._data):
            path, target = (*host, "to"), route.get("to")
            if not isinstance(target, str):
                continue
            unit = self._units.get(target)
            if unit is None and not self._is_unread(target):
                yield self._unknown(path, target, "service or process")
            elif unit is not None and unit.section == "setup":
                message = f"{ticked(target)} is a step and answers nothing: name a process"
                yield self._document.problem(path, message)
            elif unit is not None and not unit.has_port:
                message = f"{ticked(target)} has no port: set `{format_path(unit.port_path)}`"
                yield self._document.problem(path, message)

    def _asset_routes(self) -> Iterator[Problem]:
        for path, route in draft_routes(self._data):
            if route.get("assets") and path[-1] in HOSTS_WITHOUT_NAME:
                message = "assets need a subdomain of their own, such as `cdn`"
                yield self._document.problem(path, message, at_key=True)

    def _unknown(self, path: KeyPath, word: str, kind: str) -> Problem:
        meant = None
        if self._suggestions < MAX_SUGGESTIONS:
            self._suggestions += 1
            candidates = self._units if kind.startswith("service or") else self._declared
            meant = close_match(word, sorted(candidates))
        advice = f", did you mean `{meant}`?" if meant is not None else ""
        return self._document.problem(path, f"no {kind} is called {ticked(word)}{advice}")

    def _is_unread(self, name: str) -> bool:
        """Tell whether a unit of that name was written, in a way that could not be read."""
        return name in self._declared and name not in self._units

    def _reference(self, path: KeyPath) -> str:
        return f"see `{format_path(path)}` in line {self._document.place(path).line}"
