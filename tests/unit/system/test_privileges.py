import os
import pwd
import sys
from types import SimpleNamespace

import pytest

from devenv.errors import DevenvError
from devenv.system.privileges import Account, become, invoking_user

ME = Account(1000, 1000, "me", "/home/me")


@pytest.fixture
def root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    entry = SimpleNamespace(pw_uid=1000, pw_gid=1000, pw_name="me", pw_dir="/home/me")
    known = {1000: entry}
    monkeypatch.setattr(pwd, "getpwuid", known.__getitem__)


def test_who_called_sudo_is_looked_up(root, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "1000")
    assert invoking_user() == ME


@pytest.mark.parametrize("uid", [None, "", "0"])
def test_root_itself_called_nobody(root, monkeypatch, uid):
    if uid is not None:
        monkeypatch.setenv("SUDO_UID", uid)
    assert invoking_user() is None


def test_without_root_the_variable_means_nothing(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("SUDO_UID", "1000")
    assert invoking_user() is None


@pytest.mark.parametrize("uid", ["nobody", "4242", "-1", "1e3"])
def test_a_user_that_does_not_exist_is_refused(root, monkeypatch, uid):
    monkeypatch.setenv("SUDO_UID", uid)
    with pytest.raises(DevenvError) as caught:
        invoking_user()
    assert caught.value.code == "sudo.unknown"


def test_elsewhere_than_on_linux_the_user_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(DevenvError) as caught:
        become(ME)
    assert caught.value.hint == "run `devenv serve` without sudo: macOS lets everybody bind it"
