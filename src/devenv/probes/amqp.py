"""Ready when the application's own user can open its own virtual host: AMQP 0-9-1, sections 2.2
and 4.2 of the specification, from the protocol header to a clean close.

The frames are read and made by pure functions; whatever bytes come, they raise nothing but
`ProbeError`.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from devenv.model.unit import ServiceProbe
from devenv.probes.base import ProbeError
from devenv.probes.streams import converse

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
FRAME_HEADER = struct.Struct(">BHI")
METHOD_FRAME = 1
HEARTBEAT_FRAME = 8
FRAME_END = b"\xce"
LARGEST_FRAME = 1 << 17
"""Before a frame size is agreed, servers send little; RabbitMQ's limit is 128 KiB."""

START, START_OK = (10, 10), (10, 11)
TUNE, TUNE_OK = (10, 30), (10, 31)
OPEN, OPEN_OK = (10, 40), (10, 41)
CLOSE, CLOSE_OK = (10, 50), (10, 51)

ACCESS_REFUSED = 403
REPLY_SUCCESS = 200
STRANGE = "answered with something other than AMQP 0-9-1"


@dataclass(frozen=True, slots=True)
class Method:
    """A method frame on channel 0: (class, method) and its arguments, not yet taken apart."""

    id: tuple[int, int]
    arguments: bytes


async def check_amqp(probe: ServiceProbe) -> None:
    """Log in, open the virtual host, close."""
    async with converse(probe.endpoint) as (reader, writer):
        writer.write(PROTOCOL_HEADER)
        await _expect(reader, START, probe)
        writer.write(render_start_ok(probe.user, probe.password))
        tune = await _expect(reader, TUNE, probe)
        writer.write(render_method(TUNE_OK, tune.arguments) + render_open(probe.database))
        await _expect(reader, OPEN_OK, probe)
        writer.write(render_close())
        await _expect(reader, CLOSE_OK, probe)


async def _expect(
    reader: asyncio.StreamReader, expected: tuple[int, int], probe: ServiceProbe
) -> Method:
    method = await _read_method(reader)
    if method.id == CLOSE:
        raise ProbeError(explain_close(method.arguments, probe))
    if method.id != expected:
        raise ProbeError(STRANGE)
    return method


async def _read_method(reader: asyncio.StreamReader) -> Method:
    while True:
        kind, size = parse_frame_header(await reader.readexactly(FRAME_HEADER.size))
        body = await reader.readexactly(size + len(FRAME_END))
        if kind == METHOD_FRAME:
            return parse_method(body)


def parse_frame_header(header: bytes) -> tuple[int, int]:
    """Return a frame's type and the size of its payload.

    Raises:
        ProbeError: no server of AMQP 0-9-1 sends such a header while a connection is opened.
    """
    kind, channel, size = FRAME_HEADER.unpack(header)
    if kind not in {METHOD_FRAME, HEARTBEAT_FRAME} or channel != 0 or size > LARGEST_FRAME:
        raise ProbeError(STRANGE)
    return kind, size


def parse_method(body: bytes) -> Method:
    """Return the method of a frame's payload with the frame's end.

    Raises:
        ProbeError: it is cut short or has no end.
    """
    payload, end = body[:-1], body[-1:]
    if end != FRAME_END or len(payload) < struct.calcsize(">HH"):
        raise ProbeError(STRANGE)
    class_id, method_id = struct.unpack_from(">HH", payload)
    return Method((class_id, method_id), payload[4:])


def explain_close(arguments: bytes, probe: ServiceProbe) -> str:
    """Return why the server closed the connection, in a user's words."""
    if len(arguments) < struct.calcsize(">HB"):
        return STRANGE
    code, size = struct.unpack_from(">HB", arguments)
    if code == ACCESS_REFUSED:
        return f"access denied for user `{probe.user}`"
    return f"the broker says: {arguments[3 : 3 + size].decode('utf-8', 'replace')}"


def render_method(method: tuple[int, int], arguments: bytes) -> bytes:
    """Return a method frame on channel 0."""
    payload = struct.pack(">HH", *method) + arguments
    return FRAME_HEADER.pack(METHOD_FRAME, 0, len(payload)) + payload + FRAME_END


def render_start_ok(user: str, password: str) -> bytes:
    """Return the login; the capability asks the broker to say why it refuses one."""
    capabilities = _short("authentication_failure_close") + b"t\x01"
    properties = _short("capabilities") + b"F" + _long(capabilities)
    response = b"\0" + user.encode() + b"\0" + password.encode()
    arguments = _long(properties) + _short("PLAIN") + _long(response) + _short("en_US")
    return render_method(START_OK, arguments)


def render_open(vhost: str) -> bytes:
    """Return the request to open *vhost*; two reserved fields follow it."""
    return render_method(OPEN, _short(vhost) + _short("") + b"\0")


def render_close() -> bytes:
    """Return an orderly close, blaming no method."""
    arguments = struct.pack(">H", REPLY_SUCCESS) + _short("") + struct.pack(">HH", 0, 0)
    return render_method(CLOSE, arguments)


def _short(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">B", len(data)) + data


def _long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
