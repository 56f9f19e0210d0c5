"""Where servers are found: along the user's PATH, then where packages put them.

Debian keeps servers in sbin, which a user's PATH leaves out, and RabbitMQ behind a wrapper that
insists on root; Homebrew keeps everything in its prefix.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from devenv.errors import DevenvError

SERVER_FOLDERS = (
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/opt/homebrew/bin",
    "/opt/homebrew/sbin",
    "/usr/local/bin",
)
"""The same as SERVER_PATH in `provisioning/lib.sh`."""


def find_program(path: str, *names: str) -> Path | None:
    """Return the first of *names* that can be run, along *path* (a PATH) and the server folders."""
    folders = os.pathsep.join((path, *SERVER_FOLDERS))
    found = (shutil.which(name, path=folders) for name in names)
    return next((Path(program) for program in found if program), None)


def require_program(path: str, *names: str) -> Path:
    """Return what `find_program` finds.

    Raises:
        DevenvError: none of *names* is installed any more.
    """
    program = find_program(path, *names)
    if program is None:
        raise DevenvError(
            f"cannot find `{names[0]}`",
            hint="devenv up   # installs what is missing",
            code="program.missing",
        )
    return program
