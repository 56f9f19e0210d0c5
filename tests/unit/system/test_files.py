import os

import pytest

from devenv.system.files import delete_tree, replace_file


def test_a_failed_replacement_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(target, b"new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_replacement_has_the_mode_that_was_asked_for(tmp_path):
    replace_file(tmp_path / "key", b"secret", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_deleting_a_missing_tree_is_no_error(tmp_path):
    delete_tree(tmp_path / "nothing")
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    delete_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []
