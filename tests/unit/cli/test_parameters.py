import pytest

from devenv.cli import parameters
from devenv.errors import DevenvError


def completed(monkeypatch, outcome, typed):
    def call(_op, *, start, **_):
        assert not start, "a completion starts no daemon"
        if isinstance(outcome, Exception):
            raise outcome
        return {"units": [{"name": name} for name in outcome]}

    monkeypatch.setattr(parameters, "call", call)
    return [item.value for item in parameters.UNIT.shell_complete(None, None, typed)]


def test_names_are_completed_from_the_units_there_are(monkeypatch):
    assert completed(monkeypatch, ["web", "worker"], "we") == ["web"]
    assert completed(monkeypatch, ["web", "worker"], "") == ["web", "worker"]


@pytest.mark.parametrize("error", [ConnectionRefusedError(), DevenvError("no devenv.yml")])
def test_without_an_answer_nothing_is_completed(monkeypatch, error):
    assert completed(monkeypatch, error, "w") == []
