import sys
from pathlib import Path

import pytest
from fakes.configuration import WHOLE
from fakes.environments import ROOT, resolver_of

from devenv.model.spec import Restart
from devenv.model.unit import Endpoint, ExecProbe, HttpProbe, Kind, TcpProbe

HOST = "127.0.0.9"


def units_of(text=WHOLE, environ=None, **setting):
    return {unit.name: unit for unit in resolver_of(text, environ, **setting).units()}


def test_units_come_services_first_and_need_what_they_name_and_the_packages():
    assert {unit.name: (unit.kind, unit.needs) for unit in units_of().values()} == {
        "mysql": (Kind.SERVICE, ()),
        "redis": (Kind.SERVICE, ()),
        "rabbitmq": (Kind.SERVICE, ()),
        "mongodb": (Kind.SERVICE, ()),
        "python": (Kind.SETUP, ()),
        "node": (Kind.SETUP, ()),
        "compilers": (Kind.SETUP, ("node",)),
        "submodules": (Kind.SETUP, ("python", "node")),
        "migrate": (Kind.SETUP, ("python", "node", "mysql")),
        "cdn": (Kind.PROCESS, ("compilers", "python", "node")),
        "web": (Kind.PROCESS, ("python", "node", "mysql", "redis", "migrate")),
        "activity": (Kind.PROCESS, ("python", "node", "mongodb")),
        "worker": (Kind.PROCESS, ("python", "node", "rabbitmq", "migrate")),
    }


def test_a_process_gets_exactly_these_variables():
    assert units_of()["web"].job.environment == {
        "PATH": "/home/me/drund/.venv/bin:/usr/bin:/data/tools/bin",
        "VIRTUAL_ENV": "/home/me/drund/.venv",
        "HOST": HOST,
        "PORT": "8000",
        "STAGE": "dev",
        "DEVENV_NAME": "drund",
        "DEVENV_DOMAIN": "drund.localhost",
        "DEVENV_ENVIRONMENT": "0123456789ab",
        "DEVENV_ROOT": "/home/me/drund",
        "DEVENV_UNIT": "web",
        "DEVENV_URL": "https://www.drund.localhost:8443",
        "NODE_EXTRA_CA_CERTS": "/data/ca/bundle.pem",
        "SSL_CERT_FILE": "/data/ca/bundle.pem",
        "REQUESTS_CA_BUNDLE": "/data/ca/bundle.pem",
        "MYSQL_HOST": HOST,
        "MYSQL_PORT": "3306",
        "DATABASE_URL": "mysql://drund:drund@127.0.0.9:3306/drund",
        "REDIS_HOST": HOST,
        "REDIS_PORT": "6379",
        "REDIS_URL": "redis://127.0.0.9:6379/0",
        "RABBITMQ_HOST": HOST,
        "RABBITMQ_PORT": "5672",
        "AMQP_URL": "amqp://app:app@127.0.0.9:5672/drund",
        "CELERY_BROKER_URL": "amqp://app:app@127.0.0.9:5672/drund",
        "MONGODB_HOST": HOST,
        "MONGODB_PORT": "27017",
        "MONGODB_URI": "mongodb://127.0.0.9:27017/app",
        "WEB_HOST": HOST,
        "WEB_PORT": "8000",
        "ACTIVITY_HOST": HOST,
        "ACTIVITY_PORT": "9001",
    }


def test_what_has_no_route_and_no_port_gets_the_domains_url_and_no_port():
    environment = units_of()["worker"].job.environment
    assert environment["DEVENV_URL"] == "https://drund.localhost:8443"
    assert "PORT" not in environment


def test_the_files_own_variables_win_and_the_units_win_over_all():
    text = """
        name: app
        environment: {STAGE: dev, PAGER: cat}
        processes: {web: {run: x, environment: {STAGE: test, HOST: elsewhere}}}
    """
    environment = units_of(text, {"PAGER": "less"})["web"].job.environment
    assert (environment["STAGE"], environment["PAGER"], environment["HOST"]) == (
        "test",
        "cat",
        "elsewhere",
    )


def test_a_command_runs_by_the_shell_in_its_folder():
    job = units_of()["activity"].job
    assert (job.argv, job.cwd) == (("/bin/sh", "-c", "node server.js"), ROOT / "activity")


@pytest.mark.parametrize(
    ("process", "probe"),
    [
        ("{run: x}", None),
        ("{run: x, port: 80}", TcpProbe(Endpoint("127.0.0.9", 80))),
        ("{run: x, port: 80, ready: {tcp: true}}", TcpProbe(Endpoint("127.0.0.9", 80))),
        ("{run: x, port: 80, ready: {http: /up}}", HttpProbe(Endpoint("127.0.0.9", 80), "/up")),
    ],
)
def test_a_process_is_ready_when(process, probe):
    assert units_of(f"name: app\nprocesses: {{web: {process}}}")["web"].probe == probe


def test_a_check_by_command_runs_as_its_process_does():
    probe = units_of("name: app\nprocesses: {web: {run: x, port: 80, ready: {exec: check}}}")[
        "web"
    ].probe
    assert isinstance(probe, ExecProbe)
    assert probe.job.argv == ("/bin/sh", "-c", "check")
    assert probe.job.environment["PORT"] == "80"


def test_routes_lead_to_units_and_a_star_is_the_bare_domain_too():
    resolver = resolver_of()
    assert resolver.routes() == {
        "activity.drund.localhost": "activity",
        "cdn.drund.localhost": "cdn",
        "*.drund.localhost": "web",
        "drund.localhost": "web",
    }
    assert resolver.urls() == [
        {"url": "https://activity.drund.localhost:8443/", "target": "activity"},
        {"url": "https://cdn.drund.localhost:8443/", "target": "cdn"},
        {"url": "https://www.drund.localhost:8443/", "target": "web"},
    ]


def test_the_usual_port_is_left_out_of_urls():
    assert resolver_of(https_port=443).urls()[0]["url"] == "https://activity.drund.localhost/"


CHANGES = {
    "its command": ("node server.js", "node other.js"),
    "its folder": ("dir: activity", "dir: other"),
    "its port": ("9001", "9002"),
    "a variable of all": ("STAGE: dev", "STAGE: test"),
    "a password that it is told": ("password: drund", "password: secret"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_process_is_replaced_when_what_it_sees_changes(change):
    assert units_of()["activity"].digest != units_of(WHOLE.replace(*change))["activity"].digest


def test_a_process_is_not_replaced_by_another_terminal_or_by_what_it_waits_for():
    before = units_of()["activity"].digest
    assert units_of(environ={"PATH": "/bin", "TERM": "other"})["activity"].digest == before
    assert units_of(WHOLE.replace("needs: [mongodb]", "needs: []"))["activity"].digest == before


def test_a_service_is_replaced_by_a_new_password_and_nobody_elses():
    after = units_of(WHOLE.replace("password: drund", "password: secret"))
    changed = {name for name, unit in units_of().items() if unit.digest != after[name].digest}
    assert "mysql" in changed
    assert not {"redis", "rabbitmq", "mongodb"} & changed


def test_no_password_is_shown_by_a_unit():
    assert "hunter2" not in repr(
        units_of(WHOLE.replace("password: drund", "password: hunter2"))["mysql"]
    )


def test_a_service_restarts_always_unless_told_otherwise():
    assert units_of()["mysql"].restart is Restart.ALWAYS


def test_a_command_beside_the_units_sees_what_they_share():
    environment = resolver_of().environment()
    assert environment["DATABASE_URL"] == "mysql://drund:drund@127.0.0.9:3306/drund"
    assert "DEVENV_UNIT" not in environment


def test_the_interpreter_of_ours_is_never_the_projects(tmp_path):
    cdn = units_of()["cdn"]
    assert cdn.job.argv[0] == sys.executable
    assert Path(cdn.job.argv[-1]) == ROOT / ".devenv/run/cdn/cdn.json"
