"""Find `devenv.yml`, read it, and make a project of it.

Looks at files and at nothing else; what the text means is decided in `parse`. A mistake in the text
is a `ConfigError` with every problem and its place; a file that cannot be had at all is one
sentence.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from devenv.config.parse import in_order, parse
from devenv.config.positions import place_after
from devenv.config.syntax import compose
from devenv.errors import ConfigError, DevenvError, ExitCode, Problem
from devenv.model.spec import Project

CONFIG_NAME = "devenv.yml"
FOREIGN_NAMES = ("devenv.nix", "devenv.yaml")
"""Files of devenv.sh, another tool that goes by our name."""

MAX_BYTES = 2**20
"""A configuration of ten thousand units is smaller; whatever is larger is another file."""


class ConfigFileError(DevenvError):
    """There is no configuration to speak of."""

    exit_code = ExitCode.USAGE


def find_config(start: Path) -> Path:
    """Return the `devenv.yml` of the checkout that *start* is in: there, or in a folder above.

    Raises:
        DevenvError: there is none, or the checkout belongs to another tool.
    """
    try:
        folder = start.resolve()
        for candidate in (folder, *folder.parents):
            _refuse_foreign(candidate)
            if (candidate / CONFIG_NAME).exists():
                return candidate / CONFIG_NAME
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigFileError(
            f"cannot look for `{CONFIG_NAME}` in `{start}`: {_reason(error)}",
            hint="change to a folder of the project",
            code="config.missing",
        ) from error
    raise ConfigFileError(
        f"found no `{CONFIG_NAME}` in `{folder}` nor in a folder above it",
        hint=f"change to a folder of the project, or write a `{CONFIG_NAME}` at its root",
        code="config.missing",
    )


def load_project(path: Path, environment: Mapping[str, str]) -> Project:
    """Return the project that the file at *path* describes.

    Args:
        path: a `devenv.yml`.
        environment: the variables that `${NAME}` in it stands for.

    Raises:
        ConfigError: with every problem in it.
        DevenvError: it cannot be read.
    """
    return read_project(_decode(_read(path), path.name), path.name, environment)


def read_project(text: str, name: str, environment: Mapping[str, str]) -> Project:
    """Return the project that *text* describes; *name* is that of its file, for messages.

    Raises:
        ConfigError: with every problem in it.
    """
    document, problems = compose(text, name)
    project: Project | None = None
    if document is not None:
        project, mistakes = parse(document, environment)
        problems = (*problems, *mistakes)
    if project is None or problems:
        raise ConfigError(in_order(problems))
    return project


def _refuse_foreign(folder: Path) -> None:
    for name in FOREIGN_NAMES:
        own = (folder / CONFIG_NAME).exists()
        if (folder / name).exists() and not (own and name == "devenv.yaml"):
            raise ConfigFileError(
                f"`{folder / name}` belongs to another tool, devenv.sh",
                hint=f"run that tool's `devenv`, or remove its files and write a `{CONFIG_NAME}`",
                code="config.foreign",
            )


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _unreadable(path, "it is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigFileError(
            f"`{path}` does not exist",
            hint=f"change to a folder of the project, or write a `{CONFIG_NAME}` at its root",
            code="config.missing",
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(path, "it is larger than 1 MiB")
    return data


def _decode(data: bytes, name: str) -> str:
    """Return the text of the file without a byte order mark.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        message = f"expected UTF-8, got the byte 0x{data[error.start]:02x}"
        place = place_after(before)
        problem = Problem(name, place.line, place.column, message)
        raise ConfigError((problem,)) from None


def _unreadable(path: Path, reason: str) -> ConfigFileError:
    return ConfigFileError(
        f"cannot read `{path}`: {reason}",
        hint=f"make `{path.name}` a readable text file",
        code="config.unreadable",
    )


def _reason(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return (reason or "it cannot be opened").lower()
