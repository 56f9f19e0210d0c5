import pytest

from devenv.daemon import https_port
from devenv.daemon.https_port import check_port, https_port_of
from devenv.errors import DevenvError
from devenv.system.ports import Holder


@pytest.mark.parametrize(("environ", "port"), [({}, 8443), ({"DEVENV_HTTPS_PORT": "9443"}, 9443)])
def test_the_port_is_the_users_or_8443(environ, port):
    assert https_port_of(environ) == port


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "4e3", " 8443", "x"])
def test_a_port_that_is_none_is_refused(text):
    with pytest.raises(DevenvError) as caught:
        https_port_of({"DEVENV_HTTPS_PORT": text})
    assert caught.value.message == (
        f"DEVENV_HTTPS_PORT: expected a port from 1 to 65535, got {text!r}"
    )


def test_a_busy_port_is_told_with_who_has_it(monkeypatch):
    monkeypatch.setattr(https_port, "is_free", lambda *_: False)
    monkeypatch.setattr(https_port, "holder", lambda *_: Holder(812, "nginx"))
    with pytest.raises(DevenvError) as caught:
        check_port(8443)
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        "port.in-use",
        "cannot listen on port 8443: it is in use by `nginx` (pid 812)",
        "stop that program, or choose another port: `DEVENV_HTTPS_PORT=9443 devenv up`",
    )


def test_a_low_port_says_how_it_may_be_used(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(https_port, "is_free", refuse)
    with pytest.raises(DevenvError) as caught:
        check_port(443)
    assert (caught.value.code, caught.value.hint) == ("port.privileged", "sudo ./devenv serve")
