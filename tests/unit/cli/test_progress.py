import re

import pytest

from devenv.cli.progress import REMIND_S, Progress


class Watch:
    """The clock that `progress` reads."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr("devenv.cli.progress.time", watch := Watch())
    return watch


@pytest.fixture
def shown(capsys):
    """What was written to stderr since the last look."""
    return lambda: capsys.readouterr().err


def unit(name, phase, **fields):
    view = {
        "name": name,
        "kind": "process",
        "phase": phase,
        "ready": False,
        "wanted": True,
        "reason": "",
        **fields,
    }
    return {"event": "unit", "unit": view}


def test_without_a_terminal_each_change_is_a_line_with_its_time(watch, shown):
    progress = Progress()
    progress(unit("web", "waiting"))
    watch.now += 1.5
    progress(unit("web", "starting"))
    progress(unit("web", "running", reason="not ready yet: connection refused"))
    watch.now += 1
    progress(unit("web", "running", ready=True))
    progress(unit("web", "crashed", reason="ended 6 times"))
    assert shown().splitlines() == [
        "● web: starting  [1.5 s]",
        "✓ web: ready  [2.5 s]",
        "✗ web: crashed (ended 6 times)  [2.5 s]",
    ]


def test_what_never_ran_is_no_news(watch, shown):
    progress = Progress()
    progress(unit("old", "stopped"))
    progress(unit("web", "waiting"))
    progress(unit("web", "stopped"))
    assert shown() == ""


def test_long_work_is_mentioned_now_and_then_with_what_it_does(watch, shown):
    progress = Progress()
    progress(unit("mysql", "preparing", detail="Unpacking \x1b[1mmariadb\x1b[0m"))
    shown()
    for _ in range(25):
        watch.now += REMIND_S / 10
        progress(None)
    assert shown().splitlines() == [
        "  mysql: still preparing after 10 s  Unpacking mariadb",
        "  mysql: still preparing after 20 s  Unpacking mariadb",
    ]


def test_units_that_were_begun_are_kept_over_a_death_of_the_daemon(watch, shown):
    """Asked again, the next daemon knows them as wanted already; Ctrl-C must still stop them."""
    progress = Progress()
    progress({"event": "begun", "units": ["web", "redis"]})
    progress({"event": "begun", "units": []})
    assert progress.begun == ["web", "redis"]


@pytest.fixture
def terminal(monkeypatch, shown):
    """A terminal of 40 columns and 5 rows; returns what it was sent."""
    monkeypatch.setattr("devenv.cli.progress.is_terminal", lambda _stream: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: (40, 5))
    return shown


def test_a_terminal_shows_every_unit_on_a_line_that_is_drawn_again(watch, terminal):
    progress = Progress()
    progress(unit("web", "starting"))
    watch.now += 2
    progress(None)
    first, second = "● web            starting     0.0 s  ", "● web            starting     2.0 s  "
    assert terminal() == (f"\x1b[J\x1b[2K{first}\n" + f"\x1b[1A\x1b[J\x1b[2K{second}\n")


def test_no_line_is_wider_than_the_terminal_and_no_more_than_fit(watch, terminal):
    progress = Progress()
    for number in range(9):
        progress(unit(f"web-{number}", "preparing", detail="x" * 200))
    last = terminal().rpartition("\x1b[J")[2]
    lines = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in last.splitlines()]
    assert len(lines) == 3
    assert max(map(len, lines)) <= 40


def test_at_the_end_all_units_are_shown(watch, terminal):
    progress = Progress()
    for number in range(9):
        progress(unit(f"web-{number}", "running", ready=True))
    progress.finish()
    assert terminal().rpartition("\x1b[J")[2].count("\n") == 9
