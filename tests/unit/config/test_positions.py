"""Places of keys, values and of what the file does not have."""

from __future__ import annotations

import pytest

from devenv.config.positions import Place, format_path, quoted, shown, ticked
from devenv.config.syntax import compose

DOCUMENT = compose("a:\n  b: [x, y]\n  c: z\n", "devenv.yml")[0]


@pytest.mark.parametrize(
    ("path", "at_key", "line"),
    [
        (("a", "b"), False, "2:6: a.b: !"),
        (("a", "b"), True, "2:3: a.b: !"),
        (("a", "b", 1), False, "2:10: a.b: !"),
        (("a", "missing"), False, "1:1: a: !"),
        (("a", "c", "below", "text"), False, "3:6: a.c: !"),
        (("a", "b", 7), False, "2:6: a.b: !"),
        ((), False, "1:1: !"),
    ],
)
def test_a_problem_stands_where_its_path_leads(path, at_key, line):
    assert DOCUMENT is not None
    assert str(DOCUMENT.problem(path, "!", at_key=at_key)) == f"devenv.yml:{line}"


def test_a_problem_with_a_key_speaks_of_the_mapping_around_it():
    assert DOCUMENT is not None
    assert str(DOCUMENT.problem(("a",), "!", key="c")) == "devenv.yml:3:3: a: !"
    assert DOCUMENT.place(("a", "c")) == Place(3, 3)


def test_odd_keys_are_quoted_in_paths():
    assert format_path(("routes", "*")) == "routes.*"
    assert format_path(("a b", 3, "c\n")) == '"a b"."c\\n"'
    assert len(format_path(("x" * 1000,))) < 80


def test_values_are_shown_on_one_short_line():
    assert [shown(v) for v in (None, True, 7, 1.5, "a")] == ["nothing", "true", "7", "1.5", '"a"']
    assert quoted("a\x1b[31m\nä") == '"a\\u001b[31m\\n\\u00e4"'
    assert quoted("ä") == '"ä"'
    assert len(shown("x" * 1000)) < 80
    assert ticked("a\nb") == "`a\\nb`"
