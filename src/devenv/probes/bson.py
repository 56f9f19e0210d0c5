"""Pure. As much of BSON (bsonspec.org, version 1.1) as the answer to a `hello` needs.

Numbers, truth values and strings are read; what else a document holds is stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from devenv.probes.base import ProbeError

STRANGE = "answered with something other than the MongoDB protocol"

FIXED_SIZES: Mapping[int, int] = {
    0x01: 8,  # double
    0x06: 0,  # undefined
    0x07: 12,  # object id
    0x08: 1,  # boolean
    0x09: 8,  # date
    0x0A: 0,  # null
    0x10: 4,  # int32
    0x11: 8,  # timestamp
    0x12: 8,  # int64
    0x13: 16,  # decimal
    0x7F: 0,  # max key
    0xFF: 0,  # min key
}
"""Types whose value has one size."""

PREFIXED_SIZES: Mapping[int, int] = {
    0x02: 4,  # string: the length does not count itself
    0x03: 0,  # document: the length counts itself
    0x04: 0,  # array
    0x05: 5,  # binary: neither the length nor the subtype
    0x0D: 4,  # code
}
"""Types whose value begins with an int32; its whole size is that plus this."""

READERS: Mapping[int, Callable[[bytes], object]] = {
    0x01: lambda value: struct.unpack("<d", value)[0],
    0x02: lambda value: value[4:-1].decode("utf-8", "replace"),
    0x08: lambda value: value != b"\0",
    0x10: lambda value: struct.unpack("<i", value)[0],
    0x12: lambda value: struct.unpack("<q", value)[0],
}


def render_document(fields: Mapping[str, int | str]) -> bytes:
    """Return a document of int32 and string fields."""
    body = b"".join(_render_field(name, value) for name, value in fields.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def parse_document(data: bytes) -> Mapping[str, object]:
    """Return the numbers, truth values and strings of a document.

    Raises:
        ProbeError: the bytes are no document.
    """
    if len(data) < 5 or struct.unpack_from("<i", data)[0] != len(data) or data[-1] != 0:
        raise ProbeError(STRANGE)
    return {name: READERS[kind](value) for name, kind, value in _elements(data) if kind in READERS}


def _render_field(name: str, value: int | str) -> bytes:
    key = name.encode() + b"\0"
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    text = value.encode() + b"\0"
    return b"\x02" + key + struct.pack("<i", len(text)) + text


def _elements(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Yield name, type and value of each element."""
    position, end = 4, len(data) - 1
    while position < end:
        kind = data[position]
        stop = data.find(b"\0", position + 1, end)
        if stop < 0:
            raise ProbeError(STRANGE)
        name = data[position + 1 : stop].decode("utf-8", "replace")
        position = stop + 1
        size = _size(kind, data[position:end])
        yield name, kind, data[position : position + size]
        position += size


def _size(kind: int, rest: bytes) -> int:
    """Return the size of the value that *rest* begins with."""
    size = FIXED_SIZES.get(kind, -1)
    if kind in PREFIXED_SIZES and len(rest) >= 4:
        length = struct.unpack_from("<i", rest)[0]
        size = length + PREFIXED_SIZES[kind] if length > 0 or kind == 0x05 else -1
    if not 0 <= size <= len(rest):
        raise ProbeError(STRANGE)
    return size
