import errno
import socket
from pathlib import Path

import pytest

from devenv.system import ports
from devenv.system.ports import Holder, has_ipv6_loopback, holder, is_free

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode\n"
TCP = HEAD + (
    "   0: 0900007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 501 1 0\n"
    "   1: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 502 1 0\n"
    "   2: 0900007F:0CEA 0100007F:8888 01 00000000:00000000 00:00000000 00000000  1000 0 503 1 0\n"
)
TCP6 = HEAD + (
    "   0: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000 0 504 1 0\n"
    "   1: 00000000000000000000000000000000:1F42 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000 0 505 1 0\n"
)


@pytest.fixture
def inodes(monkeypatch):
    """Who listens, as the two tables say."""
    tables = {"/proc/net/tcp": TCP, "/proc/net/tcp6": TCP6}
    monkeypatch.setattr(Path, "read_text", lambda path, **_: tables[str(path)])
    return lambda host, port: {
        int(name.strip("socket:[]")) for name in ports._listening_inodes(host, port)
    }


@pytest.mark.parametrize(
    ("host", "port", "found"),
    [
        ("127.0.0.9", 8000, {501}),
        ("127.0.0.8", 8000, set()),
        ("127.0.0.8", 6379, {502}),
        ("127.0.0.9", 3306, set()),
        ("::1", 8001, {504}),
        ("::1", 8002, {505}),
        ("127.0.0.9", 8002, {505}),
        ("127.0.0.9", 8001, set()),
    ],
    ids=[
        "its own address",
        "another address",
        "every address",
        "connected, not listening",
        "IPv6 loopback",
        "every IPv6 address",
        "every address of both families",
        "IPv6 loopback is not IPv4",
    ],
)
def test_the_kernels_tables_tell_who_listens(inodes, host, port, found):
    assert inodes(host, port) == found


def test_without_the_tables_nobody_is_named(monkeypatch):
    def missing(_path, **_):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert holder("127.0.0.9", 8000) is None


def test_a_holder_is_named_with_its_pid():
    assert str(Holder(812, "redis-server")) == "`redis-server` (pid 812)"


class Probe:
    """A socket whose `bind` ends as the test says."""

    def __init__(self, error=None):
        self._error = error

    def __call__(self, *_):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        pass

    def setsockopt(self, *_):
        pass

    def listen(self, _backlog):
        pass

    def bind(self, _address):
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize(
    ("error", "free"), [(None, True), (OSError(errno.EADDRINUSE, "in use"), False)]
)
def test_a_port_is_free_when_it_can_be_bound(monkeypatch, error, free):
    monkeypatch.setattr(socket, "socket", Probe(error))
    assert is_free("127.0.0.9", 8000) is free


def test_an_address_that_is_not_there_is_no_busy_port(monkeypatch):
    monkeypatch.setattr(socket, "socket", Probe(OSError(errno.EADDRNOTAVAIL, "no such address")))
    with pytest.raises(OSError, match="no such address"):
        is_free("10.9.9.9", 8000)
    assert not has_ipv6_loopback()
