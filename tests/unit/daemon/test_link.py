import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.daemon.link import Note

NOTE = Note("/home/me/app", ("db", "web"), {"PATH": "/bin"}, 8443)


def test_a_note_survives_the_shim():
    assert Note.decode(NOTE.encode()) == NOTE


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_variables_survive_the_shim(environ):
    note = Note("/a", (), environ, 1)
    assert Note.decode(note.encode()) == note


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "{broken", json.dumps({**json.loads(NOTE.encode()), "wanted": None})],
)
def test_a_note_of_nobody_or_of_another_version_is_none(text):
    assert Note.decode(text) is None
