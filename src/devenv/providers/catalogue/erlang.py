"""RabbitMQ's installation as files: where it is and which Erlang applications the server needs.

RabbitMQ ships about 75 applications in one `plugins` folder and puts them all on Erlang's code
path. Erlang tries every folder of that path for every module it loads, and RabbitMQ's boot loads
every module of every application it finds there. The server alone needs 22 of them: what the
application `rabbit` names in its `.app` file, and what those name in theirs (app(4)).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from devenv.errors import DevenvError
from devenv.providers.catalogue.programs import find_program

APPLICATIONS = re.compile(r"\{\s*(?:included_)?applications\s*,\s*\[([^]]*)\]")
NAME = re.compile(r"[a-z][a-zA-Z0-9_]*")
SERVER_APPLICATIONS = ("rabbit", "cuttlefish")
"""The server, and the reader of its configuration file, which no `.app` file names."""


def find_home(path: str) -> Path | None:
    """Return the folder that holds RabbitMQ's `plugins` and `sbin`.

    Debian's command is a wrapper that insists on root or on the user `rabbitmq`; beside it stands a
    link to the real one.
    """
    command = find_program(path, "rabbitmq-server")
    if command is None:
        return None
    real = command.resolve()
    candidates = (real, (real.parent / "rabbitmq-server").resolve())
    homes = (candidate.parent.parent for candidate in candidates)
    return next((home for home in homes if (home / "plugins").is_dir()), None)


def server_applications(home: Path) -> tuple[Path, ...]:
    """Return the folders of the applications that the server needs, in a stable order.

    Raises:
        DevenvError: the installation has no application `rabbit`.
    """
    folders = _folders(home / "plugins")
    needed = close_over(
        SERVER_APPLICATIONS, {name: _needs(name, folders[name]) for name in folders}
    )
    if "rabbit" not in needed:
        raise DevenvError(
            f"cannot use the RabbitMQ in `{home}`: its `plugins` folder has no `rabbit`",
            hint="install RabbitMQ again with your system's package manager",
            code="program.broken",
        )
    return tuple(folders[name] for name in sorted(needed))


def close_over(roots: Iterable[str], needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return *roots* and all they need, directly or not, as far as *needs* knows it."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in needs and name not in found:
            found.add(name)
            waiting.extend(needs[name])
    return frozenset(found)


def parse_applications(text: str) -> frozenset[str]:
    """Return the applications that the text of a `.app` file names as needed."""
    lists = APPLICATIONS.findall(text)
    return frozenset(name for names in lists for name in NAME.findall(names))


def _folders(plugins: Path) -> Mapping[str, Path]:
    """Return application -> folder; a folder is named `<application>-<version>`."""
    return {
        folder.name.partition("-")[0]: folder
        for folder in plugins.iterdir()
        if (folder / "ebin").is_dir()
    }


def _needs(name: str, folder: Path) -> frozenset[str]:
    file = folder / "ebin" / f"{name}.app"
    return parse_applications(file.read_text("utf-8", "replace")) if file.is_file() else frozenset()
