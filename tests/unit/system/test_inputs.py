import pytest

from devenv.system.inputs import InputDigests, find_inputs, translate


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/migrations/*.py", "app/migrations/0001.py", True),
        ("**/migrations/*.py", "migrations/0001.py", True),
        ("**/migrations/*.py", "a/b/migrations/0001.py", True),
        ("**/migrations/*.py", "app/migrations/old/0001.py", False),
        ("*.py", "app/x.py", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("dir/**", "dir/a/b", True),
        ("a+b*.txt", "a+b1.txt", True),
    ],
)
def test_globs_match_whole_paths(pattern, path, expected):
    assert expected == bool(translate(pattern).fullmatch(path))


@pytest.fixture
def root(tmp_path):
    for name in (
        "app/migrations/1.py",
        "node_modules/x/migrations/1.py",
        ".git/migrations/1.py",
        "env/pyvenv.cfg",
        "env/lib/migrations/1.py",
        "lock.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_wildcards_leave_out_other_peoples_code(root):
    assert find_inputs(root, ["**/migrations/*.py"]) == ["app/migrations/1.py"]


def test_a_plain_name_is_an_input_even_while_it_is_missing(root):
    digests = InputDigests()
    before = digests.digest(root, ["later.txt"])
    (root / "later.txt").write_text("")
    assert digests.digest(root, ["later.txt"]) != before


def test_content_decides_and_not_the_time(root):
    digests = InputDigests()
    before = digests.digest(root, ["lock.txt"])
    (root / "lock.txt").write_text("lock.txt")
    assert digests.digest(root, ["lock.txt"]) == before
    (root / "lock.txt").write_text("other")
    assert digests.digest(root, ["lock.txt"]) != before


def test_an_unreadable_input_is_no_crash(root):
    (root / "folder.txt").mkdir()
    assert InputDigests().digest(root, ["folder.txt"])
