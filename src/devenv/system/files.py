"""Files published whole or not at all, and folders that nobody else can read."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from devenv.errors import DevenvError


def replace_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Publish *data* at *path* by rename: a reader sees the old file or the new one.

    Raises:
        OSError: the old file is still there, untouched.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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


def delete_tree(path: Path) -> None:
    """Delete a folder so that no half of it is ever seen under its name: rename, then remove."""
    doomed = path.with_name(f".{path.name}.deleted-{os.getpid()}")
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)
