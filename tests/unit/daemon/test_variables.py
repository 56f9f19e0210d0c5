import pytest
from fakes.configuration import project_of
from fakes.environments import setting_of

from devenv.daemon.variables import endpoints, search_path, shared_variables
from devenv.model.unit import Endpoint

APP = project_of(
    """
    name: app
    services: {cache: {type: redis, port: 7000}, redis: {}}
    processes: {web-2: {run: x, port: 8000}, worker: {run: x}}
    """
)


def test_only_what_has_a_port_listens():
    assert endpoints(APP, setting_of(APP)) == {
        "cache": Endpoint("127.0.0.9", 7000),
        "redis": Endpoint("127.0.0.9", 6379),
        "web-2": Endpoint("127.0.0.9", 8000),
    }


def test_each_unit_that_listens_is_told_by_its_own_name():
    variables = shared_variables(APP, setting_of(APP))
    assert (variables["CACHE_PORT"], variables["REDIS_PORT"], variables["WEB_2_PORT"]) == (
        "7000",
        "6379",
        "8000",
    )


@pytest.mark.parametrize(
    ("text", "callers", "expected"),
    [
        ("name: app", "/usr/bin", "/usr/bin:/data/tools/bin"),
        ("name: app", "", "/usr/local/bin:/usr/bin:/bin:/data/tools/bin"),
        ("name: app\npython: {}", "/bin", "/home/me/drund/.venv/bin:/bin:/data/tools/bin"),
    ],
)
def test_the_projects_programs_come_first_and_ours_last(text, callers, expected):
    project = project_of(text)
    assert search_path(project, setting_of(project), callers) == expected


@pytest.mark.parametrize(
    ("port", "url"), [(443, "https://a.localhost"), (8443, "https://a.localhost:8443")]
)
def test_a_url_has_its_port_unless_it_is_the_usual_one(port, url):
    assert setting_of(APP, https_port=port).url("a.localhost") == url
