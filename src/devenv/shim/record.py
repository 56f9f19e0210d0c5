"""The shim's record of itself and its live children, for whoever comes after it was killed.

It is written by rename and without fsync: it describes processes, and those do not outlive the
machine either. A record that cannot be written is said in the shim's log and changes nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from devenv.shim import kernel
from devenv.shim.framing import decode_line, encode_line
from devenv.shim.protocol import Fields, RefusedError, RunStatus


@dataclass(frozen=True, slots=True)
class Entry:
    """One process: its identity, and what it runs. A run's pid is its group and session too."""

    name: str
    stage: str
    pid: int
    start_ticks: int

    @property
    def is_alive(self) -> bool:
        """True if that very process lives, not another one with its pid."""
        return self.start_ticks != 0 and kernel.alive_since(self.pid) == self.start_ticks


@dataclass(frozen=True, slots=True)
class Record:
    """A shim and its live runs."""

    identity: str
    shim: Entry
    runs: tuple[Entry, ...]

    @classmethod
    def of_this_shim(cls, identity: str, alive: Sequence[RunStatus]) -> Record:
        """Return the record of the process that calls it."""
        pid = os.getpid()
        shim = Entry("", "", pid, kernel.start_ticks(pid))
        runs = tuple(Entry(run.name, run.stage, run.pid, run.start_ticks) for run in alive)
        return cls(identity, shim, runs)

    @classmethod
    def decode(cls, text: bytes) -> Record:
        """Return the record.

        Raises:
            RefusedError: it is none.
        """
        body = decode_line(text)
        fields = Fields(body)
        return cls(
            fields.text("identity"),
            _entry(body.get("shim")),
            tuple(map(_entry, fields.objects("runs"))),
        )


def _entry(body: object) -> Entry:
    fields = Fields(body)
    return Entry(
        fields.text("name"), fields.text("stage"), fields.whole("pid"), fields.whole("start_ticks")
    )


def write(path: str, record: Record) -> None:
    """Replace the record at *path*."""
    temporary = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_line(asdict(record)))
        os.replace(temporary, path)  # noqa: PTH105 (no pathlib in the shim)
    except OSError as error:
        sys.stderr.write(f"cannot write the record `{path}`: {error.strerror}\n")
        sys.stderr.flush()


def read(path: str) -> Record | None:
    """Return the record at *path*, or None if there is none that can be understood."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return Record.decode(file.read())
    except (OSError, RefusedError):
        return None


def delete(path: str) -> None:
    """Delete the record if it is there."""
    try:
        os.unlink(path)  # noqa: PTH108
    except OSError:
        return
