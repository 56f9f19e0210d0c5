"""Pure. A configuration file as a tree of nodes that know their place, and problems by key path.

The tree is what is left of YAML: text, lists and mappings. What a piece of text means is decided
later, by what is expected at its place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from devenv.errors import Problem

KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the root down."""

PLAIN_KEY = re.compile(r"[\w@*-]+")
SHOWN_CHARACTERS = 60
"""Longer text is cut in messages: one line of a terminal holds the place and the sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, counted from 1."""

    line: int
    column: int


START = Place(1, 1)


def place_after(text: str) -> Place:
    """Return the place right behind *text*, which is the beginning of a file."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


@dataclass(frozen=True, slots=True)
class TextNode:
    """A scalar, as written."""

    place: Place
    text: str
    plain: bool
    """True: written without quotes, so it may be a number, a boolean or nothing."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: Place
    value: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the order of the file."""

    place: Place
    entries: dict[str, Entry]


Node = TextNode | ListNode | MapNode


@dataclass(frozen=True, slots=True)
class Document:
    """One file."""

    file: str
    root: Node

    def problem(
        self, path: KeyPath, message: str, *, at_key: bool = False, key: str | None = None
    ) -> Problem:
        """Return a problem of the value at *path*, whose place is the value's or its key's.

        With *key* the place is that of a key inside of the value. Where the file has nothing at
        *path*, the place is that of the last thing on the way that it has.
        """
        place, depth = self._find(path, at_key=at_key)
        where = format_path(path[:depth])
        if key is not None:
            place = self.place((*path, key))
        text = f"{where}: {message}" if where else message
        return Problem(self.file, place.line, place.column, text)

    def place(self, path: KeyPath) -> Place:
        """Return where the key of *path* stands."""
        return self._find(path, at_key=True)[0]

    def _find(self, path: KeyPath, *, at_key: bool) -> tuple[Place, int]:
        node, key = self.root, self.root.place
        for depth, step in enumerate(path):
            match node:
                case MapNode() if step in node.entries:
                    entry = node.entries[str(step)]
                    key, node = entry.key, entry.value
                case ListNode() if isinstance(step, int) and step < len(node.items):
                    node = node.items[step]
                    key = node.place
                case MapNode():
                    return key, depth
                case _:
                    return node.place, depth
        return (key if at_key else node.place), len(path)


def format_path(path: KeyPath) -> str:
    """Return `services.mysql.port`; list indexes are left out, the place tells them."""
    return ".".join(
        step if PLAIN_KEY.fullmatch(step) and len(step) <= SHOWN_CHARACTERS else quoted(step)
        for step in path
        if isinstance(step, str)
    )


def quoted(text: str) -> str:
    """Return *text* in quotes on one line, control characters escaped, cut if it is long."""
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS] + "..."
    return json.dumps(text, ensure_ascii=not text.isprintable())


def ticked(word: str) -> str:
    """Return *word* in backticks, on one line like `quoted`."""
    return f"`{quoted(word)[1:-1]}`"


def shown(value: object) -> str:
    """Return a scalar for the end of a sentence: text in quotes, the rest as YAML has it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case _:
            return quoted(str(value))[1:-1]
