"""RabbitMQ's installation as files: where it is and which Erlang applications the server needs.

RabbitMQ ships about 75 applications in one `plugins` folder and puts them all on Erlang's code
path. Erlang tries every folder of that path for every module it loads, and RabbitMQ's boot loads
every module of every application it finds there. The server alone needs 22 of them: what the
application `rabbit` names in its `.app` file, and what those name in theirs (app(4)).

Loaded one by one, each module waits for all schedulers to take it over; loaded together, as
code(3) offers, an application's are prepared in parallel and taken over at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Applications:
    """What the server needs: RabbitMQ's own applications, and the names of Erlang's."""

    folders: tuple[Path, ...]
    names: tuple[str, ...]
    """All of them, those of *folders* too."""


def server_applications(home: Path) -> Applications:
    """Return what the server needs, in a stable order.

    Raises:
        DevenvError: the installation has no application `rabbit`.
    """
    folders = _folders(home / "plugins")
    needs = {name: _needs(name, folder) for name, folder in folders.items()}
    needed = close_over(SERVER_APPLICATIONS, needs)
    if "rabbit" not in folders:
        raise DevenvError(
            f"cannot use the RabbitMQ in `{home}`: its `plugins` folder has no `rabbit`",
            hint="install RabbitMQ again with your system's package manager",
            code="program.broken",
        )
    names = tuple(sorted(needed))
    return Applications(tuple(folders[name] for name in names if name in folders), names)


def close_over(roots: Iterable[str], needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return *roots* and all they need, directly or not."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs.get(name, ()))
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


def render_preload(names: Iterable[str]) -> str:
    """Return the expression that loads every module of each of these applications together.

    All applications at once would be no quicker and cost 80 MB that Erlang never gives back. An
    application that is not installed is left for the boot to complain about.
    """
    listed = ",".join(sorted(names))
    return (
        '[code:ensure_modules_loaded([list_to_atom(filename:basename(File, ".beam"))'
        ' || File <- filelib:wildcard("*.beam", filename:join(Folder, "ebin"))])'
        f" || Name <- [{listed}], Folder <- [code:lib_dir(Name)], is_list(Folder)]."
    )
