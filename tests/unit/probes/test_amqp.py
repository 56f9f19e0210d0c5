import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.model.unit import Endpoint, ServiceProbe
from devenv.probes import ProbeError, amqp

PROBE = ServiceProbe("amqp", Endpoint("127.0.0.1", 5672), "app", "secret", "shop")


def close(code: int, text: bytes) -> bytes:
    return struct.pack(">HB", code, len(text)) + text + b"\0\0\0\0"


def test_a_method_that_was_rendered_parses_to_itself():
    frame = amqp.render_method(amqp.OPEN, b"arguments")

    kind, size = amqp.parse_frame_header(frame[:7])

    assert (kind, size) == (amqp.METHOD_FRAME, len(frame) - 8)
    assert amqp.parse_method(frame[7:]) == amqp.Method(amqp.OPEN, b"arguments")


def test_the_login_holds_user_and_password_between_nulls():
    assert b"\0app\0secret" in amqp.render_start_ok("app", "secret")


def test_the_virtual_host_is_a_short_string():
    assert amqp.render_open("shop") == b"\x01\0\0\0\0\0\x0b\0\x0a\0\x28\x04shop\0\0\xce"


def test_a_refused_login_names_the_user():
    reason = amqp.explain_close(close(403, b"ACCESS_REFUSED"), PROBE)

    assert reason == "access denied for user `app`"


def test_another_close_is_told_in_the_brokers_words():
    reason = amqp.explain_close(close(530, b"NOT_ALLOWED - vhost shop not found"), PROBE)

    assert reason == "the broker says: NOT_ALLOWED - vhost shop not found"


@pytest.mark.parametrize(
    "header",
    [b"HTTP/1.", b"AMQP\0\0\x09", b"\x01\0\0\xff\xff\xff\xff", b"\x01\0\x01\0\0\0\x04"],
    ids=["http", "protocol header", "too long", "another channel"],
)
def test_a_header_of_something_else_is_refused(header):
    with pytest.raises(ProbeError, match="other than AMQP"):
        amqp.parse_frame_header(header)


@pytest.mark.parametrize("body", [b"", b"\xce", b"\0\x0a\0\x0a\0"])
def test_a_frame_without_method_or_end_is_refused(body):
    with pytest.raises(ProbeError):
        amqp.parse_method(body)


@given(st.binary(min_size=7, max_size=7), st.binary(max_size=200))
def test_garbage_raises_nothing_else(header, body):
    with contextlib.suppress(ProbeError):
        amqp.parse_frame_header(header)
        amqp.explain_close(amqp.parse_method(body).arguments, PROBE)


@given(st.binary(max_size=300))
def test_a_garbled_reason_is_still_text(arguments):
    assert isinstance(amqp.explain_close(arguments, PROBE), str)
