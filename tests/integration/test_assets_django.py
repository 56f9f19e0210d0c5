"""The simulated CDN over a real Django project, whose own finders say what is where."""

import os
import signal
import time
from pathlib import Path

import pytest
from fakes.cdn import CdnProcess, make_project, write

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a project, ünïcode"
    make_project(folder)
    return folder


@pytest.fixture
def cdn(tmp_path, project, compiler):
    with CdnProcess(tmp_path, compiler, django=project / "manage.py") as process:
        yield process


def settings(project, line):
    file = project / "project/settings.py"
    file.write_text(f"{file.read_text()}\n{line}\n")


def test_the_project_s_finders_say_what_is_where(cdn):
    assert cdn.get("/shop.css").text == "shop {}\n"
    assert cdn.get("/vendor/jquery/jquery.js").text == "jquery();\n"
    assert cdn.get("/css/site.css").text == "body {\n  color: #111111;\n}\n"
    assert cdn.get("/jquery/jquery.js").status == 404


def test_what_the_project_prints_is_log(cdn):
    assert "manage.py says hello\nthe settings say hello\n" in cdn.log


def test_a_file_in_an_earlier_folder_takes_over_and_gives_back(cdn, project):
    assert cdn.get("/shop.css").text == "shop {}\n"
    earlier = write(project / "assets/shop.css", "earlier {}\n")
    assert cdn.get("/shop.css").text == "earlier {}\n"
    earlier.unlink()
    assert cdn.get("/shop.css").text == "shop {}\n"


def test_a_static_folder_that_an_app_gets_later_is_noticed(tmp_path, project, compiler):
    settings(project, 'INSTALLED_APPS.append("blog")')
    write(project / "blog/__init__.py", "")
    with CdnProcess(tmp_path, compiler, django=project / "manage.py") as cdn:
        assert cdn.get("/blog.css").status == 404
        write(project / "blog/static/blog.css", "blog {}\n")
        assert cdn.get("/blog.css").text == "blog {}\n"


def test_no_process_is_started_for_a_request(cdn):
    before = cdn.children()
    assert len(before) == 2
    for _ in range(20):
        cdn.get("/css/site.css")
    assert cdn.children() == before


def test_a_miss_says_where_django_looked(cdn, project):
    told = cdn.get("/none.css").text
    for folder in ("assets", "bower_components", "shop/static"):
        assert f"  {project / folder}\n" in told


def test_a_link_out_of_its_folder_is_refused_and_the_miss_says_so(cdn, project):
    secret = write(project / "secret.txt", "secret")
    (project / "assets/out.txt").symlink_to(secret)
    (project / "assets/in.css").symlink_to(project / "assets/css/site.less")
    (project / "shop/static/up").symlink_to(project)
    told = cdn.get("/out.txt")
    assert told.status == 404
    assert f"a link leads out of its folder: {secret}" in told.text
    assert cdn.get("/up/secret.txt").status == 404
    assert cdn.get("/in.css").status == 200


def test_the_path_of_static_url_may_lead_the_name(cdn, project):
    settings(project, 'STATIC_URL = "https://cdn.example.localhost:8443/static/"')
    assert cdn.get("/static/shop.css").text == "shop {}\n"
    assert cdn.get("/shop.css").text == "shop {}\n"


def test_changed_settings_count_from_the_next_request(cdn, project):
    assert cdn.get("/more.css").status == 404
    write(project / "more/more.css", "more {}\n")
    settings(project, 'STATICFILES_DIRS.append(BASE_DIR / "more")')
    assert cdn.get("/more.css").text == "more {}\n"


def test_broken_settings_are_told_in_django_s_words_until_they_are_mended(cdn, project):
    file = project / "project/settings.py"
    good = file.read_text()
    file.write_text(good + 'INSTALLED_APPS += ["no_such_app"]\n')
    told = cdn.get("/shop.css")
    assert told.status == 500
    assert "ModuleNotFoundError: No module named 'no_such_app'" in told.text
    assert cdn.get("/-/ready").status == 503
    file.write_text(good + "syntax error\n")
    assert "SyntaxError: invalid syntax" in cdn.get("/shop.css").text
    file.write_text(good)
    assert cdn.get("/shop.css").status == 200
    assert cdn.log.count("ModuleNotFoundError: No module named 'no_such_app'\n") >= 1
    assert cdn.log.count("Traceback") == 2


def test_what_mends_the_settings_may_be_anywhere(cdn, project):
    settings(project, "import late")
    assert "No module named 'late'" in cdn.get("/shop.css").text
    write(project / "late.py", "")
    deadline = time.monotonic() + 10
    while cdn.get("/shop.css").status != 200:
        assert time.monotonic() < deadline, cdn.log
        time.sleep(0.1)


def test_a_manage_py_that_starts_nothing_is_told(tmp_path, project, compiler):
    write(project / "manage.py", "print('nothing')\n")
    cdn = CdnProcess(tmp_path, compiler, django=project / "manage.py")
    cdn.start(ready=False)
    told = cdn.get("/shop.css").text
    assert cdn.stop() == 0
    assert "ended without calling execute_from_command_line()" in told


def test_a_helper_that_was_killed_is_replaced_unnoticed(cdn):
    helper = next(pid for name, pid in cdn.children().items() if name != "node")
    os.kill(helper, signal.SIGKILL)
    assert cdn.get("/shop.css").status == 200


def test_a_finder_that_fails_is_told_and_does_not_end_the_helper(cdn, project):
    write(
        project / "shop/finders.py",
        """\
        from django.contrib.staticfiles.finders import BaseFinder

        class Failing(BaseFinder):
            def find(self, path, find_all=False, **kwargs):
                if path == "bad.css":
                    raise RuntimeError("the finder is unwell")
                return []
        """,
    )
    settings(
        project,
        'STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder",'
        '"shop.finders.Failing",'
        '"django.contrib.staticfiles.finders.AppDirectoriesFinder"]',
    )
    assert "RuntimeError: the finder is unwell" in cdn.get("/bad.css").text
    assert cdn.get("/shop.css").status == 200


def test_sigterm_ends_the_helper_too(cdn):
    children = cdn.children().values()
    assert cdn.stop() == 0
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_children_do_not_outlive_a_server_that_was_killed(cdn):
    children = cdn.children().values()
    cdn.stop(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/exe").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
