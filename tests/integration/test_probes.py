"""Probes against servers that do not answer as they should; the good answers are in
`test_services_native.py`."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devenv.model.unit import Endpoint, HttpProbe, ServiceProbe, TcpProbe
from devenv.probes import ProbeError, check

pytestmark = pytest.mark.integration

HOST = "127.77.31.1"
TIMEOUT_S = 0.5


def probes(endpoint):
    return [
        HttpProbe(endpoint, "/health"),
        *(
            ServiceProbe(protocol, endpoint, "app", "app", "app")
            for protocol in ("mysql", "redis", "amqp", "mongodb")
        ),
    ]


NAMES = ["http", "mysql", "redis", "amqp", "mongodb"]


@contextmanager
def server(answer: bytes | None) -> Iterator[Endpoint]:
    """Send *answer* to the one client and close; None: keep silent until the client has gone."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            if answer is None:
                while connection.recv(4096):
                    pass
            else:
                connection.sendall(answer)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Endpoint(*listener.getsockname())
        thread.join()


def ask(answer: bytes | None, which: int) -> None:
    with server(answer) as endpoint:
        asyncio.run(check(probes(endpoint)[which], timeout_s=TIMEOUT_S))


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_nothing_listens(which):
    probe = probes(Endpoint(HOST, 1))[which]

    with pytest.raises(ProbeError, match=r"^connection refused$"):
        asyncio.run(check(probe, timeout_s=TIMEOUT_S))


def test_a_port_that_accepts_is_ready():
    with server(b"") as endpoint:
        asyncio.run(check(TcpProbe(endpoint), timeout_s=TIMEOUT_S))


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
@pytest.mark.parametrize(
    "answer",
    [b"", b"\0" * 4096, b"SSH-2.0-OpenSSH_9.2\r\n" * 10, b"\xff" * 200_000],
    ids=["close", "nulls", "ssh", "flood"],
)
def test_an_answer_in_no_protocol_is_not_ready(which, answer):
    with pytest.raises(ProbeError):
        ask(answer, which)


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_silence_is_not_waited_for_longer_than_asked(which):
    begun = time.monotonic()

    with pytest.raises(ProbeError, match=r"no answer within 0\.5 s"):
        ask(None, which)

    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(("status", "ready"), [(200, True), (302, True), (404, False)])
def test_a_status_under_400_is_ready(status, ready):
    answer = f"HTTP/1.1 {status} Word\r\nContent-Length: 0\r\n\r\n".encode()
    if ready:
        ask(answer, 0)
    else:
        with pytest.raises(ProbeError, match="GET /health answered with status 404"):
            ask(answer, 0)
