import pytest

from devenv.assets.compilers import kind_of


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("css/a.css", "css/a.less"),
        ("a.min.css", "a.min.less"),
        ("js/hello.template.js", "js/hello.template.mustache"),
    ],
)
def test_an_asset_s_name_says_its_source(name, source):
    assert kind_of(name).source_of(name) == source


@pytest.mark.parametrize("name", ["a.js", "a.less", "template.js", "css", "a.css.map"])
def test_other_names_are_served_as_they_are(name):
    assert kind_of(name) is None
