"""Scalars and references by what is expected at their place."""

from __future__ import annotations

import pytest
from fakes.configuration import problems_of, project_of

from devenv.config.resolve import Resolution
from devenv.config.shapes import project_shape
from devenv.config.syntax import compose


def process(body: str, variables: dict[str, str] | None = None):
    return project_of(f"name: s\nprocesses: {{p: {{run: x, {body}}}}}", variables).processes["p"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1.10", "1.10"),
        ("0123", "0123"),
        ("1e3", "1e3"),
        ("true", "true"),
        ("yes", "yes"),
        ("no", "no"),
        ("2026-01-31", "2026-01-31"),
        ('""', ""),
        ("'~'", "~"),
    ],
)
def test_text_is_taken_as_it_is_written(written, text):
    assert process(f"environment: {{A: {written}}}").environment == {"A": text}


def test_a_password_keeps_its_leading_zero():
    project = project_of("name: s\nservices: {mysql: {password: 007}}")
    assert project.model_copy().services["mysql"].password.get_secret_value() == "007"


@pytest.mark.parametrize("port", ["8000", '"${P}"', '"${NONE:-8000}"', "0x1f40"])
def test_a_port_is_typed_after_its_references_are_replaced(port):
    assert process(f"port: {port}", {"P": "8000"}).port == 8000


def test_a_reference_needs_no_quotes_in_block_style():
    project = project_of("name: ${N}\nprocesses:\n  p:\n    run: x\n    port: ${P:-80}", {"N": "s"})
    assert project.name == "s"
    assert project.processes["p"].port == 80


def test_text_from_a_reference_stays_text():
    project = process('environment: {A: "${A}", B: "$A $${A}"}', {"A": "007"})
    assert project.environment == {"A": "007", "B": "$A ${A}"}


def test_commands_are_left_to_the_shell():
    command = '"echo ${HOST} $$ $PORT ${X:-y} ${"'
    project = project_of(
        f"name: s\nprocesses: {{p: {{run: {command}, ready: {{exec: {command}}}}}}}", {"HOST": "no"}
    )
    ready = project.processes["p"].ready
    assert project.processes["p"].run == "echo ${HOST} $$ $PORT ${X:-y} ${"
    assert ready is not None
    assert ready.exec == "echo ${HOST} $$ $PORT ${X:-y} ${"


def test_keys_are_not_interpolated():
    assert problems_of('name: s\nenvironment: {"${A}": x}', {"A": "B"})


def test_a_key_without_a_value_is_a_section_with_defaults():
    project = project_of("name: s\npython:\nservices:\n  redis:\nsetup:\nprocesses:\nroutes:\n")
    assert list(project.services) == ["redis"]
    assert project.python is not None
    assert project.processes == {}


def test_extension_keys_hold_anchors():
    project = project_of(
        """
        name: s
        x-shared: &shared {environment: {A: b}, dir: src}
        processes:
          web: {<<: *shared, run: x}
        """
    )
    assert project.processes["web"].dir == "src"


def test_a_service_may_go_by_any_name():
    project = project_of("name: s\nservices: {sessions: {type: redis, port: 1}, redis: {type: }}")
    assert [service.type for service in project.services.values()] == ["redis", "redis"]


def test_what_was_left_out_is_remembered():
    document, _ = compose("name: s\nprocesses: {p: {prot: 1, dir: [x]}}", "f")
    assert document is not None
    resolution = Resolution(document, project_shape(), {})
    path = ("processes", "p")
    assert resolution.data == {"name": "s", "processes": {"p": {}}}
    assert resolution.spoiled == {(*path, "prot"), (*path, "port"), (*path, "dir")}
