"""Pure. The fields of a request as they arrive from a client, each taken with its type checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devenv.daemon.logs import Place
from devenv.errors import DevenvError


class Request:
    """The fields of a request, each taken with its type checked."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._body.get(key, default)
        if not isinstance(value, str):
            raise DevenvError(f"{key}: expected a text, got {value!r}", code="request.invalid")
        return value

    def names(self, key: str = "names") -> tuple[str, ...]:
        """Return a list of texts; absent: none."""
        value = self._body.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise DevenvError(f"{key}: expected a list of names", code="request.invalid")
        return tuple(value)

    def flag(self, key: str) -> bool:
        """Return a truth value; absent: false."""
        return self._body.get(key) is True

    def count(self, key: str, default: int) -> int:
        """Return a whole number from 0 to a million."""
        value = self._body.get(key, default)
        if type(value) is not int or not 0 <= value <= 1_000_000:
            raise DevenvError(f"{key}: expected a whole number", code="request.invalid")
        return value

    def places(self) -> Mapping[str, Place]:
        """Return where in their logs to go on, by unit; absent: nowhere."""
        value = self._body.get("resume", {})
        try:
            return {str(unit): Place(int(inode), int(at)) for unit, (inode, at) in value.items()}
        except (AttributeError, TypeError, ValueError):
            raise DevenvError("resume: expected places", code="request.invalid") from None

    def environ(self) -> Mapping[str, str]:
        """Return the caller's environment variables."""
        value = self._body.get("environ", {})
        if not isinstance(value, dict) or not all(
            isinstance(k, str) and isinstance(v, str) and "\0" not in k + v
            for k, v in value.items()
        ):
            raise DevenvError("environ: expected variables", code="request.invalid")
        return value
