import json
import os

import pytest

from devenv.assets.inputs import RACY_NS, Input, read_input, recheck, stamp_of


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "a.less"
    file.write_text("one")
    return file


def settled(path):
    """An input that was read long after it was written."""
    known, _ = read_input(str(path))
    return Input(known.path, known.stamp, known.digest, known.read_at_ns + 10 * RACY_NS)


def test_an_untouched_file_is_known_without_reading_it(source):
    known = settled(source)
    wrong = Input(known.path, known.stamp, "another digest", known.read_at_ns)
    assert recheck([wrong]) == (wrong,)


def test_a_file_just_written_is_compared_by_content(source):
    """A write within one tick of the clock may leave the very same stamp."""
    known, _ = read_input(str(source))
    assert known.is_racy
    wrong = Input(known.path, known.stamp, "another digest", known.read_at_ns)
    assert recheck([wrong]) is None
    assert recheck([known])[0].digest == known.digest


def test_another_content_of_the_same_size_is_a_change(source):
    known = settled(source)
    source.write_text("two")
    assert recheck([known]) is None


def test_the_same_content_with_another_stamp_is_none(source):
    known = settled(source)
    os.utime(source, (1, 1))
    current = recheck([known])
    assert current != (known,)
    assert current[0].digest == known.digest


def test_a_deleted_file_is_a_change(source):
    known = settled(source)
    source.unlink()
    assert recheck([known]) is None


def test_a_missing_file_is_an_input_until_it_appears(tmp_path):
    missing = Input(str(tmp_path / "later.less"), None)
    assert recheck([missing]) == (missing,)
    (tmp_path / "later.less").mkdir()
    assert recheck([missing]) == (missing,)
    (tmp_path / "later.less").rmdir()
    (tmp_path / "later.less").write_text("")
    assert recheck([missing]) is None


def test_inputs_survive_json(source):
    for known in (settled(source), Input("/none", None)):
        assert Input.from_json(json.loads(json.dumps(known.to_json()))) == known


@pytest.mark.parametrize("name", ["none", "a\0b", "a" * 300])
def test_no_name_raises(name):
    assert stamp_of(name) is None
