"""The one door to PyYAML: text to nodes with places, plain data to text.

Nodes are built from the parser's events without recursion, so nesting cannot exhaust the stack, and
aliases are counted at their full size, so a few of them cannot expand without bound. Only what has
a meaning here is let through: no tags, no second document, no key twice. Merge keys (`<<`) work as
in YAML 1.1, because Compose files use them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from devenv.config.positions import (
    START,
    Document,
    Entry,
    ListNode,
    MapNode,
    Node,
    Place,
    TextNode,
    place_after,
    quoted,
)
from devenv.config.scalars import is_null
from devenv.errors import Problem

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser is twenty times as fast; both give the same events and places."""

UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2.2 section 5.1 does not let into a file."""

MAX_DEPTH = 50
MAX_SIZE = 8 * 2**20
"""Characters, aliases expanded, with `NODE_SIZE` for each node: far above any file that fits
`load.MAX_BYTES` without aliases, far below what would hurt."""
NODE_SIZE = 8

SENTENCES = (
    ("tab character", "a tab: indent with spaces"),
    ("mapping values are not allowed", "unexpected `:`: check the indentation, or quote the text"),
    ("could not find expected ':'", "expected `:` after a key"),
    ("did not find expected ',' or", "expected `,` or the closing bracket"),
    ("expected ',' or", "expected `,` or the closing bracket"),
    ("expected alphabetic or numeric", 'quote a value that begins with `*` or `&`, as in `"*"`'),
    ("expected key", "expected a key: check the indentation"),
    ("expected <block end>", "expected a key: check the indentation"),
    ("expected '-' indicator", "expected `- `: check the indentation"),
    ("invalid Unicode character escape", "this escape is not a character"),
    ("unknown escape character", "unknown escape: write `\\\\` for a backslash, or single quotes"),
)
"""What the parsers say (libyaml's words, then PyYAML's own) and what is said to people."""


class _Refused(Exception):  # noqa: N818 (control flow inside of this module, never seen outside)
    """Composing cannot go on."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True)
class _Measured:
    """A node with what it costs when an alias repeats it."""

    node: Node
    size: int
    depth: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been met; a mapping's keys and values alternate."""

    place: Place
    anchor: str | None
    mapping: bool
    children: list[Node] = field(default_factory=list)
    size: int = NODE_SIZE
    depth: int = 0


class _Composer:
    """Builds one document from events."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._anchors: dict[str, _Measured] = {}
        self._stack: list[_Open] = []
        self._size = 0
        self.root: Node | None = None
        self.complete = False

    def feed(self, event: yaml.Event) -> None:
        """Take the next event.

        Raises:
            _Refused: the rest cannot be composed.
        """
        place = _place(event.start_mark)
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                raise _Refused(place, "expected one document, got a second `---`")
            case yaml.ScalarEvent():
                self._check_tag(event.tag, place)
                self._grow(NODE_SIZE + len(event.value), place)
                node = TextNode(place, event.value, plain=event.implicit[0])
                self._add(_Measured(node, NODE_SIZE + len(event.value), 0), event.anchor)
            case yaml.AliasEvent():
                known = self._anchors.get(event.anchor or "")
                if known is None:
                    raise _Refused(place, f"nothing above is marked `&{event.anchor}`")
                self._grow(known.size, place)
                self._add(known, None)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._check_tag(event.tag, place)
                mapping = isinstance(event, yaml.MappingStartEvent)
                self._grow(NODE_SIZE, place)
                self._stack.append(_Open(place, event.anchor, mapping))
                self._check_depth(0, place)
            case yaml.StreamEndEvent():
                self.complete = True
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close(self._stack.pop())

    def _grow(self, size: int, place: Place) -> None:
        self._size += size
        if self._size > MAX_SIZE:
            raise _Refused(place, "aliases make this file too large")

    def _check_depth(self, below: int, place: Place) -> None:
        if len(self._stack) + below > MAX_DEPTH:
            raise _Refused(place, f"nested more than {MAX_DEPTH} levels deep")

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            self._complain(place, f"tags such as {quoted(tag)} mean nothing here: remove it")

    def _complain(self, place: Place, message: str) -> None:
        self.problems.append(Problem(self._file, place.line, place.column, message))

    def _add(self, measured: _Measured, anchor: str | None) -> None:
        self._check_depth(measured.depth, measured.node.place)
        if anchor is not None:
            self._anchors[anchor] = measured
        if not self._stack:
            self.root = measured.node
            return
        parent = self._stack[-1]
        parent.children.append(measured.node)
        parent.size += measured.size
        parent.depth = max(parent.depth, measured.depth + 1)

    def _close(self, done: _Open) -> None:
        node: Node
        if done.mapping:
            node = MapNode(done.place, self._entries(done.children))
        else:
            node = ListNode(done.place, tuple(done.children))
        self._add(_Measured(node, done.size, done.depth), done.anchor)

    def _entries(self, children: list[Node]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[MapNode] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, TextNode):
                self._complain(key.place, "expected a word as key, got a list or a mapping")
            elif key.plain and key.text == "<<":
                merged.extend(self._merged(value))
            elif key.plain and is_null(key.text):
                self._complain(key.place, "expected a key before `:`")
            elif key.text in entries:
                first = entries[key.text].key.line
                self._complain(
                    key.place, f"key {quoted(key.text)} is given twice, first in line {first}"
                )
            else:
                entries[key.text] = Entry(key.place, value)
        for other in merged:
            for name, entry in other.entries.items():
                entries.setdefault(name, entry)
        return entries

    def _merged(self, value: Node) -> Iterable[MapNode]:
        candidates = value.items if isinstance(value, ListNode) else (value,)
        for candidate in candidates:
            if isinstance(candidate, MapNode):
                yield candidate
            else:
                self._complain(candidate.place, "expected an alias of a mapping after `<<`")


def compose(text: str, file: str) -> tuple[Document | None, tuple[Problem, ...]]:
    """Return the document that *text* holds, and its problems; None if it could not be read whole.

    An empty text is a document that holds nothing.
    """
    unprintable = UNPRINTABLE.search(text)
    if unprintable is not None:
        place = place_after(text[: unprintable.start()])
        message = f"the control character U+{ord(unprintable[0]):04X} cannot be in a YAML file"
        return None, (Problem(file, place.line, place.column, message),)
    composer = _Composer(file)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            composer.feed(event)
    except _Refused as refusal:
        composer.problems.append(
            Problem(file, refusal.place.line, refusal.place.column, refusal.message)
        )
    except yaml.MarkedYAMLError as error:
        place, message = _explain(error, text)
        composer.problems.append(Problem(file, place.line, place.column, message))
    if not composer.complete:
        return None, tuple(composer.problems)
    root = composer.root or TextNode(START, "", plain=True)
    return Document(file, root), tuple(composer.problems)


def render(data: object) -> str:
    """Return plain data as YAML."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _place(mark: Any) -> Place:  # Any: PyYAML has two classes of marks, alike in these fields
    return START if mark is None else Place(mark.line + 1, mark.column + 1)


def _explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Return the place and the sentence for what the parser could not read."""
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "this is not YAML"
    if mark is None:
        return START, problem
    if "end of stream" in problem and error.context_mark is not None:
        return _place(error.context_mark), "the quote that opens here is never closed"
    if "cannot start any token" in problem:
        return _place(mark), _bad_start(text[mark.index : mark.index + 1])
    if text[mark.index - 1 : mark.index + 1] == "${":
        return _place(mark), 'between braces or brackets quote it, as in `"${NAME}"`'
    for words, sentence in SENTENCES:
        if words in problem:
            return _place(mark), sentence
    return _place(mark), problem


def _bad_start(character: str) -> str:
    if character == "\t":
        return "a tab: indent with spaces"
    return f"quote a value that begins with `{character}`"
