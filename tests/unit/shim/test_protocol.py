from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.shim.protocol import (
    NOTE_BYTES,
    RefusedError,
    Run,
    RunStatus,
    ShimState,
    describe_exit,
)

handable = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50
) | st.just("\udc80 not UTF-8")
names = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=50)
paths = handable.map(lambda text: "/" + text)
whole = st.integers(0, 2**31)
seconds = st.floats(0, 1e12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
)

runs = st.builds(
    Run,
    name=names,
    stage=handable,
    digest=handable,
    argv=st.lists(handable, min_size=1, max_size=5).map(tuple),
    cwd=paths,
    environment=st.dictionaries(handable.filter(lambda key: key and "=" not in key), handable),
    log=paths,
    log_bytes=whole,
    log_keep=st.integers(0, 1000),
    rows=st.integers(0, 65535),
    cols=st.integers(0, 65535),
)
statuses = st.builds(
    RunStatus,
    name=names,
    stage=handable,
    digest=handable,
    pid=whole,
    start_ticks=whole,
    started_at=seconds,
    exit=st.none() | st.integers(-64, 255),
    ended_at=st.none() | seconds,
    reason=handable,
    log_error=handable,
)
RUN = Run("web", "main", "d", ("true",), "/", {"PATH": "/bin"}, "/tmp/web.log")


def through_json(body: object) -> object:
    return json.loads(json.dumps(body))


@given(runs)
def test_a_run_survives_the_way_through_json(run):
    assert Run.decode(through_json(run.encode())) == run


@given(statuses)
def test_a_status_survives_the_way_through_json(status):
    assert RunStatus.decode(through_json(status.encode())) == status


@given(st.lists(statuses, unique_by=lambda status: status.name), handable)
def test_a_state_survives_the_way_through_json(found, note):
    state = ShimState("id", 1, 1, note, {status.name: status for status in found})
    assert ShimState.decode(through_json(state.encode())) == state


@given(st.sampled_from(sorted(RUN.encode())), json_values)
def test_any_value_of_any_field_is_taken_or_refused(key, value):
    with suppress(RefusedError):
        run = Run.decode({**RUN.encode(), "argv": ["true"], key: value})
        assert Run.decode(through_json(run.encode())) == run


@given(json_values)
def test_anything_that_is_no_status_is_refused(value):
    with pytest.raises(RefusedError):
        RunStatus.decode(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "x" * 201),
        ("argv", []),
        ("argv", ["a\0b"]),
        ("argv", "true"),
        ("cwd", "relative"),
        ("log", ""),
        ("environment", {"A=B": "x"}),
        ("environment", {"": "x"}),
        ("environment", {"A": 1}),
        ("environment", {"A": "\ud800"}),
        ("rows", 65536),
        ("rows", -1),
        ("rows", True),
        ("rows", 1.5),
        ("log_keep", None),
    ],
)
def test_what_the_kernel_would_not_take_is_refused(key, value):
    with pytest.raises(RefusedError) as caught:
        Run.decode(through_json({**RUN.encode(), key: value}))
    assert caught.value.message.startswith(f"{key}: expected ")


def test_unknown_keys_are_ignored_for_a_newer_peer():
    assert Run.decode(through_json({**RUN.encode(), "newer": 1})) == RUN


def test_a_note_longer_than_its_bound_is_refused():
    body = ShimState("id", 1, 1, "x" * (NOTE_BYTES + 1), {}).encode()
    with pytest.raises(RefusedError):
        ShimState.decode(body)


def test_the_environment_is_not_printed():
    assert "PATH" not in repr(RUN)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exited with 0"),
        (1, "exited with 1"),
        (-9, "killed by SIGKILL"),
        (-35, "killed by signal 35"),
    ],
)
def test_an_exit_is_described_in_words(code, text):
    assert describe_exit(code) == text
