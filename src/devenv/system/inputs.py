"""The content of a set-up step's inputs as one digest, as a makefile would look at times.

Content decides, not modification time, so that a fresh clone, a branch switched there and back and
a touched file do not run a step again. Unchanged files are recognised by their stat, so that the
thousandth look costs no reading.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
"""Never searched by a wildcard, like hidden folders and virtual environments."""


def translate(pattern: str) -> re.Pattern[str]:
    """Return the regular expression for a glob over `/`-separated paths; `**` crosses folders."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            parts.append(r"(?:[^/]+/)*")
            position += 3
        elif pattern.startswith("**", position):
            parts.append(".*")
            position += 2
        else:
            character = pattern[position]
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)))
            position += 1
    return re.compile("".join(parts))


def find_inputs(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the files below *root* that match, as sorted relative paths.

    A pattern without wildcards is kept even if no such file exists: its absence is part of the
    digest.
    """
    plain = {pattern for pattern in patterns if not set(pattern) & {"*", "?"}}
    wild = [translate(pattern) for pattern in patterns if pattern not in plain]
    found = set(plain)
    if wild:
        found.update(path for path in _walk(root) if any(glob.fullmatch(path) for glob in wild))
    return sorted(found)


def _walk(root: Path) -> Iterator[str]:
    for folder, subfolders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        prefix = "" if relative == "." else f"{relative}/"
        if "pyvenv.cfg" in files:
            subfolders.clear()
            continue
        subfolders[:] = [
            name for name in subfolders if name not in SKIPPED_FOLDERS and not name.startswith(".")
        ]
        for name in files:
            yield prefix + name


class InputDigests:
    """Digests of input files, remembered by stat for the life of the daemon."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def digest(self, root: Path, patterns: Iterable[str]) -> str:
        """Return one digest over names and contents of all matching files."""
        whole = hashlib.sha256()
        for relative in find_inputs(root, tuple(patterns)):
            whole.update(f"{relative}\0{self._file(root / relative)}\n".encode())
        return whole.hexdigest()

    def _file(self, path: Path) -> str:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            return f"unreadable {error.errno}"
        self._known[path] = (stamp, digest)
        return digest
