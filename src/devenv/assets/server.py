"""The one place that knows granian: RSGI in, RSGI out, and the life of the process.

granian's embedded server runs on our own event loop, so one process holds everything: half the
memory of its usual parent and worker, and no second place for signals to go wrong. It leaves a
thread behind that panics if the interpreter is torn down under it, so once all is closed and
flushed the process ends without that (`os._exit`). It also shares its port with any other server of
the same user (SO_REUSEPORT), so a port in use is looked for first.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import BinaryIO

from granian.rsgi import (  # type: ignore[attr-defined]  # re-exported without saying so
    HTTPProtocol,
    ProtocolClosed,
    Scope,
)
from granian.server.embed import Server

from devenv.assets.answers import Answer, Request
from devenv.assets.cdn import Cdn
from devenv.errors import DevenvError

CHUNK_BYTES = 256 * 1024
STOP_TIMEOUT_S = 3.0
"""How long answers under way may take after SIGTERM."""
HEADERS = (
    "accept",
    "if-none-match",
    "if-range",
    "range",
    "sec-fetch-dest",
)
"""The headers of a request that the CDN looks at."""

log = logging.getLogger("devenv.assets")


class Application:
    """The RSGI side of a CDN."""

    def __init__(self, cdn: Cdn) -> None:
        self._cdn = cdn

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request; a bug of ours is logged whole and answered in one line."""
        request = _request(scope)
        try:
            answer = await self._cdn.answer(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            answer = Answer(500, (), b"devenv itself failed here; see the log of the CDN\n")
        with suppress(ProtocolClosed):
            await _send(protocol, request, answer)


def _request(scope: Scope) -> Request:
    given = ((name, scope.headers.get(name)) for name in HEADERS)
    return Request(scope.method, scope.path, {name: value for name, value in given if value})


async def _send(protocol: HTTPProtocol, request: Request, answer: Answer) -> None:
    headers = list(answer.headers)
    if answer.status not in {204, 304}:
        headers.append(("content-length", str(answer.size_bytes)))
    if request.method == "HEAD" or not answer.size_bytes:
        protocol.response_empty(answer.status, headers)
    elif answer.path:
        await _stream(protocol, headers, answer)
    else:
        protocol.response_bytes(answer.status, headers, answer.body)


async def _stream(protocol: HTTPProtocol, headers: list[tuple[str, str]], answer: Answer) -> None:
    """Send a part of a file in pieces; one that shrinks meanwhile ends the connection early."""
    try:
        file = await asyncio.to_thread(open, answer.path, "rb")
    except OSError as error:
        log.error("cannot read %s: %s", answer.path, error.strerror)  # noqa: TRY400 (no bug)
        protocol.response_str(500, [], f"cannot read {answer.path}: {error.strerror}\n")
        return
    with file:
        transport = protocol.response_stream(answer.status, headers)
        file.seek(answer.span.start)
        left = len(answer.span)
        while left and (chunk := await asyncio.to_thread(_read, file, left)):
            await transport.send_bytes(chunk)
            left -= len(chunk)


def _read(file: BinaryIO, left: int) -> bytes:
    return file.read(min(CHUNK_BYTES, left))


def check_port(host: str, port: int) -> None:
    """Raise where nothing can listen.

    Raises:
        DevenvError: the port is in use, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            raise DevenvError(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="stop the program that listens there" if in_use else "check the address",
                code="port.in-use" if in_use else "port.unusable",
            ) from error


async def serve(cdn: Cdn, host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code; the children are gone then.

    Raises:
        DevenvError: nothing can listen on that address and port.
    """
    check_port(host, port)
    server = Server(Application(cdn), address=host, port=port, websockets=False, log_enabled=False)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    log.info("listening on http://%s:%d", host, port)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(_run(server, stopping), name="serve")
        await stopping.wait()
        await cdn.close()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=STOP_TIMEOUT_S)
        serving.cancel()
    return 0 if server.interrupt_signal else 1


async def _run(server: Server, stopping: asyncio.Event) -> None:
    """Serve; whatever ends it ends the process."""
    try:
        await server.serve()
    finally:
        stopping.set()


def exit_now(code: int) -> None:
    """End the process with everything written, without tearing the interpreter down."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
