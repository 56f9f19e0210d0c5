"""Pure. `${NAME}` in text, by Compose's rules.

| written | is |
|---|---|
| `${NAME}` | the variable; not set: a problem |
| `${NAME:-default}`, `${NAME-default}` | *default* if it is empty or not set; if it is not set |
| `${NAME:+other}`, `${NAME+other}` | *other* if it is not empty; if it is set; else nothing |
| `${NAME:?message}`, `${NAME?message}` | a problem with *message* if empty or not set; if not set |
| `$$` | one dollar sign |

Defaults may hold further references. A dollar sign before anything else stands for itself: unlike
in Compose, `$NAME` is left alone, since it is most often meant for a shell. Source: Compose
specification, 12-interpolation.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

OPENING = re.compile(r"\$\$|\$\{")
NESTING = re.compile(r"\$\$|\$\{|\}")
REFERENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)
MAX_DEPTH = 8
"""References inside of defaults; nobody reads more, and recursion stays bounded."""

Variables = Mapping[str, str]


class InterpolationError(ValueError):
    """A reference that has no value, in one sentence without its place."""


def refers(text: str) -> bool:
    """Tell whether `interpolate` would change *text* or refuse it."""
    return OPENING.search(text) is not None


def interpolate(text: str, variables: Variables, *, depth: int = 0) -> str:
    """Return *text* with its references replaced.

    Raises:
        InterpolationError: a variable is not set, or a reference cannot be read.
    """
    parts: list[str] = []
    position = 0
    while match := OPENING.search(text, position):
        parts.append(text[position : match.start()])
        if match[0] == "$$":
            parts.append("$")
            position = match.end()
        else:
            end = _closing(text, match.end())
            parts.append(_substitute(text[match.end() : end], variables, depth))
            position = end + 1
    parts.append(text[position:])
    return "".join(parts)


def _closing(text: str, start: int) -> int:
    """Return where the brace closes that was opened just before *start*."""
    opened = 1
    for match in NESTING.finditer(text, start):
        if match[0] == "${":
            opened += 1
        elif match[0] == "}":
            opened -= 1
            if opened == 0:
                return match.start()
    raise InterpolationError("`${` without `}`: write `$$` for a dollar sign")


def _substitute(reference: str, variables: Variables, depth: int) -> str:
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise InterpolationError(
            "expected `${NAME}`, `${NAME:-default}` or `${NAME:?message}`: "
            "write `$$` for a dollar sign"
        )
    if depth == MAX_DEPTH:
        raise InterpolationError(f"more than {MAX_DEPTH} references inside of each other")
    name, operator, operand = match.groups(default="")
    value = variables.get(name)
    given = value is not None and (value != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return interpolate(operand, variables, depth=depth + 1) if given else ""
    if given:
        return _valid(name, value or "")
    if operator.endswith("-"):
        return interpolate(operand, variables, depth=depth + 1)
    raise InterpolationError(_missing(name, operator, operand))


def _missing(name: str, operator: str, message: str) -> str:
    state = "is not set or empty" if operator.startswith(":") else "is not set"
    if message:
        return f"variable `{name}` {state}: {message}"
    return f"variable `{name}` {state}: set it, or write `${{{name}:-default}}`"


def _valid(name: str, value: str) -> str:
    """Return *value*, unless it has bytes that are no text (which Python keeps as surrogates)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InterpolationError(f"variable `{name}` is not valid UTF-8") from None
    return value
