"""Errors that a user meets, and the exit codes they end in.

A message is one sentence in lower case without a final stop; the hint is the next command to type
or the edit to make; the code is a stable slug for tests and scripts. Anything that is not a
`DevenvError` is a bug of ours: it is logged with its traceback and reported in one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends; 130 is 128 + SIGINT, as shells have it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


class DevenvError(Exception):
    """A failure that a user can understand and mend."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", code: str = "failed") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a configuration file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(DevenvError):
    """Every mistake found in a configuration, in the order of their places."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: tuple[Problem, ...], *, hint: str = "") -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)), hint=hint, code="config.invalid")


class TerminalError(DevenvError):
    """A failure that a retry cannot mend: nothing is tried again until the spec changes."""
