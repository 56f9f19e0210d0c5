"""Pure. What can be read of each unit in a file that may be wrong elsewhere.

The checks across fields work on drafts rather than on models, so that a wrong port does not hide a
cycle: a unit counts as soon as it has a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from devenv.config.positions import KeyPath
from devenv.model.spec import SERVICE_TYPES

SECTIONS = ("services", "setup", "processes")
IMPLICIT = ("python", "node")
"""Sections that make a set-up unit of their own name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read of one unit."""

    path: KeyPath
    needs: tuple[tuple[KeyPath, str], ...]
    probes: tuple[KeyPath, ...]
    """Readiness checks that cannot do without a port."""
    has_port: bool
    """True also for a port that is not valid: there is no use in asking for one."""
    port: int | None
    port_path: KeyPath
    """Where the port is written, or the unit if it is the usual one."""

    @property
    def section(self) -> str:
        """The top-level key that it stands under."""
        return str(self.path[0])

    @property
    def name(self) -> str:
        """The key that it stands under."""
        return str(self.path[1])


def draft_units(data: object, spoiled: Collection[KeyPath]) -> Iterator[Draft]:
    """Yield the units of a file by section, each in the order of the file."""
    for section in SECTIONS:
        for name, body in mapping(mapping(data).get(section)).items():
            yield _draft((section, name), mapping(body), spoiled)


def draft_routes(data: object) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    """Yield the path and the body of each route."""
    for host, route in mapping(mapping(data).get("routes")).items():
        yield ("routes", host), mapping(route)


def declared_names(data: object, spoiled: Collection[KeyPath]) -> frozenset[str]:
    """Return every name that `needs` may hold, those of units that could not be read included."""
    read = {str(name) for section in SECTIONS for name in mapping(mapping(data).get(section))}
    unread = {str(path[1]) for path in spoiled if len(path) == 2 and path[0] in SECTIONS}
    implicit = {name for name in IMPLICIT if name in mapping(data) or (name,) in spoiled}
    return frozenset(read | unread | implicit)


def mapping(value: object) -> dict[str, object]:
    """Return *value* if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _draft(path: KeyPath, body: dict[str, object], spoiled: Collection[KeyPath]) -> Draft:
    port_path = (*path, "port")
    port = body.get("port")
    if path[0] == "services" and port is None:
        port, port_path = SERVICE_TYPES[str(body["type"])].usual_port, path
    ready = mapping(body.get("ready"))
    needs = body.get("needs")
    return Draft(
        path=path,
        needs=tuple(
            ((*path, "needs", index), need)
            for index, need in enumerate(needs if isinstance(needs, list) else ())
            if isinstance(need, str)
        ),
        probes=tuple(
            (*path, "ready", kind)
            for kind in ("http", "tcp")
            if ready.get(kind) not in (None, False)
        ),
        has_port=port is not None or port_path in spoiled,
        port=port if type(port) is int else None,
        port_path=port_path,
    )
