import pytest

from devenv.daemon.checkout import CheckoutFiles
from devenv.errors import DevenvError
from devenv.system.paths import CheckoutPaths


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "devenv.yml").write_text("name: app\n")
    return CheckoutFiles(CheckoutPaths(folder))


def test_an_edit_does_not_change_what_was_applied(files, tmp_path):
    files.write()
    (tmp_path / "app/devenv.yml").write_text("name: other\n")
    assert files.applied.read_text() == "name: app\n"


def test_without_a_copy_the_file_itself_is_what_was_applied(files, tmp_path):
    assert files.applied == tmp_path / "app/devenv.yml"


def test_a_moved_checkout_knows_where_it_was(files, tmp_path):
    files.write()
    assert files.former_root() is None
    moved = (tmp_path / "app").rename(tmp_path / "moved")
    assert CheckoutFiles(CheckoutPaths(moved)).former_root() == tmp_path / "app"


def test_a_copied_checkout_was_not_moved(files, tmp_path):
    files.write()
    (tmp_path / "copy/.devenv/run").mkdir(parents=True)
    place = ".devenv/run/checkout.json"
    (tmp_path / "copy" / place).write_bytes((tmp_path / "app" / place).read_bytes())
    assert CheckoutFiles(CheckoutPaths(tmp_path / "copy")).former_root() is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"path": 1}'])
def test_a_damaged_note_of_the_place_is_none(files, tmp_path, text):
    files.write()
    (tmp_path / "app/.devenv/run/checkout.json").write_text(text)
    assert files.former_root() is None


def test_a_checkout_that_cannot_be_written_says_what_to_do(files, tmp_path):
    (tmp_path / "app/.devenv").write_text("a file where the folder should be")
    with pytest.raises(DevenvError) as caught:
        files.write()
    assert caught.value.code == "checkout.unwritable"


def test_deleted_data_are_told(files, tmp_path):
    with pytest.raises(DevenvError) as caught:
        files.check_data()
    assert caught.value.message == (
        f"`{tmp_path}/app/.devenv` was deleted while this checkout is up: its servers still "
        "write to files that no longer have a name"
    )
    files.write()
    files.check_data()
