"""From the name of an asset to its source on disk, or to where it was looked for.

`Finder` is the contract; `DirectoryFinder` looks into plain folders, `django_client.DjangoFinder`
asks the project's own static finders. Several names may be given: the first that any root has wins.
No answer is remembered: a file that appears in an earlier root, or goes, counts from the next
request on. A file outside its root is never found, not even through a symbolic link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """The source of an asset."""

    name: str
    """Which of the names that were asked for it has."""
    path: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """Where an asset was looked for in vain."""

    searched: tuple[str, ...]
    refused: str = ""
    """A file that is there but lies outside its root, through a symbolic link."""


class Finder(Protocol):
    """Finds sources."""

    async def find(self, names: Sequence[str]) -> Found | NotFound:
        """Return the file for the first of the relative *names* that has one.

        Raises:
            DevenvError: nothing can be found at present, and why.
        """
        ...

    async def ready(self) -> None:
        """Return once `find` can answer.

        Raises:
            DevenvError: it cannot, and why.
        """
        ...

    async def close(self) -> None:
        """End whatever it runs."""
        ...


class DirectoryFinder:
    """Looks into folders, the first match wins; a `Finder`."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(str(root) for root in roots)

    async def find(self, names: Sequence[str]) -> Found | NotFound:
        """Return the file for the first of *names* that has one."""
        return find_in(self._roots, names)

    async def ready(self) -> None:
        """Return at once: a folder that is missing may still come."""

    async def close(self) -> None:
        """Return at once: nothing runs."""


def find_in(roots: Sequence[str], names: Sequence[str]) -> Found | NotFound:
    """Return the file for the first of *names* that any of *roots* has."""
    refused = ""
    for name in names:
        for root in map(os.path.realpath, roots):
            path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 (the hot path)
            if not is_file(path):
                continue
            if os.path.commonpath((path, root)) == root:
                return Found(name, path)
            refused = refused or path
    return NotFound(tuple(roots), refused)


def is_file(path: str) -> bool:
    """Whether *path* is a regular file; no name raises, however long or odd."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 (hot path)
    except (OSError, ValueError):
        return False
