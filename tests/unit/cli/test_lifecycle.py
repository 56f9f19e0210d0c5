import signal

import pytest

from devenv.cli import lifecycle
from devenv.cli.client import DaemonGoneError
from devenv.errors import DevenvError, ExitCode

READY = {
    "failed": [],
    "urls": [{"url": "https://www.app.localhost/", "target": "web"}],
    "status": {},
}
BEGUN = {"event": "begun", "units": ["web"]}
LINE = {"event": "line", "unit": "web", "time": "2999-01-01T00:00:00.000Z", "text": "hello"}


class Script:
    """Answers one call after the other: events, then a result or an exception."""

    def __init__(self):
        self.asked = []
        self.turns = []

    def then(self, outcome, *events):
        self.turns.append((outcome, events))
        return self

    def __call__(self, op, *, on_event=None, ticking=False, **arguments):
        arguments.pop("environ", None)
        self.asked.append((op, arguments))
        outcome, events = self.turns.pop(0)
        for event in events:
            on_event(event)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@pytest.fixture
def daemon(monkeypatch):
    script = Script()
    monkeypatch.setattr(lifecycle, "call", script)
    monkeypatch.setattr("devenv.cli.logs.call", script)
    return script


def test_a_detached_up_prints_the_urls_as_data(daemon, capsys):
    daemon.then(READY, BEGUN)
    assert lifecycle.up((), detach=True) is ExitCode.DONE
    shown = capsys.readouterr()
    assert shown.out == "https://www.app.localhost/  web\n"
    assert shown.err.startswith("ready after 0.")


def test_what_did_not_come_up_is_told_with_the_end_of_its_log(daemon, capsys):
    lost = [
        {"name": "db", "kind": "service", "phase": "failed", "ready": False, "reason": "no space"},
        {"name": "web", "kind": "process", "phase": "waiting", "ready": False, "reason": ""},
    ]
    daemon.then({**READY, "failed": lost}).then(
        {},
        {"event": "line", "time": "1999-12-31T23:59:59.000Z", "text": "of an earlier time"},
        {"event": "line", "time": "2999-12-31T23:59:59.000Z", "text": "disk full"},
    )
    assert lifecycle.up((), detach=True) is ExitCode.FAILED
    assert daemon.asked[1] == ("logs", {"names": ["db"], "tail": lifecycle.LOST_LOG_LINES})
    assert capsys.readouterr() == (
        "",
        "  disk full\nerror: `db` is not ready: no space\n\nhint: devenv why db\n",
    )


def test_a_daemon_that_is_killed_meanwhile_is_asked_again(daemon):
    daemon.then(DaemonGoneError("gone"), BEGUN).then(READY)
    assert lifecycle.up(["web"], detach=True) is ExitCode.DONE
    assert daemon.asked == [("up", {"names": ["web"]})] * 2


def test_ctrl_c_stops_what_this_up_started_and_nothing_else(daemon):
    daemon.then(KeyboardInterrupt(), BEGUN).then({})
    assert lifecycle.up((), detach=False) is ExitCode.INTERRUPTED
    assert daemon.asked[1:] == [("down", {"names": ["web"], "kill": False})]


def test_ctrl_c_in_the_logs_stops_it_too(daemon):
    daemon.then(READY, BEGUN).then(KeyboardInterrupt()).then({})
    assert lifecycle.up((), detach=False) is ExitCode.INTERRUPTED
    assert [op for op, _ in daemon.asked] == ["up", "logs", "down"]


def test_a_second_ctrl_c_kills(daemon):
    daemon.then(KeyboardInterrupt(), BEGUN).then(KeyboardInterrupt()).then({})
    lifecycle.up((), detach=False)
    assert daemon.asked[2] == ("down", {"names": ["web"], "kill": True})


def test_an_up_that_started_nothing_stops_nothing(daemon, capsys):
    daemon.then(KeyboardInterrupt(), {"event": "begun", "units": []})
    assert lifecycle.up((), detach=False) is ExitCode.INTERRUPTED
    assert len(daemon.asked) == 1
    assert "nothing was started by this `up`" in capsys.readouterr().err


def test_logs_go_on_over_the_death_of_the_daemon_where_they_were(daemon):
    place = {"inode": 7, "offset": 42}
    daemon.then(READY, BEGUN).then(DaemonGoneError("gone"), {**LINE, "place": place})
    daemon.then(KeyboardInterrupt()).then({})
    lifecycle.up((), detach=False)
    assert daemon.asked[2][1]["resume"] == {"web": place}


def test_signals_are_as_they_were_afterwards(daemon):
    before = signal.getsignal(signal.SIGTERM)
    daemon.then(DevenvError("no"))
    with pytest.raises(DevenvError):
        lifecycle.up((), detach=True)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("op", ["start", "stop", "restart"])
def test_a_unit_that_does_not_come_up_fails_the_command(daemon, op):
    daemon.then({"failed": []})
    assert lifecycle.act(op, ["web"]) is ExitCode.DONE
    assert daemon.asked == [(op, {"names": ["web"]})]


def test_down_says_how_long_it_took(daemon, capsys):
    daemon.then({"stopped": []})
    assert lifecycle.down() is ExitCode.DONE
    assert capsys.readouterr().err == "down after 0.0 s\n"
