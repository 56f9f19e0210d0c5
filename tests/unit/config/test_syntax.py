"""YAML to nodes: every way to write it wrong, with either of PyYAML's parsers."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from devenv.config import syntax
from devenv.config.positions import ListNode, MapNode, Node, TextNode
from devenv.config.scalars import typed
from devenv.config.syntax import compose, render


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _either_parser(request, monkeypatch):
    monkeypatch.setattr(syntax, "LOADER", getattr(yaml, request.param))


def plain(node: Node) -> object:
    match node:
        case MapNode():
            return {key: plain(entry.value) for key, entry in node.entries.items()}
        case ListNode():
            return [plain(item) for item in node.items]
        case TextNode():
            return typed(node.text) if node.plain else node.text


def data_of(text: str) -> object:
    document, problems = compose(text, "f")
    assert document is not None
    assert not problems
    return plain(document.root)


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1\n", "2:1: a tab: indent with spaces"),
        ("a: 1\n\tb: 2\n", "2:1: a tab: indent with spaces"),
        ("a: {p: ${X}}\n", '1:9: between braces or brackets quote it, as in `"${NAME}"`'),
        ("r:\n  *: w\n", '2:4: quote a value that begins with `*` or `&`, as in `"*"`'),
        ("r: @x\n", "1:4: quote a value that begins with `@`"),
        ("a: 'x\n", "1:4: the quote that opens here is never closed"),
        ("a: b: c\n", "1:5: unexpected `:`: check the indentation, or quote the text"),
        ("a: 1\n  b: 2\n", "2:4: unexpected `:`: check the indentation, or quote the text"),
        ("a: [1, 2\n", "2:1: expected `,` or the closing bracket"),
        ("a:\n  b: 1\n c: 2\n", "3:2: expected a key: check the indentation"),
        ("a: *b\n", "1:4: nothing above is marked `&b`"),
        ("a: &b [*b]\n", "1:8: nothing above is marked `&b`"),
        ("a: 1\n---\nb: 2\n", "2:1: expected one document, got a second `---`"),
        ("? [a]\n: b\n", "1:3: expected a word as key, got a list or a mapping"),
        ("a: !!str 1\n", '1:4: tags such as "tag:yaml.org,2002:str" mean nothing here: remove it'),
        ("a: 1\nb: 2\na: 3\n", '3:1: key "a" is given twice, first in line 1'),
        ("~: 1\n", "1:1: expected a key before `:`"),
        ("a:\n  <<: [1]\n", "2:8: expected an alias of a mapping after `<<`"),
        ("[" * 60, "1:51: nested more than 50 levels deep"),
        ("- " * 100_000, "1:101: nested more than 50 levels deep"),
    ],
)
def test_mistakes_in_the_syntax(text, problem):
    assert [str(p) for p in compose(text, "f")[1]] == [f"f:{problem}"]


def test_problems_that_do_not_stop_reading_are_all_found():
    document, problems = compose("a: !x 1\nb: 1\nb: 2\n", "f")
    assert document is not None
    assert [problem.line for problem in problems] == [1, 3]


@pytest.mark.usefixtures("_either_parser")
def test_anchors_aliases_and_merge_keys():
    text = "base: &b {x: 1, y: 2}\nplain: *b\nmerged: {<<: *b, y: 3}\nlist: {<<: [*b, {z: 4}]}\n"
    assert data_of(text) == {
        "base": {"x": 1, "y": 2},
        "plain": {"x": 1, "y": 2},
        "merged": {"x": 1, "y": 3},
        "list": {"x": 1, "y": 2, "z": 4},
    }


def test_aliases_cannot_expand_without_bound():
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    text = "l0: &l0 [x]\n" + "\n".join(levels)
    document, problems = compose(text, "f")
    assert document is None
    assert [problem.message for problem in problems] == ["aliases make this file too large"]


def test_an_alias_costs_as_much_as_its_text():
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]\n"
    assert compose(text, "f")[0] is None


def test_a_large_file_without_aliases_is_not_too_large():
    assert compose("[" + "a," * (2**19 - 2) + "]", "f")[1] == ()


def test_aliases_cannot_nest_without_bound():
    levels = [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 60)]
    problems = compose("l0: &l0 [x]\n" + "\n".join(levels), "f")[1]
    assert [problem.message for problem in problems] == ["nested more than 50 levels deep"]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n...\n"])
def test_an_empty_text_is_a_document_that_holds_nothing(text):
    assert data_of(text) is None


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_make_no_difference(ending):
    document, _ = compose(ending.join(["a:", "  b: 1", "  c: 2", ""]), "f")
    assert document is not None
    assert str(document.problem(("a", "c"), "!")) == "f:3:6: a.c: !"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"))
"""Without the line breaks of YAML 1.1 that PyYAML writes but does not read back."""
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS
KEYS = TEXTS.filter(lambda key: key not in ("", "<<"))
DATA = st.recursive(SCALARS, lambda s: st.lists(s) | st.dictionaries(KEYS, s), max_leaves=10)


@settings(deadline=None)
@given(DATA)
def test_rendered_data_is_read_back(data):
    assert data_of(render(data)) == data


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,~ \n\t\\<0")))
def test_any_text_is_read_or_answered(text):
    document, problems = compose(text, "f")
    assert (document is not None) or problems
