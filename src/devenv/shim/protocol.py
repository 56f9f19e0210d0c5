"""Pure. What the shim and its clients tell each other: the values, checked as they arrive.

How they travel is `framing`'s. Keys that this version does not know are ignored, so that a daemon
may be newer than a shim that it finds. Only the standard library is imported, and little of it,
because the shim pays for every module with resident memory.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

VERSION = 1

NOTE_BYTES = 1024 * 1024


class RefusedError(Exception):
    """A request that is answered with an error; the fields are those of `DevenvError`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def encode(self) -> dict[str, str]:
        """Return the error as the answer carries it."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class Fields:
    """The fields of a decoded object, taken out one by one with their types checked."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, dict):
            raise RefusedError("protocol.invalid", "expected an object")
        self._body: dict[str, object] = body

    def text(self, key: str, default: str | None = None, *, limit: int = 4096) -> str:
        """Return a text of at most *limit* characters that the kernel can be handed."""
        value = self._body.get(key, default)
        if not isinstance(value, str) or len(value) > limit or not _is_handable(value):
            raise self._wrong(key, f"a text of at most {limit} characters")
        return value

    def name(self, key: str = "name") -> str:
        """Return a text that is not empty and prints on one line."""
        value = self.text(key, limit=200)
        if not value.isprintable() or not value:
            raise self._wrong(key, "a printable name")
        return value

    def path(self, key: str) -> str:
        """Return an absolute path."""
        value = self.text(key)
        if not value.startswith("/"):
            raise self._wrong(key, "an absolute path")
        return value

    def whole(self, key: str, default: int | None = None, *, high: int = 2**63 - 1) -> int:
        """Return a whole number from 0 to *high*."""
        value = self._body.get(key, default)
        if type(value) is not int or not 0 <= value <= high:
            raise self._wrong(key, f"a whole number from 0 to {high}")
        return value

    def number(self, key: str) -> float:
        """Return a finite number of seconds, 0 or more."""
        value = self._body.get(key)
        if type(value) not in (int, float) or not 0 <= value <= 1e12:  # type: ignore[operator]
            raise self._wrong(key, "a number of seconds")
        return float(value)  # type: ignore[arg-type]

    def optional_number(self, key: str) -> float | None:
        """Return a number of seconds, or None."""
        return None if self._body.get(key) is None else self.number(key)

    def exit(self, key: str) -> int | None:
        """Return an exit code, a negated signal, or None."""
        value = self._body.get(key)
        if value is None or (type(value) is int and -64 <= value <= 255):
            return value
        raise self._wrong(key, "an exit code, a negated signal or null")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of at least one text."""
        value = self._body.get(key)
        if not isinstance(value, list) or not value or not all(map(_is_handable, value)):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def variables(self, key: str) -> dict[str, str]:
        """Return environment variables."""
        value = self._body.get(key)
        if not isinstance(value, dict) or not all(
            name and "=" not in name and _is_handable(name) and _is_handable(text)
            for name, text in value.items()
        ):
            raise self._wrong(key, "an object of variables")
        return value

    def value(self, key: str) -> object:
        """Return whatever is there, for another decoder."""
        return self._body.get(key)

    def objects(self, key: str) -> list[object]:
        """Return a list of anything."""
        value = self._body.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def _wrong(self, key: str, expected: str) -> RefusedError:
        got = repr(self._body.get(key))[:60]
        return RefusedError("protocol.invalid", f"{key}: expected {expected}, got {got}")


def _is_handable(value: object) -> bool:
    """Tell if *value* is text that execve(2) takes: no NUL, and bytes it can be turned into."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Run:
    """One command to run; nothing is inherited from the shim."""

    name: str
    stage: str
    """`main`, or which preparation of it this is; free text that travels on the run."""
    digest: str
    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str] = field(repr=False)
    log: str
    log_bytes: int = 64 * 1024 * 1024
    """The log file is rotated before it grows past this."""
    log_keep: int = 8
    """How many rotated files are kept beside the current one."""
    rows: int = 24
    cols: int = 120

    def encode(self) -> dict[str, object]:
        """Return what `decode` takes."""
        return asdict(self)

    @classmethod
    def decode(cls, body: object) -> Run:
        """Return the run.

        Raises:
            RefusedError: a field is missing or wrong.
        """
        fields = Fields(body)
        return cls(
            name=fields.name(),
            stage=fields.text("stage"),
            digest=fields.text("digest"),
            argv=fields.texts("argv"),
            cwd=fields.path("cwd"),
            environment=fields.variables("environment"),
            log=fields.path("log"),
            log_bytes=fields.whole("log_bytes"),
            log_keep=fields.whole("log_keep", high=1000),
            rows=fields.whole("rows", high=0xFFFF),
            cols=fields.whole("cols", high=0xFFFF),
        )


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What the shim knows of a run, alive or ended."""

    name: str
    stage: str
    digest: str
    pid: int
    start_ticks: int
    """Field 22 of /proc/PID/stat; with the pid it identifies the process. 0 where there is none."""
    started_at: float
    """Seconds since the epoch, as is `ended_at`."""
    exit: int | None = None
    """Exit code or negated signal; None while the process or anything it left behind lives."""
    ended_at: float | None = None
    reason: str = ""
    """Why it was stopped; empty if it was not."""
    log_error: str = ""
    """Why output is being lost right now; empty if it is not."""

    def encode(self) -> dict[str, object]:
        """Return what `decode` takes."""
        return asdict(self)

    @classmethod
    def decode(cls, body: object) -> RunStatus:
        """Return the status.

        Raises:
            RefusedError: a field is missing or wrong.
        """
        fields = Fields(body)
        return cls(
            name=fields.name(),
            stage=fields.text("stage"),
            digest=fields.text("digest"),
            pid=fields.whole("pid"),
            start_ticks=fields.whole("start_ticks"),
            started_at=fields.number("started_at"),
            exit=fields.exit("exit"),
            ended_at=fields.optional_number("ended_at"),
            reason=fields.text("reason"),
            log_error=fields.text("log_error"),
        )


@dataclass(frozen=True, slots=True)
class ShimState:
    """A shim and everything it runs."""

    identity: str
    pid: int
    version: int
    note: str
    runs: Mapping[str, RunStatus]

    def encode(self) -> dict[str, object]:
        """Return what `decode` takes."""
        return {
            "identity": self.identity,
            "pid": self.pid,
            "version": self.version,
            "note": self.note,
            "runs": [run.encode() for run in self.runs.values()],
        }

    @classmethod
    def decode(cls, body: object) -> ShimState:
        """Return the state.

        Raises:
            RefusedError: a field is missing or wrong.
        """
        fields = Fields(body)
        runs = map(RunStatus.decode, fields.objects("runs"))
        return cls(
            identity=fields.text("identity"),
            pid=fields.whole("pid"),
            version=fields.whole("version"),
            note=fields.text("note", limit=NOTE_BYTES),
            runs={run.name: run for run in runs},
        )


def describe_exit(code: int) -> str:
    """Return `exited with 1` or `killed by SIGKILL`."""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
