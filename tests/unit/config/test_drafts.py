"""What is read of units in a file that is wrong elsewhere."""

from __future__ import annotations

import pytest

from devenv.config.drafts import declared_names, draft_routes, draft_units, mapping

DATA = {
    "services": {"redis": {"type": "redis"}, "db": {"type": "mysql", "port": 1}},
    "setup": {"migrate": {"needs": ["db", 3]}},
    "processes": {
        "web": {"port": "80", "ready": {"http": "/", "tcp": False}},
        "odd": {"needs": "db", "port": True, "ready": 1},
    },
    "routes": {"*": {"to": "web"}},
}


def test_units_come_by_section_with_what_could_be_read():
    drafts = {draft.name: draft for draft in draft_units(DATA, ())}
    assert list(drafts) == ["redis", "db", "migrate", "web", "odd"]
    assert drafts["migrate"].needs == ((("setup", "migrate", "needs", 0), "db"),)
    assert drafts["odd"].needs == ()
    assert drafts["web"].probes == (("processes", "web", "ready", "http"),)


def test_a_service_without_a_port_has_the_usual_one_at_its_own_place():
    drafts = {draft.name: draft for draft in draft_units(DATA, ())}
    assert (drafts["redis"].port, drafts["redis"].port_path) == (6379, ("services", "redis"))
    assert (drafts["db"].port, drafts["db"].port_path) == (1, ("services", "db", "port"))


def test_a_port_that_is_not_valid_is_a_port_all_the_same():
    drafts = {draft.name: draft for draft in draft_units(DATA, {("processes", "odd", "port")})}
    assert drafts["web"].has_port
    assert drafts["web"].port is None
    assert drafts["odd"].port is None


def test_names_of_spoiled_units_count_as_declared():
    names = declared_names({**DATA, "python": {}}, {("processes", "bad"), ("node",), ("x", "y")})
    assert names == {"redis", "db", "migrate", "web", "odd", "bad", "python", "node"}


@pytest.mark.parametrize("data", [None, [], "x", {"services": 1, "routes": [2]}])
def test_anything_may_be_drafted(data):
    assert list(draft_units(data, ())) == []
    assert list(draft_routes(data)) == []
    assert declared_names(data, ()) == frozenset()
    assert isinstance(mapping(data), dict)
