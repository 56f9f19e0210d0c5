import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.assets.names import asset_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/css/site.css", "css/site.css"),
        ("//css/site.css", "css/site.css"),
        ("/a b/ü.css", "a b/ü.css"),
        ("/..a/b..", "..a/b.."),
        ("/%2e%2e/x", "%2e%2e/x"),
    ],
)
def test_a_path_that_stays_below_the_root_is_a_name(path, name):
    assert asset_name(path) == name


@pytest.mark.parametrize(
    "path", ["", "/", "/a/", "/a//b", "/.", "/../a", "/a/../b", "/a/..", "/a\\b", "/a\0b", "..\\a"]
)
def test_everything_else_is_none(path):
    assert asset_name(path) is None


@given(st.text(alphabet="./\\\0ab%2e", max_size=20))
def test_a_name_has_no_way_up(path):
    name = asset_name(path)
    assert name is None or not (
        name.startswith("/") or ".." in name.split("/") or "\\" in name or "\0" in name
    )
