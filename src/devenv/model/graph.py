"""Pure. Who must come before whom: start order, dependents, cycles.

A graph is a mapping from a name to the names it needs, in the order in which results are wanted.
Needs outside of the mapping are ignored, so a part of an environment can be asked about alone.
Every function is linear in names and needs, and none is recursive: a chain may be any length.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

MAX_CYCLES = 20
"""A person mends a few and looks again; the text of all could be quadratic in the file's size."""


def start_order(needs: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the names in levels: all that a level needs is in the levels before it.

    Raises:
        ValueError: some of them need each other in a circle.
    """
    waiting = {name: sum(1 for need in set(needs[name]) if need in needs) for name in needs}
    rank = {name: position for position, name in enumerate(needs)}
    inverse = _inverse(needs)
    level = [name for name, count in waiting.items() if count == 0]
    levels: list[tuple[str, ...]] = []
    while level:
        levels.append(tuple(level))
        freed: list[str] = []
        for name in level:
            for dependent in inverse[name]:
                waiting[dependent] -= 1
                if waiting[dependent] == 0:
                    freed.append(dependent)
        level = sorted(freed, key=rank.__getitem__)
    if sum(map(len, levels)) < len(needs):
        raise ValueError(" -> ".join(find_cycles(needs)[0]))
    return tuple(levels)


def closure(names: Iterable[str], needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return *names* and everything they need, directly or not."""
    return _reachable(names, needs)


def dependents(names: Iterable[str], needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return what needs one of *names*, directly or not; *names* themselves are left out."""
    given = frozenset(names)
    return _reachable(given, _inverse(needs)) - given


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


def _inverse(needs: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    inverse: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in needs.items():
        for need in dict.fromkeys(needed):
            if need in inverse:
                inverse[need].append(name)
    return inverse


def _reachable(names: Iterable[str], edges: Mapping[str, Collection[str]]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [name for name in names if name in edges]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(next_name for next_name in edges[name] if next_name in edges)
    return frozenset(seen)
