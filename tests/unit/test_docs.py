"""The pages beside the code: what they name exists, and what they show is accepted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from devenv.cli.main import cli
from devenv.config.load import read_project
from devenv.model.state import TRANSITIONS, Phase

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
ARCHITECTURE = ROOT / "docs" / "architecture.md"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*(?:\./)?devenv ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
HINTED = re.compile(r"`(?:sudo )?devenv ([a-z]+)[^`]*`|^(?:sudo )?devenv ([a-z]+)[^`]*$")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def prose(page: Path) -> str:
    """Return the page without its blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what a link to the page may end with, by the rules of GitHub."""
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(prose(page)))
    return frozenset(title.strip().replace(" ", "-") for title in kept)


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each command and the word behind it, from blocks for shells and from code in prose."""
    for language, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if language in {"sh", "console"}:
            yield from COMMAND.findall(block)
    for code in CODE.findall(prose(page)):
        yield from COMMAND.findall(code)


def is_command(word: str, second: str) -> bool:
    command = cli.commands.get(word)
    if isinstance(command, click.Group):
        return not second or second in command.commands
    return command is not None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_internal_links_lead_somewhere(page):
    dead = []
    for link in LINK.findall(prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page):
    assert [found for found in commands(page) if not is_command(*found)] == []


def test_the_readme_lists_every_command():
    shown = {word for word, _ in commands(ROOT / "README.md")}
    in_table = {"stop", "restart", *shown}  # these share a row with `start`
    assert in_table >= set(cli.commands)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_definitions_are_read(page):
    for language, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if language == "yaml" and re.search(r"^name: ", block, re.MULTILINE):
            read_project(block, name_of(page), {})


def test_hints_name_commands_that_exist():
    """A hint is the next thing a user types."""
    strangers = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                strangers += [
                    f"{path.name}:{node.value.lineno}: {word}"
                    for text in texts(node.value)
                    for word in [a or b for a, b in HINTED.findall(text)]
                    if not is_command(word, "")
                ]
    assert strangers == []


def texts(expression: ast.expr) -> list[str]:
    return [
        node.value
        for node in ast.walk(expression)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def transition_table() -> str:
    """Return the table of the page on architecture, made from the code."""
    rows = ["| phase | event → next phase |", "|---|---|"]
    for phase in Phase:
        steps = [
            f"{event} → `{after}`"
            for (before, event), after in TRANSITIONS.items()
            if before is phase
        ]
        rows.append(f"| `{phase}` | {', '.join(steps)} |")
    return "\n".join(rows)


def test_the_table_of_transitions_is_current():
    page = ARCHITECTURE.read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- begin transitions")
    table, _, _ = rest.partition("<!-- end transitions -->")
    _, _, table = table.partition("-->\n")
    assert table.strip() == transition_table()


def test_architecture_names_each_package_and_only_modules_that_exist():
    page = ARCHITECTURE.read_text(encoding="utf-8")
    _, _, rest = page.partition("## The code")
    floors, _, _ = rest.partition("\n## ")
    source = ROOT / "src" / "devenv"
    packages = {path.parent.name for path in source.glob("*/__init__.py")}
    rows = re.findall(r"^\| \d \| `(\w+)` \| (.*) \|$", floors, re.MULTILINE)
    assert {package for package, _ in rows} == packages
    for package, row in rows:
        modules = [code for code in CODE.findall(row) if code.endswith(".py")]
        assert [name for name in modules if not (source / package / name).exists()] == []
