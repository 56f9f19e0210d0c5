import os

import pytest

from devenv.cli import serve
from devenv.system.privileges import Account


@pytest.fixture
def steps(monkeypatch):
    """What `serve` does, in order."""
    done = []
    monkeypatch.setattr(serve, "become", lambda account: done.append(("become", account.name)))
    monkeypatch.setattr(serve, "replace_daemon", lambda: done.append(("replace",)))
    monkeypatch.setattr(os, "execv", lambda *words: done.append(("exec", words[1][1:])))
    return done


def test_root_is_given_up_before_anything_else_and_the_user_gets_their_own_home(monkeypatch, steps):
    monkeypatch.setattr(serve, "invoking_user", lambda: Account(1000, 1000, "me", "/home/me"))
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    serve.serve(443)
    assert steps == [
        ("become", "me"),
        ("replace",),
        ("exec", ["-m", "devenv.daemon.main", "--serve", "443"]),
    ]
    assert (os.environ["HOME"], os.environ["USER"]) == ("/home/me", "me")
    assert not {"SUDO_UID", "XDG_RUNTIME_DIR"} & set(os.environ)


def test_without_sudo_nobody_becomes_anybody(monkeypatch, steps):
    monkeypatch.setattr(serve, "invoking_user", lambda: None)
    serve.serve(8443)
    assert [step[0] for step in steps] == ["replace", "exec"]
