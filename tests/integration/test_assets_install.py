"""The Node worker, installed by the real npm."""

import subprocess
import sys

import pytest

from devenv.assets.install import ensure_worker
from devenv.errors import DevenvError

pytestmark = pytest.mark.integration


def test_two_at_once_install_once(tmp_path):
    folder = tmp_path / "new folder" / "compiler"
    command = [sys.executable, "-m", "devenv.assets.install", str(folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("added" in text for text in printed) == 1
    assert (folder / "node_modules/less/package.json").is_file()
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == ["compiler"]


def test_an_npm_that_fails_leaves_no_half_and_says_so(tmp_path):
    with pytest.raises(DevenvError) as caught:
        ensure_worker(tmp_path / "compiler", npm="false")
    assert caught.value.code == "assets.compiler-not-installed"
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_a_missing_npm_is_named_with_what_to_install(tmp_path):
    with pytest.raises(DevenvError) as caught:
        ensure_worker(tmp_path / "compiler", npm="/nowhere/npm")
    assert (
        caught.value.message == "cannot install the compilers: `/nowhere/npm ci` is not installed"
    )
    assert caught.value.hint == "install Node.js 18 or newer with npm"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DevenvError) as caught:
        ensure_worker(tmp_path / "file" / "compiler")
    assert caught.value.message.endswith("/compiler`: File exists")
