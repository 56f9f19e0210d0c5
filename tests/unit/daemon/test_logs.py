from devenv.daemon.logs import Line, last_line, merged_tail, parse_line, tail

A = "2026-11-20T20:37:19.123Z"
B = "2026-11-20T20:37:20.456Z"


def test_a_stamp_is_told_from_text():
    assert parse_line("web", f"{A} hello world\n".encode()) == Line("web", A, "hello world")
    assert parse_line("web", b"no stamp here\n") == Line("web", "", "no stamp here")


def test_invalid_bytes_are_shown_and_not_fatal():
    assert parse_line("web", b"\xff\n").text == "\N{REPLACEMENT CHARACTER}"


def test_the_tail_of_a_file_reaches_into_all_its_rotations(tmp_path):
    (tmp_path / "web.log.2").write_text("1\n2\n")
    (tmp_path / "web.log.1").write_text("3\n")
    (tmp_path / "web.log").write_text("4\n5\n")
    assert tail(tmp_path / "web.log", 4) == [b"2\n", b"3\n", b"4\n", b"5\n"]


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
