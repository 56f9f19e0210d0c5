"""Files published whole or not at all, folders deleted so that no half of one is seen."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


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


def delete_tree(path: Path) -> None:
    """Delete a folder so that no half of it is ever seen under its name: rename, then remove."""
    doomed = path.with_name(f".{path.name}.deleted-{os.getpid()}")
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)
