import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.cli import render
from devenv.errors import DevenvError


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class Pipe(Terminal):
    def isatty(self):
        return False


def unit(name, phase="running", **fields):
    return {
        "name": name,
        "kind": "process",
        "phase": phase,
        "ready": phase == "running",
        "wanted": True,
        "pid": None,
        "restarts": 0,
        "endpoint": None,
        "url": None,
        "reason": "",
        **fields,
    }


VIEW = {
    "environment": {
        "name": "drund",
        "path": "/home/me/drund",
        "address": "127.0.0.9",
        "domain": "drund.localhost",
        "provider": "native",
    },
    "units": [
        unit(
            "mysql",
            kind="service",
            pid=812,
            restarts=2,
            endpoint={"host": "127.0.0.9", "port": 3306},
        ),
        unit("migrate", "done", kind="setup", ready=True),
        unit("web", "crashed", reason="ended 6 times in a row"),
        unit("activity", "running", ready=False, pid=9, reason="not ready yet: no answer"),
        unit("other", "stopped", ready=False),
    ],
    "edge": {"https_port": 8443, "ca_file": "/ca.pem", "ready": True},
    "ready": False,
    "problems": ["`.devenv` was deleted"],
}


def test_the_status_is_this_table():
    assert render.status_table(VIEW) == [
        "drund  /home/me/drund  drund.localhost  https on port 8443",
        "",
        "  NAME      KIND     STATE     ADDRESS         PID  RESTARTS",
        "✓ mysql     service  ready     127.0.0.9:3306  812  2",
        "✓ migrate   setup    done",
        "✗ web       process  crashed",
        "● activity  process  starting                  9",
        "○ other     process  stopped",
        "",
        "web: ended 6 times in a row",
        "activity: not ready yet: no answer",
        "`.devenv` was deleted",
    ]


def test_shapes_are_plain_where_the_encoding_has_no_others(monkeypatch):
    monkeypatch.setattr("sys.stdout", stream := Pipe())
    stream.encoding = "ascii"
    shapes = [line[0] for line in render.status_table(VIEW)[3:8]]
    assert shapes == ["+", "+", "x", "*", "-"]


def test_the_urls_are_a_table_and_none_are_nothing():
    assert render.urls_table(
        [{"url": "https://a/", "target": "web"}, {"url": "https://bbb/", "target": "cdn"}]
    ) == ["https://a/    web", "https://bbb/  cdn"]
    assert render.urls_table([]) == []


def test_a_dry_run_says_what_would_be_done_in_order():
    def action(verb, name, needs=(), reason=""):
        return {"action": verb, "name": name, "needs": list(needs), "reason": reason}

    assert render.plan_lines(
        [
            action("want", "mysql"),
            action("want", "web", ["mysql", "redis"]),
            action("stop", "old", reason="not in devenv.yml any more"),
        ]
    ) == [
        "start  mysql",
        "start  web  after mysql, redis",
        "stop   old  (not in devenv.yml any more)",
    ]
    assert render.plan_lines([]) == ["nothing to do"]


def test_a_log_line_has_its_unit_before_it_and_its_time_if_asked():
    event = {"unit": "web", "time": "2026-11-20T20:37:19.123Z", "text": "\x1b[31mhello\x1b[0m"}
    assert render.log_line(event, 8, times=False) == "web      | hello"
    assert render.log_line(event, 3, times=True) == "web | 2026-11-20T20:37:19.123Z hello"


def test_an_error_is_what_failed_and_what_to_type(capsys):
    render.error(DevenvError("cannot start `web`", hint="devenv why web", code="x"))
    assert capsys.readouterr() == ("", "error: cannot start `web`\n\nhint: devenv why web\n")


def test_an_error_as_json_has_the_same_parts(capsys):
    render.error(DevenvError("cannot", hint="do", code="x.y"), as_json=True)
    assert capsys.readouterr().err == (
        '{"error": {"code": "x.y", "message": "cannot", "hint": "do"}}\n'
    )


@pytest.mark.parametrize(
    ("stream", "variables", "coloured"),
    [
        (Terminal, {"TERM": "xterm"}, True),
        (Terminal, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (Terminal, {}, False),
        (Pipe, {"TERM": "xterm"}, False),
        (Pipe, {"TERM": "xterm", "CLICOLOR_FORCE": "1"}, True),
        (Pipe, {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, stream, variables, coloured):
    monkeypatch.delenv("NO_COLOR")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert render.uses_colour(stream()) is coloured
    expected = "\x1b[31mx\x1b[0m" if coloured else "x"
    assert render.paint("x", render.RED, stream()) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "\x1b[1;31mred\x1b[0m",
        "\x1b]0;a title\x07red",
        "\x1b]8;;https://a\x1b\\red\x1b]8;;\x1b\\",
        "\x1b[2K\x1b[1Gred",
        "\x1bMred",
    ],
)
def test_terminal_sequences_are_taken_out_where_there_is_no_terminal(raw):
    assert render.printable(raw, Pipe()) == "red"


@given(st.text(st.characters(exclude_characters="\x1b\r")))
def test_plain_text_is_left_as_it_is(text):
    assert render.printable(text, Pipe()) == text


@given(st.lists(st.lists(st.text("abc "), min_size=3, max_size=3), min_size=1))
def test_columns_of_a_table_begin_at_the_same_place(rows):
    marked = [[f"x{cell}" for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in marked) for i in range(2)]
    for line in render.table(marked):
        assert line[0] == line[widths[0] + 2] == line[widths[0] + widths[1] + 4] == "x"


def test_a_reader_that_has_left_is_no_traceback(monkeypatch):
    class Gone(Pipe):
        def write(self, _text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(render.ReaderGoneError):
        render.out("x")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m and plain", "\x1b[31mred\x1b[0m and plain\x1b[0m"),
        ("\x1b[2K\x1b[1Gno jump", "no jump"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("from a terminal\r", "from a terminal"),
    ],
)
def test_a_programs_line_keeps_its_colours_but_cannot_overwrite_the_name_before_it(
    monkeypatch, raw, shown
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert render.printable(raw, Pipe()) == shown
