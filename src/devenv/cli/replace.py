"""Turns this process into a command that runs in an environment, or in a unit's place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from devenv.cli.client import call, caller_environment
from devenv.errors import DevenvError


def replace_process(name: str, command: Sequence[str]) -> NoReturn:
    """Become the command, so that its exit code, its signals and its terminal are its own."""
    arguments = list(command[1:] if command[0] == "--" else command) or [""]
    view = call("environment", name=name, environ=caller_environment())
    variables: dict[str, str] = view["environment"]
    if name:
        _enter(view["cwd"])
    try:
        os.execvpe(arguments[0], arguments, variables)  # noqa: S606 (no shell wanted)
    except OSError as problem:
        raise DevenvError(
            f"cannot run `{arguments[0]}`: {problem.strerror}",
            hint="check its spelling, or where it is installed",
            code="command.not-run",
        ) from problem


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as problem:
        raise DevenvError(
            f"cannot enter `{folder}`: {problem.strerror}",
            hint="check `dir` in `devenv.yml`",
            code="command.no-folder",
        ) from problem
