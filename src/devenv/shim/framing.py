"""Pure. How messages travel: lines of JSON for control, frames of bytes for an attachment.

A control connection carries newline-delimited JSON: requests `{"id", "op", ...}`, answers
`{"id", "ok"}` or `{"id", "error": {code, message, hint}}`, and events `{"event", ...}`. After
`attach` was answered, a connection carries frames in both directions: one byte of kind, four of
length (network order), the payload. What a message means is not known here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping

from devenv.shim.protocol import RefusedError

LINE_BYTES = 8 * 1024 * 1024
"""A request is bounded by the kernel's 2 MiB for argv and environment, escaped by JSON."""
FRAME_BYTES = 64 * 1024

OUTPUT = b"o"
INPUT = b"i"
SIZE = b"s"
END = b"e"
"""The run ended; the payload is its `RunStatus`."""

_HEADER = struct.Struct("!cI")
_WINDOW = struct.Struct("!HH")


def encode_line(message: Mapping[str, object]) -> bytes:
    """Return *message* as one line; ASCII, so that any text survives."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode_line(line: bytes) -> dict[str, object]:
    """Return the object that one line holds.

    Raises:
        RefusedError: it holds something else.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RefusedError("protocol.invalid", "expected one JSON object per line") from error
    if not isinstance(message, dict):
        raise RefusedError("protocol.invalid", "expected one JSON object per line")
    return message


class Lines:
    """Bytes in, whole lines out."""

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self._limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield every line that *data* completes, without its newline.

        Raises:
            RefusedError: a line is longer than the limit; the stream cannot be used any more.
        """
        self._held += data
        while (end := self._held.find(b"\n")) >= 0:
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            yield line
        if len(self._held) > self._limit:
            raise RefusedError("protocol.too-long", f"a line is longer than {self._limit} bytes")

    def rest(self) -> bytes:
        """Return what came after the last line, and hold nothing any more."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


class Frames:
    """Bytes in, whole frames out."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the kind and the payload of every frame that *data* completes.

        Raises:
            RefusedError: a frame is longer than the limit; the stream cannot be used any more.
        """
        self._held += data
        while len(self._held) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._held)
            if length > FRAME_BYTES:
                raise RefusedError(
                    "protocol.too-long", f"a frame is longer than {FRAME_BYTES} bytes"
                )
            end = _HEADER.size + length
            if len(self._held) < end:
                return
            payload = bytes(self._held[_HEADER.size : end])
            del self._held[:end]
            yield kind, payload


def encode_frames(kind: bytes, payload: bytes) -> bytes:
    """Return *payload* in as many frames as it needs, one at least."""
    starts = range(0, len(payload), FRAME_BYTES) or (0,)
    pieces = (payload[start : start + FRAME_BYTES] for start in starts)
    return b"".join(_HEADER.pack(kind, len(piece)) + piece for piece in pieces)


def encode_window(rows: int, cols: int) -> bytes:
    """Return the frame that tells a window's size."""
    return encode_frames(SIZE, _WINDOW.pack(min(rows, 0xFFFF), min(cols, 0xFFFF)))


def decode_window(payload: bytes) -> tuple[int, int]:
    """Return rows and columns.

    Raises:
        RefusedError: the payload is no window size.
    """
    if len(payload) != _WINDOW.size:
        raise RefusedError("protocol.invalid", "expected a window size")
    rows, cols = _WINDOW.unpack(payload)
    return rows, cols
