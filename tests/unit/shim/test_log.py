from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.shim.log import ENDLESS_LINE_BYTES, LogFile, Stamper

STAMP = b"2026-11-20T20:37:19.123Z "
MOMENT = 1795207039.1239


@pytest.fixture
def stamper() -> Stamper:
    return Stamper(lambda: MOMENT)


def plain(log: Path) -> list[str]:
    return [line[25:] for line in log.read_text().splitlines()]


def test_every_line_gets_a_stamp(stamper):
    assert stamper.render(b"one\r\ntwo\n") == STAMP + b"one\n" + STAMP + b"two\n"


def test_a_line_in_pieces_gets_one_stamp(stamper):
    assert stamper.render(b"on") == STAMP + b"on"
    assert stamper.render(b"e\ntw") == b"e\n" + STAMP + b"tw"
    assert stamper.render(b"o\n") == b"o\n"


def test_a_newline_cut_in_two_is_one_newline(stamper):
    assert stamper.render(b"one\r") + stamper.render(b"\ntwo") == STAMP + b"one\n" + STAMP + b"two"


def test_an_own_line_ends_an_open_one(stamper):
    stamper.render(b"open")
    assert stamper.own_line("exited with 0") == b"\n" + STAMP + b"[devenv] exited with 0\n"
    assert stamper.render(b"next") == STAMP + b"next"


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"bc"]), max_size=30))
def test_nothing_is_lost_or_added_but_stamps(pieces):
    stamper = Stamper(lambda: MOMENT)
    got = b"".join(map(stamper.render, pieces))
    whole = b"".join(pieces)
    held = b"\r" if whole.endswith(b"\r") else b""
    assert got.replace(STAMP, b"") + held == whole.replace(b"\r\n", b"\n")
    assert all(line.startswith(STAMP) for line in got.split(b"\n") if line)


def test_rotation_keeps_whole_lines_and_so_many_files(tmp_path):
    path = tmp_path / "logs" / "web.log"
    log = LogFile(str(path), 1000, 3)
    for number in range(200):
        log.write(b"%04d" % number)
        log.write(b" and so on\n")
    files = [path.with_name(f"web.log.{n}") for n in (3, 2, 1)] + [path]
    assert sorted(path.parent.iterdir()) == sorted(files)
    lines = [line for file in files for line in plain(file)]
    assert lines == [f"{n:04d} and so on" for n in range(200 - len(lines), 200)]
    assert all(file.stat().st_size <= 1000 for file in files)


def test_keeping_none_keeps_only_the_current_file(tmp_path):
    path = tmp_path / "web.log"
    log = LogFile(str(path), 100, 0)
    for number in range(20):
        log.write(b"%04d\n" % number)
    assert list(tmp_path.iterdir()) == [path]
    assert plain(path)[-1] == "0019"


def test_a_line_without_end_is_cut_at_last(tmp_path):
    path = tmp_path / "web.log"
    log = LogFile(str(path), 1000, 2)
    for _ in range(40):
        log.write(b"x" * 65536)
    assert path.stat().st_size < ENDLESS_LINE_BYTES + 2 * 65536
    assert path.with_name("web.log.1").exists()


def test_a_deleted_file_is_made_again_with_its_folder(tmp_path):
    path = tmp_path / "logs" / "web.log"
    log = LogFile(str(path), 1000, 3)
    log.write(b"before\n")
    path.unlink()
    path.parent.rmdir()
    log.write(b"after\n")
    assert plain(path) == ["after"]
    assert log.error == ""


def test_a_file_that_ends_within_a_line_is_continued_on_the_next(tmp_path):
    path = tmp_path / "web.log"
    path.write_text("cut of")
    LogFile(str(path), 1000, 3).write(b"new\n")
    assert path.read_bytes().splitlines()[0] == b"cut of"
    assert plain(path)[1] == "new"


def test_what_cannot_be_written_is_counted_and_told_later(tmp_path):
    path = tmp_path / "logs" / "web.log"
    path.parent.write_text("a file where the folder should be")
    log = LogFile(str(path), 1000, 3)
    log.write(b"one\ntwo\n")
    log.write(b"three\n")
    assert log.error == "3 lines lost: file exists"
    assert log.position() == (0, 0)
    path.parent.unlink()
    log.write(b"four\n")
    assert plain(path) == ["[devenv] 3 lines lost: file exists", "four"]
    assert log.error == ""


def test_the_position_is_the_files(tmp_path):
    path = tmp_path / "web.log"
    log = LogFile(str(path), 1000, 3)
    log.write(b"one\n")
    assert log.position() == (path.stat().st_ino, path.stat().st_size)
    log.close()
    assert log.position() == (path.stat().st_ino, path.stat().st_size)
