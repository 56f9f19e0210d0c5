"""Pure. Who needs whom: everything that a name needs, and cycles.

A graph is a mapping from a name to the names it needs, in the order in which results are wanted.
Needs outside of the mapping are ignored, so a part of an environment can be asked about alone.
Every function is linear in names and needs, and none is recursive: a chain may be any length.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

MAX_CYCLES = 20
"""A person mends a few and looks again; the text of all could be quadratic in the file's size."""


def closure(names: Iterable[str], needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return *names* and everything they need, directly or not."""
    seen: set[str] = set()
    waiting = [name for name in names if name in needs]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(need for need in needs[name] if need in needs)
    return frozenset(seen)


def find_cycles(
    needs: Mapping[str, Collection[str]], *, limit: int = MAX_CYCLES
) -> tuple[tuple[str, ...], ...]:
    """Return cycles, each closed by its first name: `("web", "api", "web")`.

    One for every need that closes a circle on a walk through the graph in its order, so a graph
    without those needs has none; not every circle that exists, which may be exponentially many.
    """
    found: list[tuple[str, ...]] = []
    finished: set[str] = set()
    for root in needs:
        if root not in finished:
            for cycle in _cycles_from(root, needs, finished):
                if len(found) == limit:
                    return tuple(found)
                found.append(cycle)
    return tuple(found)


def _cycles_from(
    root: str, needs: Mapping[str, Collection[str]], finished: set[str]
) -> Iterator[tuple[str, ...]]:
    """Walk depth first from *root*, adding to *finished*; a need on the walk's path is a cycle."""
    path = {root: iter(needs[root])}
    while path:
        name, ahead = next(reversed(path.items()))
        need = next(ahead, None)
        if need is None:
            finished.add(name)
            del path[name]
        elif need in path:
            names = list(path)
            yield (*names[names.index(need) :], need)
        elif need in needs and need not in finished:
            path[need] = iter(needs[need])
