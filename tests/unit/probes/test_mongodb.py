import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.probes import ProbeError, mongodb
from devenv.probes.bson import parse_document, render_document


def header(size: int = 100, answers: int = mongodb.REQUEST, kind: int = mongodb.OP_MSG) -> bytes:
    return struct.pack("<iiii", size, 7, answers, kind)


def test_hello_is_one_message_to_the_admin_database():
    message = mongodb.render_hello()

    assert struct.unpack_from("<iiii", message) == (len(message), 1, 0, 2013)
    assert parse_document(message[21:]) == {"hello": 1, "$db": "admin"}


def test_the_size_that_follows_the_header_is_told():
    assert mongodb.parse_header(header(100)) == 84


@pytest.mark.parametrize(
    "bad", [header(answers=2), header(kind=1), header(16), header(-1), header(1 << 30), b"HTTP" * 4]
)
def test_a_header_that_answers_nothing_of_ours_is_refused(bad):
    with pytest.raises(ProbeError, match="other than the MongoDB protocol"):
        mongodb.parse_header(bad)


def test_the_plain_fields_of_the_answer_are_read():
    body = b"\0\0\0\0\0" + render_document({"ok": 1})

    assert mongodb.parse_reply(body) == {"ok": 1}


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(body):
    with contextlib.suppress(ProbeError):
        mongodb.parse_header(body[:16].ljust(16, b"\0"))
        mongodb.parse_reply(body)
