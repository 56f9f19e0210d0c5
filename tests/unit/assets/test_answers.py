import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.assets.answers import Request, asset, conditional, content_type

BODY = bytes(range(100))


def ask(method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return conditional(Request(method, "/a.bin", named), asset("a.bin", "tag", BODY))


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("a.JS", "text/javascript; charset=utf-8"),
        ("a.template.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.less", "text/plain; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.woff2", "font/woff2"),
        ("a.nobody-knows", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_the_media_type_goes_by_the_name_alone(name, media):
    assert content_type(name) == media


@pytest.mark.parametrize("condition", ['"tag"', 'W/"tag"', '"other", "tag"', "*"])
def test_a_known_tag_is_not_sent_again(condition):
    answer = ask(if_none_match=condition)
    assert (answer.status, answer.body) == (304, b"")
    assert ("etag", '"tag"') in answer.headers


@pytest.mark.parametrize("condition", ["", "tag", '"tagg"', '"other"'])
def test_another_tag_gets_the_whole(condition):
    assert ask(if_none_match=condition).status == 200


@pytest.mark.parametrize(
    ("wanted", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=50-5000", (50, 100)),
    ],
)
def test_one_range_is_a_part(wanted, span):
    answer = ask(range=wanted)
    assert (answer.status, answer.body) == (206, BODY[slice(*span)])
    assert ("content-range", f"bytes {span[0]}-{span[1] - 1}/100") in answer.headers


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=-0", "bytes=500-600"])
def test_a_range_behind_the_end_cannot_be_had(wanted):
    answer = ask(range=wanted)
    assert answer.status == 416
    assert ("content-range", "bytes */100") in answer.headers


@pytest.mark.parametrize("wanted", ["bytes=5-4", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "x"])
def test_a_range_that_is_none_gets_the_whole(wanted):
    assert ask(range=wanted).status == 200


def test_a_range_of_an_older_state_gets_the_whole():
    assert ask(range="bytes=0-1", if_range='"older"').status == 200
    assert ask(range="bytes=0-1", if_range='"tag"').status == 206


def test_head_has_no_range():
    assert ask(method="HEAD", range="bytes=0-1").status == 200


@given(st.text(alphabet="bytes=-,0123456789 ", max_size=30))
def test_no_range_raises_and_every_part_is_of_the_body(wanted):
    answer = ask(range=wanted)
    assert answer.status in {200, 206, 416}
    assert answer.body in BODY
