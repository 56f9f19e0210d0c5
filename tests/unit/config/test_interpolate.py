"""References by Compose's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.config.interpolate import InterpolationError, interpolate, refers

VARIABLES = {"A": "one", "EMPTY": "", "DOLLAR": "${A}", "BYTES": "\udcff"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "one"),
        ("<${A}${A}>", "<oneone>"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NONE:-x}", "x"),
        ("${NONE-x y}", "x y"),
        ("${NONE-}", ""),
        ("${A:-x}", "one"),
        ("${A:?why}", "one"),
        ("${EMPTY?why}", ""),
        ("${A:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${NONE:-${A}}", "one"),
        ("${NONE:-${NADA:-a}b}c", "abc"),
        ("${NONE:-a:-b?c}", "a:-b?c"),
        ("${NONE:-line\nline}", "line\nline"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$$", "$$"),
        ("$$${A}", "$one"),
        ("${NONE:-$$}", "$"),
        ("${NONE:-$${A}}", "${A}"),
        ("$A $ $1 $(x) 5$", "$A $ $1 $(x) 5$"),
        ("${DOLLAR}", "${A}"),
        ("", ""),
        ("}", "}"),
    ],
)
def test_references_are_replaced(text, result):
    assert interpolate(text, VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NONE}", "variable `NONE` is not set: set it, or write `${NONE:-default}`"),
        ("${NONE:?see the wiki}", "variable `NONE` is not set or empty: see the wiki"),
        (
            "${EMPTY:?}",
            "variable `EMPTY` is not set or empty: set it, or write `${EMPTY:-default}`",
        ),
        ("${NONE?no}", "variable `NONE` is not set: no"),
        ("${NONE:-${NADA}}", "variable `NADA` is not set: set it, or write `${NADA:-default}`"),
        ("${A", "`${` without `}`: write `$$` for a dollar sign"),
        ("${A:-${B}", "`${` without `}`: write `$$` for a dollar sign"),
        ("${BYTES}", "variable `BYTES` is not valid UTF-8"),
        *(
            (
                text,
                "expected `${NAME}`, `${NAME:-default}` or `${NAME:?message}`: "
                "write `$$` for a dollar sign",
            )
            for text in ("${}", "${1}", "${A B}", "${A:}", "${A:x}", "${ä}")
        ),
    ],
)
def test_references_without_a_value_say_what_to_write(text, message):
    with pytest.raises(InterpolationError) as caught:
        interpolate(text, VARIABLES)
    assert str(caught.value) == message


def test_nesting_is_bounded():
    with pytest.raises(InterpolationError, match="inside of each other"):
        interpolate("${N:-" * 5000 + "}" * 5000, {})


@given(st.text())
def test_escaped_text_comes_back(text):
    assert interpolate(text.replace("$", "$$"), {}) == text


@given(st.text("$ {}AB:-?+"), st.dictionaries(st.sampled_from("AB"), st.text("x${}")))
def test_only_text_that_refers_is_changed_or_refused(text, variables):
    try:
        changed = interpolate(text, variables) != text
    except InterpolationError:
        changed = True
    assert refers(text) or not changed
