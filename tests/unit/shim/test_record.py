from __future__ import annotations

import os

import pytest

from devenv.shim import kernel, record
from devenv.shim.protocol import RunStatus

STATUS = RunStatus("web", "main", "d", 42, 4242, 1.0)


def test_a_record_names_this_shim_and_its_runs(tmp_path):
    path = str(tmp_path / "state" / "shim.json")
    record.write(path, record.Record.of_this_shim("id", [STATUS]))
    found = record.read(path)
    assert found is not None
    assert found.runs == (record.Entry("web", "main", 42, 4242),)
    assert found.shim.pid == os.getpid()
    assert found.shim.is_alive
    assert list((tmp_path / "state").iterdir()) == [tmp_path / "state" / "shim.json"]


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"identity":"x","runs":[1],"shim":{}}'])
def test_what_is_no_record_is_none(tmp_path, text):
    path = tmp_path / "shim.json"
    path.write_bytes(text)
    assert record.read(str(path)) is None


def test_a_record_that_cannot_be_written_is_said_and_changes_nothing(tmp_path, capsys):
    path = tmp_path / "folder"
    path.mkdir()
    record.write(str(path), record.Record.of_this_shim("id", []))
    assert "cannot write the record" in capsys.readouterr().err


def test_deleting_no_record_is_fine(tmp_path):
    record.delete(str(tmp_path / "missing"))


def test_another_process_with_the_same_pid_is_not_it():
    ticks = kernel.start_ticks(os.getpid())
    assert record.Entry("", "", os.getpid(), ticks).is_alive
    assert not record.Entry("", "", os.getpid(), ticks + 1).is_alive
    assert not record.Entry("", "", os.getpid(), 0).is_alive
