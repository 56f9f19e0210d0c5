"""The JSON Schema agrees with the parser."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from fakes.configuration import WHOLE, read

from devenv.config.reference import EXAMPLE
from devenv.config.schema import json_schema

VALIDATOR = jsonschema.Draft7Validator(json_schema())


def accepts(text: str) -> bool:
    return VALIDATOR.is_valid(yaml.safe_load(text))


def test_it_is_a_schema_and_it_is_json():
    jsonschema.Draft7Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize(
    "body",
    [
        WHOLE.partition("\n")[2],
        EXAMPLE.partition("\n")[2],
        "",
        "services: {redis: }",
        "services: {mysql: {type: mysql}, db: {type: mysql, port: 1}}",
        "processes:\nservices:\nsetup:\nroutes:\npython:\n",
        "x-mine: {anything: [1]}",
        "processes: {w: {run: x, port: '${PORT:-1}', stop_grace_period: 5}}",
        "processes: {w: {run: x, restart: '${R:-always}', dir: 5}}",
        "environment: {A: 1, B: 1.5, C: true, D: '${D:-}'}",
        "processes: {w: {run: x, port: 1}}\nroutes: {'*': w, a: {to: w}, '@': w, b.c: w}",
        "domain: '${NAME:-a.b}'",
    ],
)
def test_what_the_parser_takes_the_editor_takes(body):
    text = f"name: s\n{body}"
    assert read(text)[1] == []
    assert accepts(text)


@pytest.mark.parametrize(
    "body",
    [
        "unknown: 1",
        "services: {redis: {prot: 1}}",
        "services: {redis: {port: 70000}}",
        "services: {redis: {port: x}}",
        "services: {sessions: {}}",
        "services: {sessions: {type: rediss}}",
        "services: [redis]",
        "processes: {w: {}}",
        "processes: {w: {run: [x]}}",
        "processes: {w: {run: x, restart: sometimes}}",
        "processes: {w: {run: x, needs: y}}",
        "processes: {W_: {run: x}}",
        "environment: {1A: x}",
        "environment: {A: [x]}",
        "routes: {UP: w}",
        "domain: UP",
    ],
)
def test_what_the_editor_refuses_the_parser_refuses(body):
    text = f"name: s\n{body}\n"
    assert read(text)[1]
    assert not accepts(text)


def test_a_name_is_required():
    assert not accepts("domain: a.b")


def test_every_key_is_described():
    definitions = json_schema()["definitions"]
    assert isinstance(definitions, dict)
    for definition in (json_schema(), *definitions.values()):
        for schema in definition.get("properties", {}).values():
            assert schema["description"]


def test_defaults_are_shown_as_they_are_written():
    process = json_schema()["definitions"]["Process"]["properties"]  # type: ignore[index]
    assert process["stop_grace_period"]["default"] == "10s"
    assert process["restart"]["default"] == "on-failure"
