import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.model.unit import Endpoint, HttpProbe
from devenv.probes import ProbeError
from devenv.probes.http import parse_status, render_request

ENDPOINT = Endpoint("127.84.1.2", 8000)


def test_the_request_is_whole():
    request = render_request(HttpProbe(ENDPOINT, "/health?full=1", "www.drund.localhost"))

    assert request == (
        b"GET /health?full=1 HTTP/1.1\r\nHost: www.drund.localhost\r\n"
        b"User-Agent: devenv\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_without_a_host_the_endpoint_is_it():
    assert b"\r\nHost: 127.84.1.2:8000\r\n" in render_request(HttpProbe(ENDPOINT, "/"))


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_no_path_adds_a_line_or_a_word_to_the_request(path):
    first, *rest = render_request(HttpProbe(ENDPOINT, path)).split(b"\r\n")

    assert len(first.split(b" ")) == 3
    assert rest[0] == b"Host: 127.84.1.2:8000"
    assert len(rest) == 6


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"HTTP/1.1 200 OK\r\n", 200), (b"HTTP/1.0 404\n", 404), (b"HTTP/1.1 503 \r\n", 503)],
)
def test_the_status_is_read(line, status):
    assert parse_status(line) == status


@pytest.mark.parametrize("line", [b"", b"+PONG\r\n", b"HTTP/1.1 999 Odd\r\n", b"HTTP/2 200\r\n"])
def test_what_is_no_status_line_is_refused(line):
    with pytest.raises(ProbeError, match="other than HTTP"):
        parse_status(line)


@given(st.binary(max_size=60))
def test_garbage_raises_nothing_else(line):
    with contextlib.suppress(ProbeError):
        assert 100 <= parse_status(line) < 600
