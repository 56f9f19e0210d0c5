import json
import os
import select
import signal

import pytest

from devenv import __version__
from devenv.cli import client
from devenv.errors import DevenvError, ExitCode


class Connection:
    """A connection that answers with the given chunks and then ends."""

    def __init__(self, *chunks):
        self.chunks, self.sent = list(chunks), b""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        pass

    def sendall(self, data):
        self.sent += data

    def recv(self, _count):
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk


@pytest.fixture
def answers(monkeypatch, tmp_path):
    """Let the next calls meet these connections; what was connected is returned."""
    monkeypatch.chdir(tmp_path)

    def give(*connections):
        left = list(connections)
        monkeypatch.setattr(client, "_connect", lambda _paths, **_: left.pop(0))
        monkeypatch.setattr(client.select, "select", select)
        return connections

    def select(sources, _writable, _failed, timeout_s):
        """Nothing is there where the next chunk is a time-out."""
        give.waits.append(timeout_s)
        if sources[0].chunks and isinstance(sources[0].chunks[0], TimeoutError):
            sources[0].chunks.pop(0)
            return [], [], []
        return sources[:1], [], []

    give.waits = []
    return give


def line(**message):
    return json.dumps(message).encode() + b"\n"


def test_a_call_says_what_and_from_where_and_returns_the_result(answers, tmp_path):
    (connection,) = answers(Connection(line(ok={"pid": 1})))
    assert client.call("ping", extra=1) == {"pid": 1}
    assert json.loads(connection.sent) == {
        "op": "ping",
        "version": __version__,
        "cwd": str(tmp_path),
        "extra": 1,
    }


def test_events_come_whole_however_they_were_cut_and_silence_is_a_tick(answers):
    text = line(event="unit", unit="\N{SNOWMAN}") + line(ok=None)
    answers(Connection(text[:5], TimeoutError(), text[5:20], text[20:]))
    seen = []
    client.call("up", on_event=seen.append, ticking=True)
    assert seen == [None, {"event": "unit", "unit": "\N{SNOWMAN}"}]


def test_who_asks_for_no_ticks_sleeps_until_something_happens(answers):
    """`up` stays for a whole day with the logs."""
    answers(Connection(line(ok=None)))
    client.call("logs", on_event=print)
    assert answers.waits == [None]


def test_a_signal_that_comes_before_the_wait_is_not_slept_over():
    """A Ctrl-C just before a call that blocks does not interrupt that call."""
    with client._signals_noticed() as signalled:
        before = signal.signal(signal.SIGUSR1, lambda *_: None)
        try:
            signal.raise_signal(signal.SIGUSR1)
            assert select.select([signalled], [], [], 5)[0] == [signalled]
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_a_refusal_keeps_its_code_hint_and_exit_code(answers):
    error = {"code": "config.invalid", "message": "no", "hint": "edit", "exit": 2}
    answers(Connection(line(error=error)))
    with pytest.raises(client.RefusedError) as caught:
        client.call("up")
    assert (caught.value.code, caught.value.hint) == ("config.invalid", "edit")
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("end", [b"", ConnectionResetError()])
def test_a_daemon_that_ends_meanwhile_is_told_apart(answers, end):
    answers(Connection(line(event="unit"), end))
    with pytest.raises(client.DaemonGoneError) as caught:
        client.call("up", on_event=lambda _event: None)
    assert caught.value.message == "the daemon ended while it was being asked; what runs goes on"


def test_a_daemon_of_another_version_is_replaced_and_asked_again(answers, monkeypatch):
    old = {"code": "daemon.version", "message": "other", "hint": ""}
    answers(Connection(line(error=old)), Connection(line(ok=1)))
    replaced = []
    monkeypatch.setattr(client, "replace_daemon", lambda: replaced.append(True))
    assert client.call("ping") == 1
    assert replaced == [True]


def test_a_deleted_folder_is_told(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(DevenvError) as caught:
        client.call("ping")
    assert caught.value.code == "cwd.gone"


class Starting:
    """The start of a daemon: when its socket answers, and how the processes end."""

    def __init__(self, monkeypatch, *, answers_at, ends):
        self.spawned, self.looks, self.now = 0, 0, 0.0
        self._answers_at, self._ends = answers_at, list(ends)
        monkeypatch.setattr(client, "_spawn_detached", self._spawn)
        monkeypatch.setattr(client, "_try", self._try)
        monkeypatch.setattr(client, "time", self)
        monkeypatch.setattr(os, "waitpid", self._wait)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def _spawn(self, output):
        self.spawned += 1
        output.write_text("error: the port is taken\n")
        return self.spawned

    def _try(self, _path):
        self.looks += 1
        if self.looks <= self._answers_at:
            raise FileNotFoundError
        return "connected"

    def _wait(self, pid, _options):
        return self._ends.pop(0) if self._ends else (0, 0)


@pytest.fixture
def paths():
    return client.MachinePaths.from_environment()


def test_a_daemon_that_left_its_place_to_another_is_no_failure(monkeypatch, paths):
    """The other one may be about to end: then there is none, and one must be started again."""
    starting = Starting(monkeypatch, answers_at=5, ends=[(0, 0), (1, 0), (0, 0)])
    assert client._start_daemon(paths) == "connected"
    assert starting.spawned == 2


def test_a_daemon_that_fails_to_start_says_what_it_said(monkeypatch, paths):
    Starting(monkeypatch, answers_at=99, ends=[(1, 256)])
    with pytest.raises(DevenvError) as caught:
        client._start_daemon(paths)
    assert caught.value.message == "the daemon did not start: error: the port is taken"
    assert caught.value.hint == f"see `{paths.state / 'daemon.log'}`"


def test_a_daemon_that_never_answers_is_given_up(monkeypatch, paths):
    starting = Starting(monkeypatch, answers_at=10**9, ends=[])
    with pytest.raises(DevenvError):
        client._start_daemon(paths)
    assert client.START_TIMEOUT_S <= starting.now < client.START_TIMEOUT_S + 1
