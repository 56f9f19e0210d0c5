"""Pure. From nodes to the plain data that the models validate.

References are replaced and scalars typed as the shape at their place wants them: where text is
expected it is taken as written, elsewhere YAML's rules hold. What cannot be the value of its place
(a list for a port, an unknown key) is reported here, left out, and remembered as spoiled, so that
nothing is said twice about one mistake.
"""

from __future__ import annotations

from collections.abc import Mapping

from devenv.config.advice import WITHOUT_COUNTERPART, close_match, one_of
from devenv.config.interpolate import InterpolationError, interpolate, refers
from devenv.config.positions import (
    Document,
    Entry,
    KeyPath,
    ListNode,
    MapNode,
    Node,
    TextNode,
    shown,
    ticked,
)
from devenv.config.scalars import is_null, typed
from devenv.config.shapes import Fields, Leaf, ListOf, MapOf, Shape, Variants
from devenv.errors import Problem

EXTENSION = "x-"
"""Top-level keys that are the user's own, as in Compose: a place for anchors."""

PLACEHOLDER = "?"
"""Stands for a spoiled list item: left out, it would move those behind it to wrong places."""


class _Absent:
    """A value that must be left out because a problem was reported for it."""


ABSENT = _Absent()


class Resolution:
    """The plain data of one document, and what was wrong on the way."""

    def __init__(self, document: Document, shape: Fields, variables: Mapping[str, str]) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.spoiled: set[KeyPath] = set()
        """Paths at which something was left out, or that were meant by an unknown key."""
        self._variables = variables
        self.data = self._root(document.root, shape)

    def _root(self, root: Node, shape: Fields) -> object:
        if isinstance(root, MapNode):
            known = {k: v for k, v in root.entries.items() if not k.startswith(EXTENSION)}
            return self._fields(known, shape, ())
        if _is_nothing(root):
            return self._complain((), "the file is empty, expected at least `name: ...`")
        return self._complain((), f"expected {shape.expected}, got {describe(root)}")

    def _value(self, node: Node, shape: Shape, path: KeyPath) -> object:
        if isinstance(shape, Leaf):
            return self._leaf(node, shape, path)
        if _is_nothing(node):
            node = _empty(node, shape)
        return self._container(node, shape, path)

    def _container(self, node: Node, shape: Shape, path: KeyPath) -> object:
        match shape, node:
            case ListOf(), ListNode():
                return self._items(node, shape, path)
            case MapOf(), MapNode():
                return self._mapping(node, shape, path)
            case Fields(), MapNode():
                return self._fields(node.entries, shape, path)
            case Variants(), MapNode():
                return self._variant(node, shape, path)
            case Fields(), TextNode() if shape.model.shorthand is not None:
                field = shape.model.shorthand
                value = self._value(node, shape.fields[field].shape, (*path, field))
                return ABSENT if value is ABSENT else {field: value}
            case _:
                return self._complain(path, f"expected {shape.expected}, got {describe(node)}")

    def _leaf(self, node: Node, leaf: Leaf, path: KeyPath) -> object:
        if not isinstance(node, TextNode):
            return self._complain(path, f"expected {leaf.expected}, got {describe(node)}")
        if _is_nothing(node):
            return None
        if leaf.verbatim or not refers(node.text):
            return node.text if leaf.textual or not node.plain else typed(node.text)
        try:
            text = interpolate(node.text, self._variables)
        except InterpolationError as error:
            return self._complain(path, str(error))
        # Quotes around a reference do not make it text: between braces it cannot do without them.
        return text if leaf.textual else typed(text)

    def _items(self, node: ListNode, shape: ListOf, path: KeyPath) -> list[object]:
        values = [
            self._value(item, shape.item, (*path, index)) for index, item in enumerate(node.items)
        ]
        return [PLACEHOLDER if value is ABSENT else value for value in values]

    def _mapping(self, node: MapNode, shape: MapOf, path: KeyPath) -> dict[str, object]:
        values = {
            key: self._value(entry.value, shape.value, (*path, key))
            for key, entry in node.entries.items()
        }
        return {key: value for key, value in values.items() if value is not ABSENT}

    def _fields(
        self, entries: Mapping[str, Entry], shape: Fields, path: KeyPath
    ) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, entry in entries.items():
            if key in shape.fields:
                values[key] = self._value(entry.value, shape.fields[key].shape, (*path, key))
            else:
                self._refuse_key(key, shape, path)
        return {key: value for key, value in values.items() if value is not ABSENT}

    def _refuse_key(self, key: str, shape: Fields, path: KeyPath) -> None:
        meant = close_match(key, shape.fields)
        if meant is not None:
            advice = f", did you mean `{meant}`?"
            self.spoiled.add((*path, meant))
        elif key in WITHOUT_COUNTERPART:
            advice = f": {WITHOUT_COUNTERPART[key]}"
        else:
            advice = f", expected one of {one_of(shape.fields)}"
        self.spoiled.add((*path, key))
        message = f"unknown key {ticked(key)}{advice}"
        self.problems.append(self.document.problem(path, message, key=key))

    def _variant(self, node: MapNode, shape: Variants, path: KeyPath) -> object:
        own = node.entries.get("type")
        kind = self._value(own.value, shape.tag, (*path, "type")) if own is not None else None
        if kind is ABSENT:
            return ABSENT
        if kind is not None:
            where: KeyPath = (*path, "type")
        else:
            kind, where = path[-1], path
        fields = shape.by_type.get(str(kind))
        if fields is not None:
            return {**self._fields(node.entries, fields, path), "type": kind}
        meant = close_match(str(kind), shape.by_type)
        self.spoiled |= {path, (*path[:-1], meant or "")}
        advice = (
            f", did you mean `{meant}`?"
            if meant is not None
            else f", expected one of {one_of(shape.by_type)} as its name or its `type`"
        )
        message = f"unknown service {ticked(str(kind))}{advice}"
        return self._complain(where, message, at_key=where is path)

    def _complain(self, path: KeyPath, message: str, *, at_key: bool = False) -> _Absent:
        self.problems.append(self.document.problem(path, message, at_key=at_key))
        self.spoiled.add(path)
        return ABSENT


def describe(node: Node) -> str:
    """Return what *node* is, for the end of a sentence."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping"
        case _:
            return shown(typed(node.text) if node.plain else node.text)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, TextNode) and node.plain and is_null(node.text)


def _empty(node: Node, shape: Shape) -> Node:
    """Return what a key without a value stands for: `redis:` is a service with all defaults."""
    return ListNode(node.place, ()) if isinstance(shape, ListOf) else MapNode(node.place, {})
