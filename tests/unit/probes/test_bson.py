import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.probes import ProbeError
from devenv.probes.bson import parse_document, render_document

FIELDS = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8),
    st.integers(-(2**31), 2**31 - 1)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    max_size=6,
)


def document(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


@given(FIELDS)
def test_what_was_rendered_parses_to_itself(fields):
    assert parse_document(render_document(fields)) == fields


def test_what_is_not_plain_is_stepped_over():
    data = document(
        b"\x03nested\0" + render_document({"inner": 1}),
        b"\x04list\0" + render_document({"0": 1}),
        b"\x05binary\0\x02\0\0\0\0ab",
        b"\x07id\0" + b"i" * 12,
        b"\x09date\0" + b"d" * 8,
        b"\x0anull\0",
        b"\x11time\0" + b"t" * 8,
        b"\x08flag\0\x01",
        b"\x01ok\0" + struct.pack("<d", 1.0),
        b"\x12long\0" + struct.pack("<q", 2**40),
    )

    assert parse_document(data) == {"flag": True, "ok": 1.0, "long": 2**40}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05\0\0\0",
        document(b"\x10cut\0\0\0"),
        document(b"\x02text\0\xff\xff\xff\x7fx\0"),
        document(b"\x02text\0\0\0\0\0"),
        document(b"\x03self\0\xff\xff\xff\xff"),
        document(b"\x66unknown\0"),
        document(b"\x10nameless"),
    ],
)
def test_what_is_no_document_is_refused(data):
    with pytest.raises(ProbeError, match="other than the MongoDB protocol"):
        parse_document(data)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(body):
    for data in (body, document(body)):
        with contextlib.suppress(ProbeError):
            parse_document(data)
