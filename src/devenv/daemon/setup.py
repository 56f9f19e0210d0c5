"""Which set-up steps are up to date, by the digest of their definition and of their inputs.

The stamp of a finished step lies in the checkout, beside the data that the step made: delete
`.devenv/` and both are gone together.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from devenv.daemon.implicit import digest_of, inputs_of
from devenv.model.spec import Project
from devenv.model.unit import Unit
from devenv.system.files import replace_file
from devenv.system.inputs import InputDigests
from devenv.system.paths import CheckoutPaths


class SetupStamps:
    """The stamps of one checkout."""

    def __init__(self, paths: CheckoutPaths, digests: InputDigests) -> None:
        self._paths = paths
        self._digests = digests

    async def digest(self, project: Project, unit: Unit) -> str:
        """Return the digest of everything the step's result depends on, as it is now."""
        patterns = inputs_of(project, unit.name)
        inputs = await asyncio.to_thread(self._digests.digest, self._paths.root, patterns)
        return digest_of([unit.digest, inputs])

    async def is_current(self, project: Project, unit: Unit) -> bool:
        """Tell whether the step's result is that of its definition and inputs as they are now."""
        return self.is_done(unit, await self.digest(project, unit))

    def is_done(self, unit: Unit, digest: str) -> bool:
        """Tell whether the step was done with this digest and what it made is still there."""
        try:
            stamped = self._file(unit.name).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return False
        return stamped == digest and all(path.exists() for path in unit.creates)

    def mark(self, name: str, digest: str) -> None:
        """Stamp the step as done."""
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, digest.encode() + b"\n")

    def clear(self, name: str) -> None:
        """Forget that the step was done."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._paths.run / "setup" / name
