"""Pure. The kinds of value that `devenv.yml` is made of: a port, a duration, a name, a command.

Each is a type that pydantic checks. `Expected` says in words what fits, for error messages and for
the reference; the JSON Schema of each follows from its constraints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)

DURATION = re.compile(
    r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?"
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,9})ms)?"
)
"""Compose's durations without the units nobody waits in (days, microseconds)."""

LOOPBACK = IPv4Network("127.0.0.0/8")
"""RFC 1122 section 3.2.1.3 (g)."""

LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""RFC 1123 section 2.1, in lower case."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value must be, in the words of error messages and of the reference."""

    what: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Marks text that the shell expands: `${NAME}` in it is left for the shell."""


def parse_duration(value: object) -> float:
    """Return seconds from `30s`, `1m30s`, `500ms` or a plain number of seconds.

    Raises:
        ValueError: for anything else, negative numbers included.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("not a duration")
    hours, minutes, seconds, milliseconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds) + int(milliseconds) / 1000


def format_duration(seconds: float) -> str:
    """Return *seconds* as `parse_duration` reads them, to the millisecond: `90s`, `0.5s`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def _check_loopback(address: IPv4Address) -> IPv4Address:
    if address not in LOOPBACK:
        raise ValueError("not a loopback address")
    return address


def _check_no_nul(text: str) -> str:
    """Refuse what no process can be given in its arguments or variables (execve(2))."""
    if "\x00" in text:
        raise ValueError("a NUL character")
    return text


def _check_secret(secret: SecretStr) -> SecretStr:
    _check_no_nul(secret.get_secret_value())
    return secret


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30s", "1m30s", "500ms"]}),
    Expected("a duration such as 30s or 1m30s"),
]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), Expected("a port from 1 to 65535")]
Flag = Annotated[bool, Field(strict=True), Expected("true or false")]
Label = Annotated[
    str,
    StringConstraints(pattern=f"^{LABEL}$"),
    Expected("a name of at most 63 lower-case letters, digits and inner hyphens"),
]
"""A name that is also a DNS label."""
Domain = Annotated[
    str,
    StringConstraints(
        pattern=rf"^({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$",
        max_length=200,
    ),
    Expected("a domain in lower case with a dot in it, such as shop.localhost"),
]
"""At least two labels, because clients refuse a certificate for `*.localhost`."""
Loopback = Annotated[
    IPv4Address,
    AfterValidator(_check_loopback),
    Expected("a loopback address from 127.0.0.0/8"),
]
RouteHost = Annotated[
    str,
    StringConstraints(pattern=rf"^(\*|@|{LABEL}(\.{LABEL})*)$", max_length=200),
    Expected('a subdomain in lower case, "*" or "@"'),
]
Variable = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Expected("a variable's name: letters, digits and underscores, no digit first"),
]
VariableValue = Annotated[str, AfterValidator(_check_no_nul), Expected("text")]
Text = Annotated[
    str, StringConstraints(min_length=1), AfterValidator(_check_no_nul), Expected("text")
]
Command = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(_check_no_nul),
    Verbatim(),
    Expected("a shell command"),
]
HttpPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[^\x00-\x20\x7f]*$"),
    Expected("a path that begins with / and has no spaces"),
]
UnitName = Annotated[str, Expected("the name of a service, step or process")]
TargetName = Annotated[str, Expected("the name of a service or process")]
Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
    Expected("at most 64 letters, digits, hyphens and underscores"),
]
"""A name inside a server (database, user, virtual host) that needs no quoting anywhere."""
Secret = Annotated[
    SecretStr,
    AfterValidator(_check_secret),
    PlainSerializer(lambda _: "***", return_type=str, when_used="json"),
    Expected("text"),
]
