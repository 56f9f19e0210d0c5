"""Where things live: XDG folders for the machine, `.devenv/` for a checkout, package data.

Rules: XDG Base Directory specification 0.8. A relative XDG value is ignored, as it says. Without
HOME the password database is asked; without an entry there, the user is told what to set.
"""

from __future__ import annotations

import os
import pwd
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devenv.errors import DevenvError
from devenv.system.folders import private_folder

SOCKET_PATH_BYTES = 100
"""sun_path holds 108 bytes on Linux and 104 on macOS (unix(7)), less room for a suffix."""


def data_folder(name: str) -> Path:
    """Return the folder `proxy`, `provisioning` or `certs`, from a checkout or from the wheel."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_data" / name
    return shipped if shipped.is_dir() else package.parents[1] / name


def home() -> Path:
    """Return the user's home folder.

    Raises:
        DevenvError: neither HOME nor the password database names one.
    """
    named = os.environ.get("HOME")
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise DevenvError(
            f"cannot find a home folder: HOME is not set and user id {os.getuid()} has no entry",
            hint="export HOME=/a/folder/of/yours",
            code="home.missing",
        ) from None


@dataclass(frozen=True)
class MachinePaths:
    """The folders that belong to this user on this machine, in every checkout the same."""

    data: Path
    """The CA, tools that devenv installed."""
    state: Path
    """Address registry, the daemon's log, what the edge reads."""
    runtime: Path
    """Sockets; mode 0700."""

    @classmethod
    def from_environment(cls) -> MachinePaths:
        """Return the folders by the XDG variables; none but the runtime folder is made."""
        return cls(
            data=_xdg("XDG_DATA_HOME", ".local/share"),
            state=_xdg("XDG_STATE_HOME", ".local/state"),
            runtime=_runtime_folder(),
        )

    @cached_property
    def daemon_socket(self) -> Path:
        """The daemon's API."""
        return self.runtime / "daemon.sock"

    def shim_socket(self, identity: str) -> Path:
        """The socket of the shim of one environment, or of the machine's own."""
        return self.runtime / f"{identity}.shim.sock"

    @property
    def tools(self) -> Path:
        """Programs that devenv installed for itself; `bin` inside is last on every PATH."""
        return self.data / "tools"


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if Path(value).is_absolute() else home() / fallback
    return base / "devenv"


def _runtime_folder() -> Path:
    """Return the folder for sockets: XDG's, else the state folder, else a short one in /tmp."""
    value = os.environ.get("XDG_RUNTIME_DIR", "")
    candidates = [Path(value) / "devenv"] if Path(value).is_absolute() else []
    candidates.append(_xdg("XDG_STATE_HOME", ".local/state") / "run")
    for folder in candidates:
        if len(os.fsencode(folder / ("x" * 16 + ".shim.sock"))) <= SOCKET_PATH_BYTES:
            return private_folder(folder)
    # Two homes of one user, as tests and containers have them, must not share a daemon.
    mark = zlib.crc32(os.fsencode(candidates[-1]))
    return private_folder(Path(f"/tmp/devenv-{os.getuid()}-{mark:08x}"))  # noqa: S108 (checked)


@dataclass(frozen=True)
class CheckoutPaths:
    """The folders of one checkout, all inside `.devenv/`."""

    root: Path
    """The canonical folder that holds `devenv.yml`."""

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "devenv.yml"

    @property
    def base(self) -> Path:
        """`.devenv/`; it ignores itself by a `.gitignore` inside."""
        return self.root / ".devenv"

    @property
    def data(self) -> Path:
        """One folder of data per service."""
        return self.base / "data"

    @property
    def logs(self) -> Path:
        """One log file per unit."""
        return self.base / "logs"

    @property
    def run(self) -> Path:
        """Rendered configuration files and stamps."""
        return self.base / "run"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return self.base / "cache"

    def ensure(self) -> None:
        """Make the folders; databases and logs are nobody else's business, so the mode is 0700.

        Raises:
            OSError: the disk is full or the checkout cannot be written.
        """
        self.base.mkdir(mode=0o700, exist_ok=True)
        if self.base.stat().st_mode & 0o077:
            self.base.chmod(0o700)
        for folder in (self.data, self.logs, self.run, self.cache):
            folder.mkdir(parents=True, exist_ok=True)
        ignore = self.base / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
