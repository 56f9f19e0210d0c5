import json

import pytest

from devenv.cli import logs
from devenv.cli.logs import LogPrinter

EVENT = {"event": "line", "unit": "web", "time": "2026-11-20T20:37:19.123Z", "text": "héllo"}


def test_lines_are_aligned_and_ticks_print_nothing(capsys):
    printer = LogPrinter()
    printer(EVENT)
    printer(None)
    printer({**EVENT, "unit": "a-long-name"})
    printer(EVENT)
    assert capsys.readouterr().out.splitlines() == [
        "web      | héllo",
        "a-long-name | héllo",
        "web         | héllo",
    ]


def test_as_json_each_line_is_one_object(capsys):
    LogPrinter(as_json=True)(EVENT)
    assert json.loads(capsys.readouterr().out) == {
        "unit": "web",
        "time": "2026-11-20T20:37:19.123Z",
        "text": "héllo",
    }


@pytest.mark.parametrize("keep_on", [True, False])
def test_following_is_asked_of_the_daemon(monkeypatch, keep_on):
    asked = {}
    monkeypatch.setattr(logs, "call", lambda op, **arguments: asked.update(op=op, **arguments))
    logs.follow(["web"], tail=3, keep_on=keep_on)
    assert (asked["op"], asked["names"], asked["tail"], asked["follow"]) == (
        "logs",
        ["web"],
        3,
        keep_on,
    )
