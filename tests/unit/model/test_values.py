"""What each kind of value lets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from devenv.model.values import (
    Command,
    Domain,
    Flag,
    HttpPath,
    Identifier,
    Label,
    Loopback,
    Port,
    RouteHost,
    Secret,
    Text,
    Variable,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("2h", 7200),
        ("1h1m1s1ms", 3661.001),
        ("500ms", 0.5),
        ("0.25s", 0.25),
        ("5m", 300),
        ("0s", 0),
        (15, 15),
        (1.5, 1.5),
    ],
)
def test_durations_are_read_as_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["", "s", "1", "1d", "-1s", "1s1m", "1 s", "٣s", "9" * 5000 + "h", -1, True, None, [], 1e9],
)
def test_other_durations_are_refused(value):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)


@given(st.integers(0, 10**9 - 1))
def test_a_formatted_duration_is_read_back(milliseconds):
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Port, [1, 8000, 65535], [0, 65536, -1, "80", True, 80.0]),
        (Flag, [True, False], [1, 0, "true", "yes"]),
        (Label, ["a", "web-2", "0", "x" * 63], ["", "-a", "a-", "A", "a_b", "ä", "x" * 64, "a\n"]),
        (Domain, ["shop.localhost", "a.b.test"], ["shop", "shop.", ".a", "Shop.a", "1.2.3.4", ""]),
        (Loopback, ["127.0.0.1", "127.84.12.9"], ["10.0.0.1", "0.0.0.0", "::1", "localhost", ""]),
        (RouteHost, ["*", "@", "www", "a.b"], ["", "*.a", "A", "a.", ".a", "a..b", "-a"]),
        (Variable, ["A", "_a1"], ["", "1A", "A-B", "A B", "A="]),
        (Text, ["x", " ", "ä"], ["", "a\0b"]),
        (Command, ["true"], ["", "\0"]),
        (HttpPath, ["/", "/health?a=b"], ["", "health", "/a b", "/\n"]),
        (Identifier, ["a", "A_1-b", "x" * 64], ["", "a b", "a`", "x" * 65, "a;"]),
        (Secret, ["", "p'w"], ["a\0"]),
    ],
)
def test_kinds_of_value(kind, good, bad):
    adapter = TypeAdapter(kind)
    for value in good:
        adapter.validate_python(value)
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
