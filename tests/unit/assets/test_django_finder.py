import os
import sys
from pathlib import Path

import pytest

from devenv.assets import django_finder
from devenv.assets.django_finder import contains, describe, files_of, is_inside, project_files


@pytest.mark.parametrize(
    ("folder", "path", "inside"),
    [
        ("/a", "/a/b", True),
        ("/a/", "/a/b", True),
        ("/", "/b", True),
        ("/a", "/ab", False),
        ("/a", "/a", False),
    ],
)
def test_a_folder_contains_what_is_below_it(folder, path, inside):
    assert contains(folder, path) is inside


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "root/css").mkdir(parents=True)
    (tmp_path / "root/css/a.css").write_text("")
    (tmp_path / "secret").write_text("")
    (tmp_path / "root/out").symlink_to(tmp_path / "secret")
    (tmp_path / "root/again.css").symlink_to(tmp_path / "root/css/a.css")
    return tmp_path


def test_a_file_counts_where_it_really_is(tree):
    roots = [str(tree / "root")]
    assert is_inside(str(tree / "root/css/a.css"), roots, "css/a.css")
    assert is_inside(str(tree / "root/again.css"), roots, "again.css")
    assert not is_inside(str(tree / "root/out"), roots, "out")


def test_a_finder_without_roots_is_taken_by_the_name_it_was_asked_for(tree):
    assert is_inside(str(tree / "root/css/a.css"), [], "css/a.css")
    assert is_inside(str(tree / "root/again.css"), [], "again.css")
    assert not is_inside(str(tree / "root/out"), [], "out")
    assert not is_inside(str(tree / "root/out"), [], "another/name")


def test_an_error_names_every_file_it_came_through(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("x = (\n")
    with pytest.raises(SyntaxError) as caught:
        compile(broken.read_text(), str(broken), "exec")
    assert {str(broken), __file__} <= set(files_of(caught.value))
    assert describe(caught.value)["error"].endswith("SyntaxError: '(' was never closed")


def test_only_modules_of_the_project_are_its_files():
    files = set(project_files())
    assert os.path.realpath(__file__) in files
    assert os.path.realpath(pytest.__file__) not in files
    assert os.path.realpath(os.__file__) not in files


def test_the_helper_stands_on_the_standard_library_and_django():
    """It runs in the project's interpreter, which knows nothing of devenv."""
    lines = map(str.lstrip, Path(django_finder.__file__).read_text().splitlines())
    imports = [line.split() for line in lines if line.startswith(("import ", "from "))]
    roots = {words[1].split(".")[0] for words in imports}
    assert roots - {"django"} <= set(sys.stdlib_module_names)
