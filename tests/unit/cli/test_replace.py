import pytest

from devenv.cli.replace import replace_process
from devenv.errors import DevenvError


@pytest.fixture
def becomes(monkeypatch, tmp_path):
    """What this process would become, in which folder."""
    became = []
    view = {"cwd": str(tmp_path), "environment": {"PATH": "/bin", "HOST": "127.0.0.9"}}
    monkeypatch.setattr("devenv.cli.replace.call", lambda *_, **__: view)
    monkeypatch.setattr("os.chdir", became.append)
    monkeypatch.setattr("os.execvpe", lambda *words: became.append(words))
    return became


def test_a_command_beside_the_units_stays_where_it_is(becomes):
    replace_process("", ("ls", "-l"))
    assert becomes == [("ls", ["ls", "-l"], {"PATH": "/bin", "HOST": "127.0.0.9"})]


def test_a_command_in_a_units_place_goes_to_its_folder(becomes, tmp_path):
    replace_process("web", ("--", "ls"))
    assert becomes[0] == str(tmp_path)
    assert becomes[1][1] == ["ls"]


@pytest.mark.parametrize("command", [("no-such-program",), ("--",)])
def test_a_command_that_cannot_be_run_says_so(becomes, monkeypatch, tmp_path, command):
    def fail(*_words):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("os.execvpe", fail)
    with pytest.raises(DevenvError) as caught:
        replace_process("", command)
    name = command[0].strip("-")
    assert caught.value.message == f"cannot run `{name}`: No such file or directory"
    assert caught.value.code == "command.not-run"


def test_a_folder_that_is_not_there_says_so(becomes, monkeypatch, tmp_path):
    monkeypatch.undo()
    view = {"cwd": str(tmp_path / "gone"), "environment": {}}
    monkeypatch.setattr("devenv.cli.replace.call", lambda *_, **__: view)
    with pytest.raises(DevenvError) as caught:
        replace_process("web", ("ls",))
    assert caught.value.message == f"cannot enter `{tmp_path}/gone`: No such file or directory"
