import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devenv.daemon.logs import Follower, Line, last_line, merged_tail, parse_line, tail

A = "2026-11-20T20:37:19.123Z"
B = "2026-11-20T20:37:20.456Z"


def test_a_stamp_is_told_from_text():
    assert parse_line("web", f"{A} hello world\n".encode()) == Line("web", A, "hello world")
    assert parse_line("web", b"no stamp here\n") == Line("web", "", "no stamp here")


def test_invalid_bytes_are_shown_and_not_fatal():
    assert parse_line("web", b"\xff\n").text == "\N{REPLACEMENT CHARACTER}"


def test_the_tail_of_a_file_reaches_into_its_last_rotation(tmp_path):
    (tmp_path / "web.log.1").write_text("1\n2\n3\n")
    (tmp_path / "web.log").write_text("4\n5\n")
    assert tail(tmp_path / "web.log", 3) == [b"3\n", b"4\n", b"5\n"]


def test_the_tail_of_a_long_line_is_the_whole_line(tmp_path):
    (tmp_path / "web.log").write_text("x" * 1_000_000 + "\n")
    assert len(tail(tmp_path / "web.log", 1)[0]) == 1_000_001


def test_a_missing_log_is_empty(tmp_path):
    assert tail(tmp_path / "none.log", 5) == []
    assert last_line(tmp_path / "none.log") == ""


def test_logs_are_merged_by_time_and_continuations_stay_with_their_line(tmp_path):
    (tmp_path / "a.log").write_text(f"{B} second\n  more of it\n")
    (tmp_path / "b.log").write_text(f"{A} first\n")
    lines = merged_tail({"a": tmp_path / "a.log", "b": tmp_path / "b.log"}, 10)
    assert [line.text for line in lines] == ["first", "second", "  more of it"]


# -- following ------------------------------------------------------------------------------


def rotate(path, text):
    """As the shim does: the old file is renamed, and a new one begun."""
    for number in (2, 1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))
    path.write_text(text)


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def follow(path, *happenings):
    """Follow a log while one thing after the other happens to it; return the lines seen."""
    seen, left = [], list(happenings)

    class Done(Exception):  # noqa: N818
        pass

    async def watch(_unit, _inode, _size):
        if not left:
            raise Done
        left.pop(0)()

    async def read():
        with suppress(Done):
            async for batch in Follower("web", path).lines(watch):
                seen.extend(line.text for line in batch)

    asyncio.run(read())
    return seen


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr("devenv.daemon.logs.FRUITLESS_S", 0)
    path = tmp_path / "web.log"
    path.write_text("old\n")
    return path


def test_a_follower_begins_at_the_end(log):
    assert follow(log, lambda: append(log, "new\n")) == ["new"]


def test_a_line_is_shown_when_it_is_whole(log):
    assert follow(log, lambda: append(log, "ne"), lambda: append(log, "w\n")) == ["new"]


def test_a_log_that_begins_later_is_followed_from_its_beginning(log):
    log.unlink()
    assert follow(log, lambda: append(log, "first\n")) == ["first"]


def test_lines_written_just_before_a_rotation_are_not_lost(log):
    def write_and_rotate():
        append(log, "last of the old\n")
        rotate(log, "first of the new\n")

    assert follow(log, write_and_rotate) == ["last of the old", "first of the new"]


def test_a_reader_that_is_several_rotations_behind_skips_nothing(log):
    def rotate_often():
        append(log, "1\n")
        for number in (2, 3, 4):
            rotate(log, f"{number}\n")

    assert follow(log, rotate_often) == ["1", "2", "3", "4"]


def test_a_line_over_two_files_is_one_line(log):
    def split():
        append(log, "first half, ")
        rotate(log, "second half\n")

    assert follow(log, split) == ["first half, second half"]


def test_a_log_that_was_deleted_is_followed_again_when_it_is_back(log):
    assert follow(log, log.unlink, lambda: append(log, "again\n")) == ["again"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=4))
def test_every_line_is_seen_once_and_in_order_however_they_are_spread(tmp_path, files):
    log = tmp_path / "spread.log"
    for number in (1, 2, 3, 4):
        log.with_name(f"{log.name}.{number}").unlink(missing_ok=True)
    log.write_text("")

    def write():
        for number, lines in enumerate(files):
            text = "".join(f"{line}\n" for line in lines)
            if number:
                rotate(log, text)
            else:
                append(log, text)

    assert follow(log, write) == [str(line) for lines in files for line in lines]
