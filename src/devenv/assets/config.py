"""What one simulated CDN is told when it starts: a JSON file that the daemon writes.

It holds values alone: nothing here looks at the disk but `load`. The file is written and read by
the same version of devenv, so it is not a format for people and checked only as far as its shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devenv.errors import DevenvError

READY_PATH = "/-/ready"
"""Answers 200 once the finder and the compilers are up, else 503 with the reason as text."""


@dataclass(frozen=True, slots=True)
class CdnConfig:
    """One CDN; all paths are absolute, exactly one of `django` and `dirs` is given."""

    name: str
    """The name of its unit, for messages."""
    host: str
    port: int
    cache: Path
    """Folder for compiled output; may be deleted at any time."""
    compiler: Path
    """Folder of the installed Node worker, see `install.compiler_folder`."""
    cwd: Path
    """Where the project's Python runs."""
    django: Path | None = None
    """The project's `manage.py`."""
    dirs: tuple[Path, ...] = ()
    python: str = "python3"
    """The project's interpreter."""
    node: str = "node"
    environment: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the two children."""
    compile_timeout_s: float = 30.0
    """Bootstrap takes 0.2 s; what takes this long is an endless loop in a mixin or a plugin."""

    def to_json(self) -> str:
        """Return the text that `load` reads."""
        return json.dumps(asdict(self), default=str, indent=2, sort_keys=True) + "\n"


def load(path: Path) -> CdnConfig:
    """Read a configuration.

    Raises:
        DevenvError: the file cannot be read or was not written by `CdnConfig.to_json`.
    """
    try:
        return _parse(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DevenvError(
            f"cannot read the CDN's configuration `{path}`: {error}",
            hint="devenv writes this file: run `devenv up` again",
            code="assets.config-unreadable",
        ) from error


def _parse(raw: dict[str, object]) -> CdnConfig:
    values: dict[str, object] = dict(raw)
    for key in ("cache", "compiler", "cwd"):
        values[key] = Path(str(values[key]))
    if values.get("django") is not None:
        values["django"] = Path(str(values["django"]))
    folders = values.get("dirs", ())
    if not isinstance(folders, list | tuple):
        raise TypeError("`dirs` is not a list")
    values["dirs"] = tuple(Path(str(folder)) for folder in folders)
    config = CdnConfig(**values)  # type: ignore[arg-type]  # an unknown key is a TypeError
    if (config.django is None) == (not config.dirs):
        raise ValueError("expected exactly one of `django` and `dirs`")
    return config
