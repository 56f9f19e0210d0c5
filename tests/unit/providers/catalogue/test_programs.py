import pytest
from fakes.programs import make_program

from devenv.errors import DevenvError
from devenv.providers.catalogue import programs


def test_the_first_name_that_is_there_is_found(bin_folder):
    second = make_program(bin_folder, "mysqld")

    assert programs.find_program(str(bin_folder), "mariadbd", "mysqld") == second


def test_server_folders_are_looked_through_after_the_path(tmp_path, bin_folder, monkeypatch):
    in_sbin = make_program(tmp_path / "sbin", "mariadbd")
    monkeypatch.setattr(programs, "SERVER_FOLDERS", (str(in_sbin.parent),))

    assert programs.find_program(str(bin_folder), "mariadbd") == in_sbin
    on_path = make_program(bin_folder, "mariadbd")
    assert programs.find_program(str(bin_folder), "mariadbd") == on_path


def test_a_file_that_cannot_be_run_is_no_program(bin_folder):
    make_program(bin_folder, "mariadbd").chmod(0o644)

    assert programs.find_program(str(bin_folder), "mariadbd") is None


def test_a_program_that_went_away_is_told_with_the_next_command(bin_folder):
    with pytest.raises(DevenvError) as caught:
        programs.require_program(str(bin_folder), "mariadbd", "mysqld")

    assert caught.value.code == "program.missing"
    assert caught.value.message == "cannot find `mariadbd`"
    assert caught.value.hint.startswith("devenv up")
