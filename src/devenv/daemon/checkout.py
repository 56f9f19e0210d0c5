"""What the daemon writes into a checkout: the definition as it was applied, and where it was.

An edit of `devenv.yml` takes effect at the next `up` and never by accident, and a checkout that was
moved while it was up is recognised. All of it may be deleted; then only that is lost.
"""

from __future__ import annotations

import json
from pathlib import Path

from devenv.errors import DevenvError
from devenv.system.files import replace_file
from devenv.system.paths import CheckoutPaths


class CheckoutFiles:
    """Those files of one checkout."""

    def __init__(self, paths: CheckoutPaths) -> None:
        self._paths = paths
        self._applied = paths.run / "applied.yml"
        self._place = paths.run / "checkout.json"

    def write(self) -> None:
        """Make the folders, keep `devenv.yml` as it is now, note where the checkout is.

        Raises:
            DevenvError: the disk is full or the checkout cannot be written.
        """
        place = json.dumps({"path": str(self._paths.root)}).encode()
        try:
            self._paths.ensure()
            replace_file(self._applied, self._paths.config.read_bytes(), mode=0o600)
            replace_file(self._place, place)
        except OSError as error:
            raise DevenvError(
                f"cannot write `{error.filename or self._paths.base}`: {error.strerror}",
                hint="free some space or mend the permissions, then `devenv up`",
                code="checkout.unwritable",
            ) from error

    @property
    def applied(self) -> Path:
        """The definition as it was applied, or the file itself if that was deleted."""
        return self._applied if self._applied.exists() else self._paths.config

    def former_root(self) -> Path | None:
        """Return where the checkout was before it was moved; None: it was not."""
        try:
            former = Path(json.loads(self._place.read_bytes())["path"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if former == self._paths.root or former.exists() else former

    def check_data(self) -> None:
        """Refuse to go on where the data of running servers were deleted.

        Raises:
            DevenvError: `.devenv/` is not there.
        """
        if not self._paths.root.exists():
            raise DevenvError(
                f"`{self._paths.root}` was moved or deleted while it was up",
                hint="run `devenv down` where it is now",
                code="checkout.moved",
            )
        if not self._paths.base.exists():
            raise DevenvError(
                f"`{self._paths.base}` was deleted while this checkout is up: its servers still "
                "write to files that no longer have a name",
                hint="devenv down && devenv up",
                code="checkout.data-deleted",
            )
