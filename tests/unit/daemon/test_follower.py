"""Following a log: no line is missed or seen twice, wherever it begins and whatever is renamed."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devenv.daemon.follower import Follower
from devenv.daemon.logs import BEGINNING, Place, tail


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


def follow(path, *happenings, start=None):
    """Follow a log while one thing after the other happens to it; return the texts seen."""
    return [line.text for line in lines_of(Follower("web", path, start), *happenings)]


def lines_of(follower, *happenings):
    """Return the lines that a follower sees while one thing after the other happens."""
    seen, left = [], list(happenings)

    class Done(Exception):  # noqa: N818
        pass

    async def watch(_unit, _inode, _size):
        if not left:
            raise Done
        left.pop(0)()

    async def read():
        with suppress(Done):
            async for batch in follower.lines(watch):
                seen.extend(batch)

    asyncio.run(read())
    return seen


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr("devenv.daemon.follower.FRUITLESS_S", 0)
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


def test_a_log_that_was_emptied_is_followed_from_its_beginning(log):
    assert follow(log, lambda: log.write_text(""), lambda: append(log, "new\n")) == ["new"]


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


# -- places ---------------------------------------------------------------------------------


def test_it_begins_behind_the_last_whole_line(log):
    append(log, "tw")
    assert follow(log, lambda: append(log, "o\n")) == ["two"]


def test_what_follows_the_tail_is_neither_repeated_nor_missed(log):
    follower = Follower("web", log)
    append(log, "two\n")
    assert tail(log, 10, follower.place) == [b"old\n"]
    rotate(log, "three\n")
    assert tail(log, 10, follower.place) == [b"old\n"]
    assert [line.text for line in lines_of(follower)] == ["two", "three"]


def test_another_goes_on_behind_any_line_over_rotations(log):
    append(log, "two\n")
    inode = log.stat().st_ino
    rotate(log, "three\n")
    rotate(log, "four\n")
    assert follow(log, start=Place(inode, 4)) == ["two", "three", "four"]
    assert follow(log, start=Place(inode, 8)) == ["three", "four"]


def test_each_line_tells_the_place_behind_it(log):
    append(log, "two\nthr")
    inode = log.stat().st_ino
    lines = lines_of(Follower("web", log, BEGINNING))
    assert [line.end for line in lines] == [Place(inode, 4), Place(inode, 8)]


def test_the_place_behind_a_line_over_two_files_is_in_the_second(log):
    append(log, "first half, ")
    follower = Follower("web", log)
    (line,) = lines_of(follower, lambda: rotate(log, "second half\n"))
    assert line.end == Place(log.stat().st_ino, len("second half\n"))


def test_a_place_that_is_gone_means_the_oldest_there_is(log):
    rotate(log, "two\n")
    assert follow(log, start=Place(1, 99)) == ["old", "two"]


def test_a_log_that_was_not_there_yet_is_read_from_its_beginning(log):
    log.unlink()
    follower = Follower("web", log)
    assert follower.place == BEGINNING
    follower.close()
    append(log, "one\n")
    assert follow(log, start=BEGINNING) == ["one"]
