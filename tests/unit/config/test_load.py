"""Files: found, refused, read."""

from __future__ import annotations

import os

import pytest
from fakes.configuration import WHOLE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devenv.config.load import find_config, load_project
from devenv.errors import ConfigError, DevenvError, ExitCode


@pytest.fixture
def config(tmp_path):
    return tmp_path / "devenv.yml"


def test_a_file_is_found_in_the_folder_itself_and_from_below(config):
    config.write_text("name: s\n")
    below = config.parent / "a b" / "ä"
    below.mkdir(parents=True)
    assert find_config(config.parent) == config.resolve()
    assert find_config(below) == config.resolve()


def test_the_nearest_file_wins(config):
    config.write_text("name: outer\n")
    inner = config.parent / "inner" / "devenv.yml"
    inner.parent.mkdir()
    inner.write_text("name: inner\n")
    assert find_config(inner.parent) == inner.resolve()


def test_a_link_to_a_checkout_leads_to_the_checkout(config, tmp_path):
    config.write_text("name: s\n")
    (tmp_path / "sub").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "sub")
    assert find_config(link) == config.resolve()


def test_no_file_says_where_was_looked_and_what_to_do(tmp_path):
    with pytest.raises(DevenvError) as caught:
        find_config(tmp_path)
    assert caught.value.code == "config.missing"
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message == (
        f"found no `devenv.yml` in `{tmp_path.resolve()}` nor in a folder above it"
    )
    assert caught.value.hint == (
        "change to a folder of the project, or write a `devenv.yml` at its root"
    )


@pytest.mark.parametrize("start", ["loop", "nul\0"])
def test_a_folder_that_cannot_be_is_answered(tmp_path, start):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DevenvError) as caught:
        find_config(tmp_path / start)
    assert caught.value.code == "config.missing"


@pytest.mark.parametrize("own", [True, False])
def test_a_checkout_of_another_tool_is_left_alone(config, own):
    (config.parent / "devenv.nix").touch()
    if own:
        config.write_text("name: s\n")
    with pytest.raises(DevenvError) as caught:
        find_config(config.parent)
    assert caught.value.code == "config.foreign"
    assert caught.value.exit_code is ExitCode.USAGE
    assert "belongs to another tool" in caught.value.message


def test_another_tool_further_up_does_not_matter(config):
    (config.parent.parent / "devenv.nix").touch()
    config.write_text("name: s\n")
    assert find_config(config.parent) == config.resolve()


def test_the_other_tools_yaml_counts_only_without_ours(config):
    (config.parent / "devenv.yaml").touch()
    with pytest.raises(DevenvError) as caught:
        find_config(config.parent)
    assert caught.value.code == "config.foreign"
    config.write_text("name: s\n")
    assert find_config(config.parent) == config.resolve()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_file_may_be_written_on_any_system(config, encoding, ending):
    config.write_bytes(WHOLE.replace("\n", ending).encode(encoding))
    assert load_project(config, {}).name == "drund"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "1:1: the file is empty, expected at least `name: ...`"),
        (b"name: s\n\xff", "2:1: expected UTF-8, got the byte 0xff"),
        ("näme: ä\n".encode("latin-1"), "1:2: expected UTF-8, got the byte 0xe4"),
        ("name: s\n".encode("utf-16"), "1:1: expected UTF-8, got the byte 0xff"),
        (b"name: s\r\na: \0", "2:4: the control character U+0000 cannot be in a YAML file"),
        (b"name: \x1b[1m", "1:7: the control character U+001B cannot be in a YAML file"),
        (b"name: s\n\tx: 1", "2:1: a tab: indent with spaces"),
        (b"name: s\nname: t\nx: 1\n", '2:1: key "name" is given twice, first in line 1'),
        (b"[" * 100_000, "1:51: nested more than 50 levels deep"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_sentence_with_its_place(config, data, problem):
    config.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_project(config, {})
    assert str(caught.value.problems[0]) == f"devenv.yml:{problem}"
    assert caught.value.exit_code is ExitCode.USAGE


def test_mistakes_of_syntax_and_of_meaning_come_together(config):
    config.write_text("name: S\nname: t\nx: !y 1\n")
    with pytest.raises(ConfigError) as caught:
        load_project(config, {})
    assert [(p.line, p.column) for p in caught.value.problems] == [(1, 7), (2, 1), (3, 1), (3, 4)]


def folder(config):
    config.mkdir()


def pipe(config):
    os.mkfifo(config)


def large(config):
    config.write_bytes(b"#" * (2**20 + 1))


def loop(config):
    config.symlink_to(config)


def dangling(config):
    config.symlink_to(config.with_name("gone"))


@pytest.mark.parametrize(
    ("make", "code", "reason"),
    [
        (folder, "config.unreadable", "it is not a file"),
        (pipe, "config.unreadable", "it is not a file"),
        (large, "config.unreadable", "it is larger than 1 MiB"),
        (loop, "config.unreadable", "too many levels of symbolic links"),
        (dangling, "config.missing", "does not exist"),
        (lambda _: None, "config.missing", "does not exist"),
    ],
)
def test_what_is_no_readable_file_is_answered(config, make, code, reason):
    make(config)
    with pytest.raises(DevenvError) as caught:
        load_project(config, {})
    assert caught.value.code == code
    assert caught.value.exit_code is ExitCode.USAGE
    assert reason in caught.value.message
    assert caught.value.hint


def test_a_file_without_permission_is_answered(config, monkeypatch):
    config.write_text("name: s\n")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    # Root may read everything, so the refusal cannot be had from the file system here.
    monkeypatch.setattr(type(config), "open", refuse)
    with pytest.raises(DevenvError) as caught:
        load_project(config, {})
    assert caught.value.code == "config.unreadable"
    assert caught.value.message == f"cannot read `{config}`: permission denied"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(config, data):
    config.write_bytes(data)
    with pytest.raises(ConfigError):  # nothing so short and so random names a project
        load_project(config, {})
