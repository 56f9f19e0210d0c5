from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.shim.framing import (
    FRAME_BYTES,
    INPUT,
    OUTPUT,
    SIZE,
    Frames,
    Lines,
    decode_line,
    decode_window,
    encode_frames,
    encode_line,
    encode_window,
)
from devenv.shim.protocol import RefusedError

objects = st.dictionaries(st.text(max_size=9), st.text() | st.integers() | st.none(), max_size=5)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Return *data* in pieces of those sizes, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


cuts = st.lists(st.integers(1, 40), max_size=20)


@given(st.lists(objects, max_size=5), cuts)
def test_lines_come_out_whole_however_they_are_cut(messages, sizes):
    data = b"".join(map(encode_line, messages))
    lines = Lines()
    got = [decode_line(line) for piece in cut(data, sizes) for line in lines.feed(piece)]
    assert got == messages
    assert lines.rest() == b""


@given(st.lists(st.tuples(st.sampled_from([INPUT, OUTPUT]), st.binary(max_size=99))), cuts)
def test_frames_come_out_whole_however_they_are_cut(sent, sizes):
    data = b"".join(encode_frames(kind, payload) for kind, payload in sent)
    frames = Frames()
    assert [frame for piece in cut(data, sizes) for frame in frames.feed(piece)] == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_of_an_object_or_refused(data):
    with suppress(RefusedError):
        assert isinstance(decode_line(data), dict)


def test_deep_nesting_is_refused():
    with pytest.raises(RefusedError):
        decode_line(b"[" * 100_000)


def test_a_line_without_end_is_refused():
    lines = Lines(limit=10)
    assert list(lines.feed(b"0123456789")) == []
    with pytest.raises(RefusedError):
        list(lines.feed(b"x"))


def test_what_follows_the_last_line_is_given_back():
    lines = Lines()
    assert next(lines.feed(b"{}\nframes\n")) == b"{}"
    assert lines.rest() == b"frames\n"


def test_a_long_payload_is_split():
    payload = bytes(FRAME_BYTES) + b"end"
    frames = list(Frames().feed(encode_frames(OUTPUT, payload)))
    assert [len(data) for _, data in frames] == [FRAME_BYTES, 3]


def test_a_frame_beyond_the_bound_is_refused():
    with pytest.raises(RefusedError):
        list(Frames().feed(b"i\xff\xff\xff\xff"))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_window_sizes_survive(rows, cols):
    [(kind, payload)] = Frames().feed(encode_window(rows, cols))
    assert kind == SIZE
    assert decode_window(payload) == (min(rows, 65535), min(cols, 65535))


def test_a_wrong_window_size_is_refused():
    with pytest.raises(RefusedError):
        decode_window(b"123")
