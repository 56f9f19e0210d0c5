import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from devenv.edge.pages import BROKEN, FAILURES, UNAVAILABLE, Format, render_page, unknown_host

LAYOUT = (Path(__file__).parents[3] / "proxy/pages/page.html").read_text(encoding="utf-8")
UNKNOWN = unknown_host(["*.shop.localhost", "shop.localhost"], 8443)


class Reader(HTMLParser):
    """Collects what a browser would load, show and be able to follow."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name == "src"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("page", [*FAILURES, UNKNOWN], ids=lambda page: page.code)
def test_html_is_whole_and_loads_nothing(page):
    text = render_page(page, Format.HTML, LAYOUT)
    reader = Reader(text)
    assert reader.open == []
    assert reader.loaded == []
    assert "$" not in text
    assert "url(" not in text
    assert page.title in text


def test_unknown_host_links_to_what_can_be_opened():
    reader = Reader(render_page(UNKNOWN, Format.HTML, LAYOUT))
    assert reader.links == ["https://shop.localhost:8443/"]
    assert "https://*.shop.localhost:8443/" in render_page(UNKNOWN, Format.HTML, LAYOUT)


def test_default_port_is_left_out():
    assert unknown_host(["shop.localhost"], 443).urls == ("https://shop.localhost/",)


def test_long_list_is_cut_and_says_so():
    page = unknown_host([f"h{n}.test" for n in range(1000)], 443)
    for format_ in (Format.HTML, Format.TEXT):
        text = render_page(page, format_, LAYOUT)
        assert text.count("https://h199.test/") >= 1
        assert "h200" not in text
        assert "and 800 more" in text


def test_without_hosts_there_is_no_empty_list():
    text = render_page(unknown_host([], 443), Format.HTML, LAYOUT)
    assert "<ul>" not in text
    assert "No environment is up." in text


def test_program_gets_the_shape_of_other_errors():
    assert json.loads(render_page(BROKEN, Format.JSON, LAYOUT)) == {
        "code": "upstream.broken",
        "message": BROKEN.message,
        "hint": BROKEN.hint,
    }


def test_text_in_full():
    assert render_page(UNKNOWN, Format.TEXT, LAYOUT) == (
        "404 no such host\n"
        "No environment that is up serves this name. These are served:\n"
        "https://*.shop.localhost:8443/\n"
        "https://shop.localhost:8443/\n"
        "`devenv up` in a checkout brings its hosts here.\n"
    )


def test_no_failure_is_answered_by_two_pages():
    flags = [flag for page in FAILURES for flag in page.flags]
    assert len(flags) == len(set(flags))
    assert UNAVAILABLE.retry_after_s is not None
