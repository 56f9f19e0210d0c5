"""The daemon's socket: who may ask, how requests and answers are framed.

One request per connection, a JSON object on one line; the answer is any number of `{"event": ...}`
lines and then one `{"ok": ...}` or `{"error": {code, message, hint, exit}}`. A client that goes
away cancels its request, never what the request began.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from devenv.errors import DevenvError, ExitCode

Json = dict[str, Any]
Emit = Callable[[Json], Awaitable[None]]
Handler = Callable[[Json, Emit], Awaitable[Any]]

REQUEST_BYTES = 4 * 1024 * 1024
"""The caller's environment is part of a request; the kernel bounds it at 2 MiB."""

log = logging.getLogger(__name__)


class _ClientGoneError(Exception):
    """Nobody is there any more to be answered."""


class Server:
    """Accepts requests of this user (and of root) and hands them to *handler*."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler

    async def start(self) -> asyncio.Server:
        """Bind the socket; whoever holds the daemon's lock may replace a stale one."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(old)
        return await asyncio.start_unix_server(self._serve, sock=listener, limit=REQUEST_BYTES)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not _is_trusted(writer):
                return
            line = await reader.readline()
            if line:
                await self._answer(line, reader, writer)
        except (ConnectionError, ValueError):
            return  # gone, or a line without end
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async def emit(event: Json) -> None:
            try:
                writer.write(json.dumps(event).encode() + b"\n")
                await writer.drain()
            except ConnectionError as error:
                raise _ClientGoneError from error

        async with asyncio.TaskGroup() as group:
            answering = group.create_task(self._outcome(line, emit))
            watching = group.create_task(_until_gone(reader, answering))
            with contextlib.suppress(asyncio.CancelledError, _ClientGoneError):
                await emit(await answering)
            watching.cancel()

    async def _outcome(self, line: bytes, emit: Emit) -> Json:
        try:
            return {"ok": await self._handler(_decode(line), emit)}
        except DevenvError as error:
            return _failure(error)
        except _ClientGoneError:
            return {}
        except OSError as error:
            return _failure(_explained(error))
        except Exception:
            log.exception("a request failed: %s", line[:60])  # no more: it holds variables
            return _failure(
                DevenvError(
                    "devenv met a bug of its own",
                    hint="the traceback is in the daemon's log; please report it",
                    code="bug",
                )
            )


def _decode(line: bytes) -> Json:
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise DevenvError("expected a JSON object on one line", code="request.invalid")
    return request


async def _until_gone(reader: asyncio.StreamReader, answering: asyncio.Task[Json]) -> None:
    """Cancel the answer when the client closes its end; whatever else it says is ignored."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(4096):
            pass
    answering.cancel()


def _explained(error: OSError) -> DevenvError:
    """Return what to tell the user of a failure of the system that nobody below could name."""
    if isinstance(error, ConnectionError | TimeoutError):
        return DevenvError(
            "the shim of this checkout was lost, or does not answer",
            hint="type the command again; what still runs is found and kept",
            code="shim.silent",
        )
    place = "" if error.filename is None else f"`{error.filename}`: "
    return DevenvError(
        f"cannot do that: {place}{error.strerror or error}",
        hint="check its permissions and the free space on its disk",
        code="system.failed",
    )


def _failure(error: DevenvError) -> Json:
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "exit": int(ExitCode(error.exit_code)),
        }
    }


def _is_trusted(writer: asyncio.StreamWriter) -> bool:
    """Tell whether the peer is this user or root (SO_PEERCRED, unix(7))."""
    peer = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's folder is 0700, which macOS honours for connect
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in {0, os.geteuid()}
