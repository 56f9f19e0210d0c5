import pytest

from devenv.errors import DevenvError
from devenv.system.folders import private_folder


def test_a_private_folder_is_closed_to_others_even_if_it_was_open(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DevenvError) as caught:
        private_folder(tmp_path / "file" / "folder")
    assert caught.value.code == "folder.unusable"
    assert caught.value.hint
