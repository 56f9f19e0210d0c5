"""Pure. What the models expect at each place of the file, read from their annotations.

Parsing, the JSON Schema and the reference walk these shapes instead of pydantic's own structures:
here a type keeps the words that describe it, and a service is found by the name it goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from devenv.model.spec import Model, Project
from devenv.model.values import Expected, Verbatim

TEXTUAL = (str, SecretStr, StrEnum, IPv4Address)
"""Types whose values are taken as they are written: `1.10` stays `1.10`, `no` stays `no`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar."""

    annotation: Any  # Any: a type or an annotated one; typing has no name for both
    expected: str
    textual: bool
    secret: bool = False
    """True: never shown, not even in a message about it."""
    verbatim: bool = False
    """True: references in it are the shell's."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Shape
    expected = "a list, such as [a, b]"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping whose keys the user chooses."""

    key: Leaf
    value: Shape
    expected = "a mapping (`name: value`)"


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a model."""

    shape: Shape
    description: str
    required: bool
    default: object
    """As plain data; None where there is none, or where the description tells it."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with the keys of one model."""

    model: type[Model]
    fields: dict[str, Field]

    @property
    def expected(self) -> str:
        """What a value must be, in the words of messages."""
        required = [f"`{name}`" for name, field in self.fields.items() if field.required]
        return f"a mapping with {' and '.join(required)}" if required else "a mapping"


@dataclass(frozen=True, slots=True)
class Variants:
    """A mapping that is one of several models, by its `type` or else by the key it stands under."""

    tag: Leaf
    by_type: dict[str, Fields]
    expected = "a mapping"


Shape = Leaf | ListOf | MapOf | Fields | Variants


def project_shape() -> Fields:
    """Return the shape of a whole file."""
    return fields_of(Project)


@cache
def fields_of(model: type[Model]) -> Fields:
    """Return the shape of one model."""
    hints = get_type_hints(model, include_extras=True)
    fields = {
        name: Field(
            shape=shape_of(hints[name]),
            description=info.description or "",
            required=info.is_required(),
            default=_default(info, hints[name]),
        )
        for name, info in model.model_fields.items()
    }
    return Fields(model, fields)


def _default(info: FieldInfo, hint: Any) -> object:
    if info.is_required() or info.default_factory is not None or info.default is None:
        return None
    if isinstance(info.default, SecretStr):
        return info.default.get_secret_value()
    return TypeAdapter(hint).dump_python(info.default, mode="json")


def shape_of(annotation: Any, notes: tuple[object, ...] = ()) -> Shape:
    """Return the shape of one annotation; *notes* is what `Annotated` said around it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(arguments[0], (*notes, *arguments[1:]))
    if origin in (Union, UnionType):
        return _shape_of_union([a for a in arguments if a is not type(None)], notes)
    if origin is tuple:
        return ListOf(shape_of(arguments[0]))
    if origin is dict:
        key = shape_of(arguments[0])
        assert isinstance(key, Leaf), "keys of mappings are text"
        return MapOf(key, shape_of(arguments[1]))
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return fields_of(annotation)
    return _leaf(annotation, notes)


def _shape_of_union(members: list[Any], notes: tuple[object, ...]) -> Shape:
    if len(members) == 1:
        return shape_of(members[0], notes)
    variants = {member.model_fields["type"].default: fields_of(member) for member in members}
    return Variants(Leaf(str, _one_of(tuple(variants)), textual=True), variants)


def _leaf(annotation: Any, notes: tuple[object, ...]) -> Leaf:
    literal = get_origin(annotation) is Literal
    textual = literal or issubclass(annotation, TEXTUAL)
    expected = next((note.what for note in notes if isinstance(note, Expected)), "")
    if literal:
        expected = _one_of(get_args(annotation))
    elif issubclass(annotation, StrEnum):
        expected = _one_of(tuple(annotation))
    return Leaf(
        annotation=Annotated[annotation, *notes] if notes else annotation,
        expected=expected,
        textual=textual,
        secret=annotation is SecretStr,
        verbatim=any(isinstance(note, Verbatim) for note in notes),
    )


def _one_of(words: tuple[str, ...]) -> str:
    *others, last = [f"`{word}`" for word in words]
    return f"{', '.join(others)} or {last}" if others else last
