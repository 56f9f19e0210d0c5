import pytest

from devenv.assets import pages
from devenv.assets.answers import Request
from devenv.assets.cache import Failure
from devenv.assets.finders import NotFound
from devenv.errors import DevenvError

FAILURE = Failure('no "such" thing', "/p/a.less", 2, 3, ((1, "a {"), (2, "  b\\c"), (3, "}")))
TEXT = """\
cannot compile a.css

/p/a.less:2:3: no "such" thing

     1 | a {
>    2 |   b\\c
     3 | }
"""


def request(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", "/x", named)


def test_who_asks_for_nothing_special_gets_the_words():
    answer = pages.source_failed(request(), "a.css", FAILURE)
    assert (answer.status, answer.body.decode()) == (500, TEXT)


def test_a_stylesheet_holds_them_as_one_string():
    answer = pages.source_failed(request(sec_fetch_dest="style"), "a.css", FAILURE)
    assert answer.status == 200
    assert r"\22 such\22  thing\a \a " in answer.body.decode()
    assert r"b\5c c" in answer.body.decode()


@pytest.mark.parametrize("wanted", ["script", "style", "document", "empty", ""])
def test_a_form_is_taken_only_for_what_the_name_promises(wanted):
    answer = pages.source_failed(request(sec_fetch_dest=wanted), "a.png", FAILURE)
    assert answer.status == 500


def test_a_module_holds_them_as_json():
    answer = pages.source_failed(request(sec_fetch_dest="script"), "a.js", FAILURE)
    assert answer.status == 200
    assert r"no \"such\" thing\n\n" in answer.body.decode()


def test_an_error_of_ours_has_its_hint():
    error = DevenvError("it broke", hint="mend it")
    assert pages.failed(request(), "a.css", error).body == b"it broke\n\nmend it\n"


def test_nothing_of_this_may_be_stored():
    answers = [
        pages.source_failed(request(sec_fetch_dest="style"), "a.css", FAILURE),
        pages.not_found(request(), ("a",), NotFound(())),
        pages.no_such_name(request()),
    ]
    assert all(("cache-control", "no-store") in answer.headers for answer in answers)


def test_a_miss_lists_names_folders_and_a_link_that_was_refused():
    missing = NotFound(("/one", "/two"), "/etc/passwd")
    answer = pages.not_found(request(), ("a.less", "a.css"), missing)
    assert answer.status == 404
    assert answer.body.decode() == (
        "a.css was not found\n\nlooked for:\n  a.less\n  a.css\n\nin:\n  /one\n  /two\n\n"
        "not served, because a link leads out of its folder: /etc/passwd\n"
    )


def test_a_page_escapes_what_it_was_asked_for():
    answer = pages.not_found(request(accept="text/html"), ("<b>",), NotFound(()))
    assert b"<h1>&lt;b&gt; was not found</h1>" in answer.body
    assert b"<b>" not in answer.body
