"""Pure. What pydantic found, in words for people and with places in the file.

Pydantic's own sentences are never shown: a value that does not fit is answered with what its type
expects, and the models' own checks speak for themselves. What only follows from a mistake that was
reported already is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from devenv.config.positions import Document, KeyPath, shown
from devenv.config.shapes import Fields, Leaf, ListOf, MapOf, Shape, Variants
from devenv.errors import Problem

KEY = "[key]"
"""Pydantic's last step to the key of a mapping itself."""

CONSEQUENCES = frozenset({"default_factory_not_called"})
"""Kinds of error that only follow from others."""


def problems_of(
    error: ValidationError, document: Document, shape: Fields, spoiled: Collection[KeyPath]
) -> Iterator[Problem]:
    """Yield a problem for each mistake in *error* that nothing at *spoiled* explains."""
    incomplete = {path[:-1] for path in spoiled}
    for detail in error.errors(include_url=False):
        path, expected = _locate(detail["loc"], shape)
        if detail["type"] in CONSEQUENCES:
            continue
        if detail["type"] == "missing":
            if path in spoiled:
                continue
            yield document.problem(path[:-1], f"missing key `{path[-1]}`", at_key=True)
        elif isinstance(expected, Leaf):
            at_key = detail["loc"][-1] == KEY
            yield document.problem(path, _unfit(detail, expected), at_key=at_key)
        elif path not in incomplete:
            yield document.problem(path, str(detail.get("ctx", {}).get("error", detail["msg"])))


def _unfit(detail: ErrorDetails, expected: Leaf) -> str:
    got = "" if expected.secret else f", got {shown(detail['input'])}"
    return f"expected {expected.expected}{got}"


def _locate(location: tuple[str | int, ...], root: Fields) -> tuple[KeyPath, Shape | None]:
    """Return the place that pydantic means, and what is expected there.

    Pydantic adds a step for the variant of a union and one for a key; the file has neither.
    """
    path: KeyPath = ()
    shape: Shape | None = root
    for step in location:
        if isinstance(shape, Variants) and step in shape.by_type:
            shape = shape.by_type[str(step)]
            continue
        if step != KEY:
            path = (*path, step)
        shape = _below(shape, step, location)
    return path, shape


def _below(shape: Shape | None, step: str | int, location: tuple[str | int, ...]) -> Shape | None:
    match shape:
        case Fields() if step in shape.fields:
            return shape.fields[str(step)].shape
        case MapOf():
            return shape.key if location[-1] == KEY and location[-2] == step else shape.value
        case ListOf():
            return shape.item
        case _:
            return shape
