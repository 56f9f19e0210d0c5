"""`python -m devenv.assets.install DESTINATION`: put the Node worker where it can run.

The package's own folder may be read-only, so the worker is copied and its packages, pinned by the
lock file, are installed beside it. The folder is complete once it has its name: it is built under
another one and renamed. Two at once wait for each other. Progress is npm's own output.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devenv.errors import DevenvError
from devenv.system.files import delete_tree
from devenv.system.paths import data_folder

FILES = ("package.json", "package-lock.json", "worker.js")
NPM = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
DIGEST_LENGTH = 16


def compiler_folder(tools: Path) -> Path:
    """Return the folder of this version of the worker inside the machine's folder of tools."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((data_folder("proxy") / "compiler" / name).read_bytes())
    return tools / f"compiler-{digest.hexdigest()[:DIGEST_LENGTH]}"


def ensure_worker(folder: Path, *, npm: str = "npm") -> None:
    """Install the worker as *folder*, unless it is there.

    Raises:
        DevenvError: npm is missing or failed, or the folder cannot be written.
    """
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f".{folder.name}.lock")):
            if not folder.is_dir():
                _install(folder, npm)
    except OSError as error:
        raise DevenvError(
            f"cannot install the compilers as `{folder}`: {error.strerror}",
            hint="check the folder's permissions and the free space",
            code="assets.compiler-not-installed",
        ) from error


def _install(folder: Path, npm: str) -> None:
    building = folder.with_name(f".{folder.name}.building")
    delete_tree(building)
    building.mkdir()
    for name in FILES:
        shutil.copyfile(data_folder("proxy") / "compiler" / name, building / name)
    try:
        subprocess.run([npm, *NPM], cwd=building, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        delete_tree(building)
        missing = isinstance(error, FileNotFoundError)
        raise DevenvError(
            f"cannot install the compilers: `{npm} {NPM[0]}` "
            + ("is not installed" if missing else f"failed: {error}"),
            hint="install Node.js 18 or newer with npm" if missing else "see npm's output above",
            code="assets.compiler-not-installed",
        ) from error
    building.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """Install the worker and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m devenv.assets.install DESTINATION\n")
        return 2
    try:
        ensure_worker(Path(arguments[0]).absolute())
    except DevenvError as error:
        sys.stderr.write(f"error: {error.message}\n\nhint: {error.hint}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
