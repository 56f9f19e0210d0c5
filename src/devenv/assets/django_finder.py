"""The long-lived helper that asks a Django project's own static finders.

It is run as a script by the *project's* interpreter, so it stands on the standard library and
Django alone and knows nothing of devenv. `manage.py` is run as a user runs it, up to the point
where it hands over to Django: what it does to `sys.path`, the environment and the settings module
therefore holds here too. The project may print: its stdout is the log, the protocol has a
descriptor of its own.

Protocol, one line of JSON each way: first a greeting `{"watch": [[path, mtime_ns, size], ...]}`,
with `error` and `traceback` too if it ends there; then for each `{"names": [...]}` either `{"name",
"path"}`, `{"searched": [...], "refused": path}` or `{"error", "traceback"}`. `watch` are the files
that the settings were loaded from. It ends when its stdin does.
"""

# Django's finders speak os.path, and links must be followed as they do.
# ruff: noqa: PTH100, PTH113, PTH116, PTH120

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit


class HandedOverError(BaseException):
    """Raised where `manage.py` would start a command; not an Exception, so nobody catches it."""


def run_manage(manage: str) -> None:
    """Run `manage.py` until it hands over to Django."""
    from django.core import management  # noqa: PLC0415 (only the project's path has Django)

    def hand_over(*_args: object, **_options: object) -> None:
        raise HandedOverError

    management.ManagementUtility.execute = hand_over
    sys.argv = [manage, "findstatic"]
    try:
        runpy.run_path(manage, run_name="__main__")
    except HandedOverError:
        return
    raise RuntimeError(f"{manage} ended without calling execute_from_command_line()")


def load_project(manage: str) -> list[list[Any]]:
    """Set Django up as the project has it and return the stamped files of its settings."""
    # The script's own folder is first; manage.py's belongs there (Python's docs on sys.path).
    sys.path[0] = os.path.dirname(manage)
    run_manage(manage)
    import django  # noqa: PLC0415 (see run_manage)
    from django.conf import settings  # noqa: PLC0415

    settings.INSTALLED_APPS  # noqa: B018 (the first access loads the settings)
    watch = stamps({manage, *project_files()})
    django.setup()
    return watch


def project_files() -> Iterator[str]:
    """Yield the files of all modules loaded so far that are not installed packages."""
    installed = tuple(os.path.realpath(path) + os.sep for path in installed_folders())
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and module.__name__ != "__main__":
            path = os.path.realpath(path)
            if not path.startswith(installed):
                yield path


def installed_folders() -> set[str]:
    """Return where the standard library and installed packages are."""
    folders = {path for path in sys.path if path.rstrip(os.sep).endswith("-packages")}
    return folders | {os.path.dirname(os.__file__), os.path.dirname(os.path.abspath(__file__))}


def stamps(paths: Iterable[str]) -> list[list[Any]]:
    """Return what tells one state of each file from another, in the order of their names."""
    existing = [(path, os.stat(path)) for path in sorted(paths) if os.path.isfile(path)]
    return [[path, status.st_mtime_ns, status.st_size] for path, status in existing]


def find(names: Iterable[str]) -> dict[str, Any]:
    """Return the first hit for *names*, or where they were looked for."""
    from django.contrib.staticfiles import finders  # noqa: PLC0415 (see run_manage)

    names = list(names)
    answer = look(finders, names)
    if "path" not in answer:
        # Finders list their folders when they are made: a `static` folder may be new.
        finders.get_finder.cache_clear()
        answer = look(finders, names)
    return answer


def look(finders: Any, names: list[str]) -> dict[str, Any]:
    """Ask Django's finders for each name in turn, with or without the path of STATIC_URL."""
    from django.conf import settings  # noqa: PLC0415 (see run_manage)
    from django.core.exceptions import SuspiciousOperation  # noqa: PLC0415

    prefix = urlsplit(settings.STATIC_URL or "").path.lstrip("/")
    searched: list[str] = []
    refused = ""
    for name in names:
        # The project's Python may be too old for str.removeprefix.
        bare = name[len(prefix) :] if name.startswith(prefix) else name  # noqa: FURB188
        try:
            path = finders.find(bare)
        except (SuspiciousOperation, ValueError, OSError):  # a path that climbs, or is no path
            path = None
        roots = [os.fspath(root) for root in finders.searched_locations]
        searched += [root for root in roots if root not in searched]
        if path and os.path.isfile(path):
            if is_inside(path, roots, bare):
                return {"name": name, "path": os.path.realpath(path)}
            refused = refused or os.path.realpath(path)
    return {"searched": searched, "refused": refused}


def is_inside(path: str, roots: list[str], name: str) -> bool:
    """Whether a file really lies in the root it was found in; Django follows links anywhere."""
    holders = [root for root in roots if contains(os.path.abspath(root), os.path.abspath(path))]
    if not holders:  # a finder of the project's own, which tells no root
        holders = [path[: -len(name)] if path.endswith(os.sep + name) else os.path.dirname(path)]
    real = os.path.realpath(path)
    return any(contains(os.path.realpath(root), real) for root in holders)


def contains(folder: str, path: str) -> bool:
    """Whether *path* is below *folder*; both absolute."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error: Python's last line of it, with Django's own words, and the whole."""
    last = "".join(traceback.format_exception_only(type(error), error)).strip()
    return {"error": last, "traceback": traceback.format_exc()}


def files_of(error: BaseException) -> Iterator[str]:
    """Yield the files that an error came through."""
    for frame in traceback.extract_tb(error.__traceback__):
        yield frame.filename
    if isinstance(error, SyntaxError) and error.filename:
        yield error.filename


def answer_to(line: str) -> dict[str, Any]:
    """Answer one request; a finder that fails is an answer too."""
    try:
        return find(json.loads(line)["names"])
    except Exception as error:  # noqa: BLE001 (code of the project: anything may come)
        return describe(error)


def main() -> int:
    """Greet, then answer until the requests end."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a real one
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    manage = os.path.abspath(sys.argv[1])
    try:
        reply({"watch": load_project(manage)})
    except BaseException as error:  # noqa: BLE001 (settings may even call sys.exit)
        files = {manage, *project_files(), *files_of(error)}
        reply({**describe(error), "watch": stamps(files)})
        return 1
    for line in requests:
        reply(answer_to(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
