from pathlib import Path

from devenv.assets import install
from devenv.assets.install import FILES, compiler_folder, ensure_worker, main


def test_the_folder_is_another_one_when_any_of_its_files_is(tmp_path, monkeypatch):
    shipped = tmp_path / "compiler"
    shipped.mkdir()
    monkeypatch.setattr(install, "data_folder", lambda name: tmp_path)
    for name in FILES:
        (shipped / name).write_text("one")
    seen = {compiler_folder(Path("/tools"))}
    for name in FILES:
        (shipped / name).write_text("two")
        seen.add(compiler_folder(Path("/tools")))
    assert len(seen) == len(FILES) + 1


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    ensure_worker(tmp_path, npm="/nowhere/npm")


def test_one_destination_is_needed(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m devenv.assets.install DESTINATION\n"
