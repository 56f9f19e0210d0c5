import json
import sys

import pytest
from click.testing import CliRunner

from devenv import __version__
from devenv.cli import main as entry
from devenv.cli.client import RefusedError
from devenv.errors import DevenvError

STATUS = {
    "environment": {"name": "app", "path": "/app", "address": "", "domain": "", "provider": ""},
    "units": [],
    "edge": {"https_port": 8443, "ca_file": "", "ready": False},
    "ready": False,
    "problems": [],
}


class Daemon:
    """Stands in for `call`: answers by the operation, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {"status": STATUS, "urls": [], "plan": [], "logs": {}}

    def __call__(self, op, **arguments):
        arguments.pop("environ", None)
        arguments.pop("on_event", None)
        self.asked.append((op, arguments))
        answer = self.answers[op]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def daemon(monkeypatch):
    daemon = Daemon()
    for module in ("main", "logs", "lifecycle", "parameters", "replace"):
        monkeypatch.setattr(f"devenv.cli.{module}.call", daemon)
    return daemon


def run(*words):
    return CliRunner().invoke(entry.cli, words)


def exit_code_of(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["devenv", *words])
    with pytest.raises(SystemExit) as caught:
        entry.main()
    return caught.value.code


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("status", "--nonsense"),
        ("start",),
        ("stop",),
        ("restart",),
        ("why",),
        ("why", "a", "b"),
        ("attach",),
        ("exec", "web"),
        ("run",),
        ("logs", "--tail", "many"),
        ("serve", "--port", "70000"),
        ("completion", "powershell"),
        ("config", "nonsense"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error_and_asks_nobody(
    monkeypatch, capsys, daemon, words
):
    assert exit_code_of(monkeypatch, *words) == 2
    assert capsys.readouterr().out == ""
    assert daemon.asked == []


def test_done_is_0(monkeypatch, daemon):
    assert exit_code_of(monkeypatch, "status") == 0


def test_a_refusal_is_told_on_stderr_and_ends_with_its_code(monkeypatch, capsys, daemon):
    daemon.answers["status"] = RefusedError(
        {"code": "port.invalid", "message": "no", "hint": "edit it", "exit": 2}
    )
    assert exit_code_of(monkeypatch, "status") == 2
    assert capsys.readouterr() == ("", "error: no\n\nhint: edit it\n")


def test_with_json_an_error_is_json_too(monkeypatch, capsys, daemon):
    daemon.answers["status"] = DevenvError("no", hint="yes", code="a.b")
    assert exit_code_of(monkeypatch, "status", "--json") == 1
    assert json.loads(capsys.readouterr().err) == {
        "error": {"code": "a.b", "message": "no", "hint": "yes"}
    }


def test_an_interrupted_command_is_130(monkeypatch, daemon):
    daemon.answers["status"] = KeyboardInterrupt()
    monkeypatch.setattr(sys, "argv", ["devenv", "status"])

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("devenv.cli.main.call", interrupted)
    assert exit_code_of(monkeypatch, "status") == 130


def test_json_is_what_the_daemon_said(daemon):
    assert json.loads(run("status", "--json").stdout) == STATUS


def test_a_dry_run_plans_and_starts_nothing(daemon):
    assert run("up", "--dry-run", "web").stdout == "nothing to do\n"
    assert daemon.asked == [("plan", {"names": ["web"]})]


def test_logs_ask_for_names_lines_and_more(daemon):
    run("logs", "-f", "-n", "5", "web")
    ((op, asked),) = daemon.asked
    assert (op, asked["names"], asked["tail"], asked["follow"]) == ("logs", ["web"], 5, True)


def test_why_shows_the_chain_indented_and_the_log_of_the_cause(daemon):
    daemon.answers["why"] = {
        "ready": False,
        "chain": [
            {
                "name": name,
                "kind": "process",
                "phase": phase,
                "ready": False,
                "explanation": words,
            }
            for name, phase, words in (
                ("web", "waiting", "waiting for what it needs"),
                ("mysql", "failed", "no space"),
            )
        ],
        "log": ["\x1b[31mdisk full\x1b[0m"],
    }
    assert run("why", "web").stdout == (
        "● web (waiting): waiting for what it needs\n  ✗ mysql (failed): no space\n    disk full\n"
    )


def test_the_version_is_told_without_a_daemon(daemon):
    assert run("version").stdout == run("--version").stdout == f"devenv {__version__}\n"
    assert daemon.asked == []


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion_is_a_script_for_the_shell(daemon, shell):
    done = run("completion", shell)
    assert (done.exit_code, "_DEVENV_COMPLETE" in done.stdout) == (0, True)


def test_no_summary_in_the_help_is_cut_short(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in run("--help").output.partition("Commands:")[2]
    assert "..." not in run("config", "--help").output.partition("Commands:")[2]


def test_why_says_once_that_a_unit_is_ready(daemon):
    unit = {"name": "web", "phase": "running", "ready": True, "kind": "process"}
    daemon.answers["why"] = {"chain": [{**unit, "explanation": "ready"}], "log": []}
    assert run("why", "web").output.endswith("web (ready)\n")


def test_a_missing_choice_is_told_on_one_line(monkeypatch, capsys):
    assert exit_code_of(monkeypatch, "completion") == 2
    assert capsys.readouterr().err.startswith(
        "error: missing argument 'SHELL'. Choose from: bash, fish, zsh\n"
    )
