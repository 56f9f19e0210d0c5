"""Folders that nobody else can read. Apart from `system.files`, so that the command line, which
needs only this, does not pay for what writing files needs.
"""

from __future__ import annotations

import os
from pathlib import Path

from devenv.errors import DevenvError


def private_folder(path: Path) -> Path:
    """Make *path* a folder of ours with mode 0700 and return it.

    Raises:
        DevenvError: it belongs to somebody else, or cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat(follow_symlinks=False)
        if status.st_uid != os.geteuid():
            raise DevenvError(
                f"cannot use `{path}`: it belongs to user id {status.st_uid}",
                hint="remove that folder, or set XDG_RUNTIME_DIR to one of your own",
                code="folder.foreign",
            )
        if status.st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise DevenvError(
            f"cannot make the folder `{path}`: {error.strerror}",
            hint="check its parent's permissions and the free space",
            code="folder.unusable",
        ) from error
    return path
