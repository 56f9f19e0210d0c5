import pytest

from devenv.daemon.request import Request
from devenv.errors import DevenvError


def test_what_is_absent_has_its_default():
    request = Request({})
    assert (request.text("name", "x"), request.names(), request.flag("kill")) == ("x", (), False)
    assert (request.count("tail", 7), request.environ()) == (7, {})


@pytest.mark.parametrize(
    ("take", "body"),
    [
        (lambda r: r.text("cwd"), {}),
        (lambda r: r.text("cwd"), {"cwd": 1}),
        (lambda r: r.names(), {"names": "web"}),
        (lambda r: r.names(), {"names": [1]}),
        (lambda r: r.count("tail", 1), {"tail": True}),
        (lambda r: r.count("tail", 1), {"tail": -1}),
        (lambda r: r.count("tail", 1), {"tail": 1.0}),
        (lambda r: r.environ(), {"environ": []}),
        (lambda r: r.environ(), {"environ": {"A": 1}}),
        (lambda r: r.environ(), {"environ": {"A": "\0"}}),
    ],
)
def test_what_is_wrong_is_refused(take, body):
    with pytest.raises(DevenvError) as caught:
        take(Request(body))
    assert caught.value.code == "request.invalid"


def test_only_true_is_true():
    assert Request({"kill": True}).flag("kill")
    assert not Request({"kill": "yes"}).flag("kill")
