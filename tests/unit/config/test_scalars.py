"""The core schema of YAML 1.2, section 10.3.2."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.config.scalars import is_null, typed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0xff", 255),
        ("0123", 123),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
    ],
)
def test_constants_and_numbers(text, value):
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "n", "y", "1_000", "12:30", "0b1", "tRue", ".", "1e", "٣"]
)
def test_what_yaml_1_1_took_for_something_else_is_text(text):
    assert typed(text) == text


def test_not_a_number_is_a_number():
    assert math.isnan(typed(".nan"))  # type: ignore[arg-type]


@given(st.text("0123456789+-.eExo~truefalsnl"))
def test_nothing_is_refused(text):
    assert (typed(text) is None) == is_null(text)


def test_a_number_that_python_would_not_read_stays_text():
    assert typed("9" * 10_000) == "9" * 10_000
