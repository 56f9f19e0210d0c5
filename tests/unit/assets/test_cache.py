import pytest

from devenv.assets.cache import Failure, Output, OutputCache
from devenv.assets.inputs import Input, read_input

FAILURE = Failure("it is wrong", "/a.less", 2, 5, ((1, "one"), (2, "two")))


@pytest.fixture
def cache(tmp_path):
    return OutputCache(tmp_path / "cache")


@pytest.mark.parametrize(
    "output",
    [
        Output((Input("/none", None),), b"a {}\nb {}\n", ("beware",)),
        Output((Input("/none", None),), failure=FAILURE),
    ],
)
def test_an_output_comes_back_as_it_was(cache, output):
    cache.store("key", output)
    assert cache.fresh("key") == output


def test_another_key_is_another_output(cache):
    cache.store("key", Output(()))
    assert cache.fresh("other") is None


def test_an_output_of_changed_inputs_is_none(cache, tmp_path):
    source = tmp_path / "a.less"
    source.write_text("one")
    cache.store("key", Output((read_input(str(source))[0],)))
    source.write_text("two")
    assert cache.fresh("key") is None


def test_what_is_in_memory_is_checked_and_bounded_too(cache, tmp_path, monkeypatch):
    source = tmp_path / "a.less"
    source.write_text("one")
    cache.store("key", Output((read_input(str(source))[0],), b"one"))
    assert cache.fresh("key").body == b"one"
    source.write_text("two")
    assert cache.fresh("key") is None
    monkeypatch.setattr("devenv.assets.cache.RECENT_BYTES", 5000)
    for number in range(10):
        cache.store(str(number), Output((), b"x" * 1000))
        assert cache.fresh(str(number)).body == b"x" * 1000
    assert 1 <= len(cache._recent) <= 4
    assert cache.fresh("0").body == b"x" * 1000


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]\n", b"null\nx", b"\xff\xfe\n"])
def test_a_damaged_file_is_none(cache, tmp_path, damage):
    cache.store("key", Output((), b"a {}"))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(damage)
    assert cache.fresh("key") is None


def test_a_cut_file_is_none(cache, tmp_path):
    cache.store("key", Output((), b"a { b: c }"))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    assert cache.fresh("key") is None


def test_a_place_is_as_exact_as_is_known():
    assert FAILURE.place == "/a.less:2:5"
    assert Failure("", "/a.less", 2).place == "/a.less:2"
    assert Failure("", "/a.less").place == "/a.less"
