import asyncio
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devenv.assets.finders import DirectoryFinder, Finder, Found, NotFound, find_in
from devenv.assets.names import asset_name

SEGMENTS = st.sampled_from(
    [
        *("..", ".", "", "a", "b.css", "inside", "outside", "up", "secret.txt", "root", "tree"),
        *("%2e%2e", "%2e", "%252e%252e", "..%2f", "..%5c", "\\..", "..\\", "%00", "\0", "~"),
        *("\u2024\u2024", "\uff0e\uff0e", "..;", "...", "etc", "passwd", "proc", "self", "a" * 300),
    ]
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A root with links that stay inside and links that lead out, and a secret beside it."""
    base = tmp_path_factory.mktemp("tree")
    root = base / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "b.css").write_text("b {}")
    (root / "folder.css").mkdir()
    (base / "secret.txt").write_text("secret")
    (base / "rootless").mkdir()
    (base / "rootless" / "b.css").write_text("secret")
    (root / "inside").symlink_to(root / "a")
    (root / "outside").symlink_to(base / "secret.txt")
    (root / "sibling").symlink_to(base / "rootless")
    (root / "up").symlink_to(base)
    (root / "loop").symlink_to(root / "loop")
    return root


@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(SEGMENTS, max_size=6), decoded=st.integers(0, 2))
def test_no_path_finds_a_file_outside_its_root(tree, parts, decoded):
    path = "/".join(parts)
    for _ in range(decoded):
        path = unquote(path)
    name = asset_name(path)
    found = find_in([str(tree)], [name]) if name else NotFound(())
    if isinstance(found, Found):
        assert found.path == str(tree / "a" / "b.css")


@pytest.mark.parametrize("name", ["a/b.css", "inside/b.css"])
def test_a_file_is_found_by_its_own_path(tree, name):
    assert find_in([str(tree)], [name]) == Found(name, str(tree / "a/b.css"))


@pytest.mark.parametrize("name", ["outside", "up/secret.txt", "sibling/b.css"])
def test_a_link_out_of_the_root_is_named_in_the_miss(tree, name):
    missing = find_in([str(tree)], [name])
    assert isinstance(missing, NotFound)
    assert missing.refused.startswith(str(tree.parent))


@pytest.mark.parametrize("name", ["folder.css", "loop", "a" * 300, "a/b.css/c", "none"])
def test_what_is_no_file_is_missing(tree, name):
    assert find_in([str(tree)], [name]) == NotFound((str(tree),))


def test_the_first_name_wins_in_whatever_folder_then_the_first_folder(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for file in (first / "x.css", second / "x.css", second / "x.less"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    finder: Finder = DirectoryFinder([first, second])
    assert asyncio.run(finder.find(["x.less", "x.css"])).path == str(second / "x.less")
    assert asyncio.run(finder.find(["x.css"])).path == str(first / "x.css")


def test_a_root_that_is_itself_a_link_is_followed(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    assert find_in([str(tmp_path / "link")], ["a/b.css"]) == Found("a/b.css", str(tree / "a/b.css"))
