"""Compiled output on disk: it survives restarts, and is believed only if its inputs say so.

One file per output: a line of JSON (inputs, digest, warnings or the failure), then the body. Files
are published by rename; one that cannot be understood counts as missing. The outputs asked for last
are in memory too, checked against their inputs just the same. A failure of the source is an output
like any other, so a broken file is compiled once and not once for each request. When to delete old
files is not decided here.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devenv.assets.inputs import Input, recheck
from devenv.system.files import replace_file

RECENT_BYTES = 24 * 1024 * 1024
"""How much of memory the outputs asked for last may take; more than any one page needs."""
INPUT_BYTES = 525
"""What one input takes, measured: two objects, four large numbers, a path and a digest."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source cannot be compiled, and where; line and column count from 1."""

    message: str
    file: str
    line: int | None = None
    column: int | None = None
    excerpt: tuple[tuple[int, str], ...] = ()
    """Lines around the place with their numbers."""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Failure:
        """Return the failure that the worker or the cache wrote down."""
        excerpt = tuple((int(number), str(text)) for number, text in raw["excerpt"])
        return cls(raw["message"], raw["file"], raw["line"], raw["column"], excerpt)

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Output:
    """What came of a source: a body, or a failure."""

    inputs: tuple[Input, ...]
    body: bytes = b""
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    digest: str = field(init=False)
    """The content digest of the body."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.body).hexdigest())


class OutputCache:
    """Outputs by key, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recent: OrderedDict[str, Output] = OrderedDict()
        self._recent_bytes = 0

    def fresh(self, key: str) -> Output | None:
        """Return the output under *key* if all that it was made from is unchanged."""
        output = self._recent.get(key) or self._load(key)
        inputs = recheck(output.inputs) if output else None
        if output is None or inputs is None:
            self._forget(key)
            return None
        if inputs != output.inputs and not any(entry.is_racy for entry in inputs):
            output = replace(output, inputs=inputs)
            with suppress(OSError):  # the next start reads the inputs again, that is all
                self.store(key, output)
        self._remember(key, output)
        return output

    def store(self, key: str, output: Output) -> None:
        """Keep *output* under *key*.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        head: dict[str, Any] = {
            "inputs": [entry.to_json() for entry in output.inputs],
            "warnings": output.warnings,
            "digest": output.digest,
        }
        if output.failure is not None:
            failure = output.failure
            head["failure"] = {name: getattr(failure, name) for name in failure.__slots__}
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._path(key), json.dumps(head).encode() + b"\n" + output.body)

    def _load(self, key: str) -> Output | None:
        try:
            line, _, body = self._path(key).read_bytes().partition(b"\n")
            head = json.loads(line)
            failure = head.get("failure")
            output = Output(
                tuple(Input.from_json(raw) for raw in head["inputs"]),
                body,
                tuple(head["warnings"]),
                Failure.from_json(failure) if failure else None,
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return output if output.digest == head["digest"] else None

    def _remember(self, key: str, output: Output) -> None:
        self._forget(key)
        self._recent[key] = output
        self._recent_bytes += _weight(output)
        while self._recent_bytes > RECENT_BYTES:
            self._forget(next(iter(self._recent)))

    def _forget(self, key: str) -> None:
        output = self._recent.pop(key, None)
        self._recent_bytes -= _weight(output) if output else 0

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _weight(output: Output) -> int:
    return len(output.body) + INPUT_BYTES * (len(output.inputs) + 1)
