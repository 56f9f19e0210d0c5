"""Pure. The JSON Schema of `devenv.yml`, for editors.

Made from the same shapes that parsing walks. It lets through whatever the parser does: numbers and
booleans where text is expected, `${NAME}` where a number is, a section without a value, `x-` keys.
What holds across fields is the parser's alone. Draft 7 is the newest that YAML editors agree on.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from devenv.config.resolve import EXTENSION
from devenv.config.shapes import Field, Fields, Leaf, ListOf, MapOf, Shape, Variants, project_shape

DIALECT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, object]

REFERENCE: Schema = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "text with `${NAME}` in it, typed when the variable is known",
}
TEXT_TYPES = ["string", "number", "boolean"]
NOTHING: Schema = {"type": "null"}
UNCONSTRAINED = frozenset({"type", "minLength"})
"""Keywords of a text that a reference always satisfies."""


def json_schema() -> dict[str, object]:
    """Return the schema of the whole file."""
    definitions: dict[str, Schema] = {"Reference": REFERENCE}
    root = _object(project_shape(), definitions)
    return {
        "$schema": DIALECT,
        "title": "devenv.yml",
        **root,
        "patternProperties": {f"^{EXTENSION}": {"description": "your own, for anchors"}},
        "definitions": definitions,
    }


def _schema(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    match shape:
        case Leaf():
            return _leaf(shape)
        case ListOf():
            items = {"type": "array", "items": _schema(shape.item, definitions)}
            return {"anyOf": [items, NOTHING]}
        case MapOf():
            return {"anyOf": [_mapping(shape, definitions), NOTHING]}
        case Fields():
            return {"anyOf": [*_forms(shape, definitions), NOTHING]}
        case Variants():
            return {"anyOf": [_typed(fields, definitions) for fields in shape.by_type.values()]}


def _leaf(leaf: Leaf) -> Schema:
    schema = dict(TypeAdapter(leaf.annotation).json_schema())
    for noise in ("title", "description", "writeOnly"):
        schema.pop(noise, None)
    if leaf.secret:
        schema.pop("format")
    if schema.get("type") == "string" and not {"enum", "const"} & schema.keys():
        schema["type"] = TEXT_TYPES
    if leaf.verbatim or schema.keys() <= UNCONSTRAINED:
        return schema
    return {"anyOf": [schema, {"$ref": "#/definitions/Reference"}]}


def _mapping(shape: MapOf, definitions: dict[str, Schema]) -> Schema:
    key = TypeAdapter(shape.key.annotation).json_schema()
    schema: Schema = {
        "type": "object",
        "propertyNames": key,
        "additionalProperties": _schema(shape.value, definitions),
    }
    if isinstance(shape.value, Variants):
        schema["properties"] = {
            name: _schema(fields, definitions) for name, fields in shape.value.by_type.items()
        }
    return schema


def _forms(shape: Fields, definitions: dict[str, Schema]) -> list[Schema]:
    """Return the schemas of a model and of the word that may stand for it."""
    forms = [_reference_to(shape, definitions)]
    if shape.model.shorthand is not None:
        forms.append(_schema(shape.fields[shape.model.shorthand].shape, definitions))
    return forms


def _typed(fields: Fields, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a variant under a name that does not tell its type."""
    return {"allOf": [_reference_to(fields, definitions)], "required": ["type"]}


def _reference_to(shape: Fields, definitions: dict[str, Schema]) -> Schema:
    name = shape.model.__name__
    if name not in definitions:
        definitions[name] = {}  # taken, should the model hold itself
        definitions[name] = _object(shape, definitions)
    return {"$ref": f"#/definitions/{name}"}


def _object(shape: Fields, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": shape.model.__doc__ or "",
        "properties": {name: _property(field, definitions) for name, field in shape.fields.items()},
        "additionalProperties": False,
    }
    required = [name for name, field in shape.fields.items() if field.required]
    return {**schema, "required": required} if required else schema


def _property(field: Field, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {"description": field.description, **_schema(field.shape, definitions)}
    if field.default is not None:
        schema["default"] = field.default
    return schema
