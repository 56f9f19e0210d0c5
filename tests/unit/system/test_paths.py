import pwd
from pathlib import Path

import pytest

from devenv.errors import DevenvError
from devenv.system.paths import CheckoutPaths, MachinePaths, data_folder, home


def test_xdg_variables_are_followed_and_relative_ones_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    paths = MachinePaths.from_environment()
    assert paths.data == tmp_path / "data" / "devenv"
    assert paths.state == home() / ".local/state/devenv"
    assert paths.daemon_socket == tmp_path / "run" / "devenv" / "daemon.sock"


def test_a_long_runtime_folder_is_not_used_for_sockets(tmp_path, monkeypatch):
    """sun_path has 108 bytes (unix(7))."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 100)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ("y" * 100)))
    assert len(bytes(MachinePaths.from_environment().shim_socket("0" * 12))) <= 100


def test_without_home_the_password_database_is_asked(monkeypatch):
    monkeypatch.delenv("HOME")
    assert home().is_absolute()


def test_without_home_and_entry_the_user_is_told_what_to_set(monkeypatch):
    def nobody(_uid):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(DevenvError) as caught:
        home()
    assert caught.value.code == "home.missing"


def test_a_checkouts_data_are_closed_to_others_even_if_they_were_open(tmp_path):
    (tmp_path / ".devenv").mkdir(mode=0o755)
    CheckoutPaths(tmp_path).ensure()
    assert (tmp_path / ".devenv").stat().st_mode & 0o777 == 0o700


def test_a_checkouts_folder_ignores_itself(tmp_path):
    CheckoutPaths(tmp_path).ensure()
    assert (tmp_path / ".devenv" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("name", ["proxy", "provisioning", "certs"])
def test_package_data_are_found(name):
    assert isinstance(data_folder(name), Path)
    assert data_folder(name).is_dir()
