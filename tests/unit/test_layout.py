"""The shape of the repository that `CONTRIBUTING.md` promises."""

import ast
from pathlib import Path

import pytest

import devenv

SOURCE = Path(devenv.__file__).parent
UNIT_TESTS = Path(__file__).parent
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50

RIMS = {
    "__main__.py": "starts the command line: every integration test",
    "assets/__main__.py": "starts the server: integration/test_assets_cdn.py",
    "assets/cdn.py": "serves HTTP: integration/test_assets_cdn.py",
    "assets/django_client.py": "talks to a process: integration/test_assets_django.py",
    "assets/pipes.py": "talks to processes: integration/test_assets_cdn.py, test_assets_django.py",
    "assets/server.py": "serves HTTP: integration/test_assets_cdn.py",
    "cli/terminal.py": "a terminal: integration/test_shim_attach.py",
    "daemon/environment.py": "joins shim, edge and files: integration/test_up.py, test_kill_*.py",
    "edge/admin.py": "talks to Envoy: integration/test_edge_envoy.py",
    "probes/base.py": "one exception",
    "probes/tcp.py": "a connection: integration/test_probes.py",
    "providers/base.py": "contracts only",
    "shim/attachment.py": "a terminal: integration/test_shim_attach.py",
    "shim/client.py": "a socket: integration/test_shim_runs.py",
    "shim/connection.py": "a socket: integration/test_shim_runs.py",
    "shim/main.py": "a process: integration/test_shim_process.py",
    "shim/orphans.py": "processes: integration/test_shim_process.py",
    "shim/process.py": "a process: integration/test_shim_process.py",
    "shim/run.py": "a process: integration/test_shim_runs.py",
    "shim/runs.py": "processes: integration/test_shim_runs.py",
    "shim/server.py": "a socket: integration/test_shim_runs.py",
    "shim/terminal.py": "a terminal: integration/test_shim_attach.py",
}
"""Modules that are input and output alone, and what tests them on the real thing."""

OF_THE_REPOSITORY = {"test_layout.py", "test_docs.py"}
"""Tests of no module."""


def modules():
    return {
        str(path.relative_to(SOURCE)): path
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "__init__.py"
    }


def with_unit_tests():
    """The modules that the unit tests are of, by the tests' names."""
    paths = (path.relative_to(UNIT_TESTS) for path in UNIT_TESTS.rglob("test_*.py"))
    return {
        str(path.with_name(path.name.removeprefix("test_")))
        for path in paths
        if str(path) not in OF_THE_REPOSITORY
    }


def test_every_module_has_its_unit_tests_or_a_reason_to_have_none():
    assert set(modules()) - with_unit_tests() == set(RIMS)


def test_every_unit_test_is_of_a_module():
    assert with_unit_tests() - set(modules()) == set()


def test_every_reason_names_tests_that_are_there():
    integration = UNIT_TESTS.parent / "integration"
    named = {
        word.strip(",").removeprefix("integration/")
        for reason in RIMS.values()
        for word in reason.split()
        if word.strip(",").endswith(".py")
    }
    assert [name for name in sorted(named) if not list(integration.glob(name))] == []


@pytest.mark.parametrize("name", modules())
def test_a_module_can_be_read_in_one_sitting(name):
    text = modules()[name].read_text()
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []
