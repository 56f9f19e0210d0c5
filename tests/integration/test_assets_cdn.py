"""The simulated CDN over plain folders: a real granian, a real less.js, a real hogan.js."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.cdn import HOST, CdnProcess, write

pytestmark = pytest.mark.integration

RENDER = """
const [hogan, template, context] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const load = (source, ...parts) => {
  let module;
  const define = (...given) => {
    const factory = given.pop();
    module = typeof factory === 'function' ? factory(...parts) : factory;
  };
  define.amd = {};
  require('vm').runInNewContext(source, { define });
  return module;
};
process.stdout.write(load(template, load(hogan)).render(context));
"""


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "static"
    folder.mkdir()
    return folder


@pytest.fixture
def cdn(tmp_path, root, compiler):
    with CdnProcess(tmp_path, compiler, dirs=(root,), compile_timeout_s=1.5) as process:
        yield process


def render(*given):
    done = subprocess.run(
        ["node", "-e", RENDER],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout or done.stderr


def test_less_is_compiled_with_its_imports(cdn, root):
    write(root / "a.less", '@import "parts/b";\n.a { .b; }\n')
    write(root / "parts/b.less", ".b() { width: (2px * 3); }\n")
    answer = cdn.get("/a.css")
    assert (answer.status, answer.text) == (200, ".a {\n  width: 6px;\n}\n")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_no_save_is_missed_however_quick(cdn, root):
    """Same size, same second: what a stamp cannot tell apart is told by content."""
    write(root / "a.less", '@import "b";\n')
    for number in range(100, 130):
        write(root / "b.less", f"a {{ width: {number}px; }}\n")
        assert f"{number}px" in cdn.get("/a.css").text


def test_an_import_that_appears_is_noticed(cdn, root):
    write(root / "a.less", '@import (optional) "later";\na { b: c; }\n')
    assert "late" not in cdn.get("/a.css").text
    write(root / "later.less", "late { b: c; }\n")
    assert "late" in cdn.get("/a.css").text


def test_an_inlined_image_counts_as_an_input(cdn, root):
    write(root / "a.less", "a { b: data-uri('dot.txt'); }\n")
    write(root / "dot.txt", "one")
    first = cdn.get("/a.css").text
    write(root / "dot.txt", "two")
    assert cdn.get("/a.css").text != first


def test_a_touched_file_is_not_compiled_again(cdn, root):
    source = write(root / "a.less", "a { b: c; }\n")
    first = cdn.get("/a.css")
    os.utime(source, (1, 1))
    assert cdn.get("/a.css", if_none_match=first.headers["etag"]).status == 304
    assert cdn.log.count("compiled") == 1


def test_requests_at_once_compile_once(cdn, root):
    write(root / "a.less", "a { b: c; }\n")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(cdn.get, ["/a.css"] * 48))
    assert {answer.text for answer in answers} == {"a {\n  b: c;\n}\n"}
    assert cdn.log.count("compiled") == 1


def test_output_survives_a_restart(cdn, root):
    write(root / "a.less", "a { b: c; }\n")
    first = cdn.get("/a.css")
    assert cdn.stop() == 0
    cdn.start()
    assert cdn.get("/a.css").body == first.body
    assert "compiled" not in cdn.log


def test_a_damaged_cache_is_made_again(cdn, root):
    write(root / "a.less", "a { b: c; }\n")
    first = cdn.get("/a.css")
    cdn.stop()
    for file in cdn.config.cache.iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    cdn.start()
    assert cdn.get("/a.css").body == first.body


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, root, compiler):
    write(root / "a.less", "a { b: c; }\n")
    blocked = write(tmp_path / "cache", "a file where the folder should be")
    with CdnProcess(tmp_path, compiler, dirs=(root,), cache=blocked) as cdn:
        assert cdn.get("/a.css").status == 200
        assert "cannot keep the output of" in cdn.log


def test_a_source_wins_over_what_a_build_left_behind(cdn, root):
    write(root / "a.css", "stale {}\n")
    write(root / "a.less", "a { b: c; }\n")
    assert "stale" not in cdn.get("/a.css").text


def test_a_template_renders_with_the_runtime_of_the_cdn(cdn, root):
    write(root / "js/hello.template.mustache", "{{#people}}Hi {{name}}!{{/people}}")
    template = cdn.get("/js/hello.template.js")
    assert template.headers["content-type"] == "text/javascript; charset=utf-8"
    hogan = cdn.get("/js/hogan.js")
    context = {"people": [{"name": "Ada"}, {"name": "<Bob>"}]}
    assert render(hogan.text, template.text, context) == "Hi Ada!Hi &lt;Bob&gt;!"


def test_a_hogan_of_the_project_wins_over_ours(cdn, root):
    write(root / "hogan.js", "theirs")
    assert cdn.get("/hogan.js").text == "theirs"


def test_a_broken_stylesheet_draws_its_error_and_is_gone_once_fixed(cdn, root):
    source = write(root / "a.less", "a { b: c; }\nx { color: @missing; }\n")
    drawn = cdn.get("/a.css", sec_fetch_dest="style")
    assert (drawn.status, drawn.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "body::before" in drawn.text
    assert "variable @missing is undefined" in drawn.text
    told = cdn.get("/a.css")
    assert told.status == 500
    assert f"{source}:2:12: variable @missing is undefined" in told.text
    assert ">    2 | x { color: @missing; }" in told.text
    assert drawn.headers["cache-control"] == told.headers["cache-control"] == "no-store"
    assert f"ERROR {source}:2:12: variable @missing is undefined" in cdn.log
    write(source, "a { b: c; }\n")
    assert cdn.get("/a.css", sec_fetch_dest="style").text == "a {\n  b: c;\n}\n"


def test_an_error_in_an_import_names_the_import(cdn, root):
    write(root / "a.less", '@import "b";\n')
    part = write(root / "b.less", "\n\nb { c: @d; }\n")
    assert f"{part}:3:8: variable @d is undefined" in cdn.get("/a.css").text


def test_a_broken_template_throws_its_error(cdn, root):
    source = write(root / "a.template.mustache", "one\n{{#open}}\n")
    module = cdn.get("/a.template.js", sec_fetch_dest="script")
    assert module.status == 200
    thrown = render(cdn.get("/hogan.js").text, module.text, {})
    assert f"{source}:2: missing closing tag: open" in thrown
    assert cdn.get("/a.template.js").status == 500


def test_a_plugin_that_prints_does_not_disturb(cdn, root):
    write(root / "p.js", "console.log('from the plugin');\nmodule.exports = {};\n")
    write(root / "a.less", '@plugin "p";\na { b: c; }\n')
    assert cdn.get("/a.css").status == 200
    assert "from the plugin" in cdn.log


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        ("while (true) {}", "gave no answer within 1.5 s"),
        ("process.exit(3)", "ended unexpectedly, exit code 3"),
    ],
)
def test_a_worker_that_hangs_or_dies_fails_that_request_only(cdn, root, plugin, words):
    write(root / "p.js", plugin)
    write(root / "a.less", '@plugin "p";\n')
    write(root / "b.less", "b { c: d; }\n")
    failed = cdn.get("/a.css")
    assert failed.status == 500
    assert f"cannot compile `{root / 'a.less'}`: the compiler {words}" in failed.text
    assert cdn.get("/b.css").status == 200


def test_a_burst_of_requests_waits_for_a_hung_compile_at_most_twice(cdn, root):
    write(root / "p.js", "while (true) {}")
    write(root / "a.less", '@plugin "p";\n')
    began = time.monotonic()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(cdn.get, ["/a.css"] * 12))
    assert {answer.status for answer in answers} == {500}
    assert time.monotonic() - began < 6 * cdn.config.compile_timeout_s


def test_a_worker_killed_while_idle_is_replaced(cdn, root):
    write(root / "a.less", "a { b: c; }\n")
    before = cdn.children()["node"]
    os.kill(before, signal.SIGKILL)
    answers = [cdn.get("/a.css") for _ in range(2)]
    assert answers[-1].status == 200
    assert cdn.children()["node"] != before


def test_plain_files_have_validators(cdn, root):
    write(root / "a.js", "let a;\n")
    first = cdn.get("/a.js")
    again = cdn.get("/a.js", if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    write(root / "a.js", "let b;\n")
    assert cdn.get("/a.js", if_none_match=first.headers["etag"]).text == "let b;\n"


def test_head_tells_the_length_and_sends_nothing(cdn, root):
    write(root / "a.js", "let a;\n")
    answer = cdn.get("/a.js", method="HEAD")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "7", b"")


@pytest.mark.parametrize("size", [1000, 6_000_000])
def test_ranges_of_small_and_of_streamed_files(cdn, root, size):
    data = os.urandom(size)
    (root / "film.mp4").write_bytes(data)
    whole = cdn.get("/film.mp4")
    assert (whole.status, whole.body) == (200, data)
    assert whole.headers["content-length"] == str(size)
    part = cdn.get("/film.mp4", range="bytes=500-899")
    assert (part.status, part.body) == (206, data[500:900])
    assert part.headers["content-range"] == f"bytes 500-899/{size}"
    assert cdn.get("/film.mp4", range="bytes=-100").body == data[-100:]
    assert cdn.get("/film.mp4", range=f"bytes={size}-").status == 416
    assert cdn.get("/film.mp4", range="bytes=0-9", if_range='"old"').status == 200


def test_only_reading_is_answered(cdn):
    assert cdn.get("/a", method="POST").headers["allow"] == "GET, HEAD, OPTIONS"
    assert cdn.get("/a", method="OPTIONS").status == 204


def test_a_miss_says_where_it_looked(cdn, root):
    told = cdn.get("/css/none.css")
    assert told.status == 404
    assert all(word in told.text for word in ("css/none.less", "css/none.css", str(root)))
    page = cdn.get("/css/none.css", accept="text/html,*/*")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>css/none.css was not found</h1>" in page.text


def test_a_folder_with_an_asset_s_name_is_no_asset(cdn, root):
    (root / "x.css").mkdir()
    assert cdn.get("/x.css").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/%252e%252e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/a/../../secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/secret.txt%00.css",
        "/link.txt",
        "/folder/secret.txt",
        "/%e2%80%a4%e2%80%a4/secret.txt",  # one dot leaders
        "/%ff%c0%ae%c0%ae/secret.txt",  # overlong UTF-8
        "/" + "a" * 5000,
    ],
)
def test_nothing_outside_the_roots_is_served(cdn, root, path):
    write(root.parent / "secret.txt", "secret")
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    (root / "folder").symlink_to(root.parent)
    answer = cdn.get(path)
    assert answer.status == 404
    assert answer.body != b"secret"


def test_sigterm_in_the_middle_of_a_compile_leaves_nothing_behind(tmp_path, root, compiler):
    write(root / "p.js", "while (true) {}")
    write(root / "a.less", '@plugin "p";\n')
    cdn = CdnProcess(tmp_path, compiler, dirs=(root,))
    cdn.start()
    worker = cdn.children()["node"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cdn.get, "/a.css")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        assert cdn.stop() == 0
        assert waiting.exception(timeout=10) or waiting.result().status == 500
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_port_in_use_is_one_sentence(tmp_path, root, compiler):
    cdn = CdnProcess(tmp_path, compiler, dirs=(root,))
    (tmp_path / "cdn.json").write_text(cdn.config.to_json())
    with socket.create_server((HOST, cdn.config.port)):
        done = subprocess.run(
            [sys.executable, "-m", "devenv.assets", str(tmp_path / "cdn.json")],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"error: cannot listen on {HOST}:{cdn.config.port}: Address already in use\n\n"
        "hint: stop the program that listens there\n"
    )


def test_without_node_the_readiness_says_so_and_plain_files_are_served(tmp_path, root, compiler):
    write(root / "a.js", "let a;\n")
    cdn = CdnProcess(tmp_path, compiler, dirs=(root,), node="/nowhere/node")
    cdn.start(ready=False)
    try:
        unready = cdn.get("/-/ready")
        assert unready.status == 503
        assert "cannot start the compiler: `/nowhere/node`: No such file" in unready.text
        assert cdn.get("/a.js").status == 200
    finally:
        assert cdn.stop() == 0
