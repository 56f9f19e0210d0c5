import json
import shlex
import sys

import pytest
from fakes.configuration import WHOLE, project_of
from fakes.environments import ROOT, resolver_of

from devenv.daemon.implicit import digest_of, inputs_of, target_of
from devenv.model.unit import Endpoint, HttpProbe, Kind
from devenv.system.paths import data_folder


def units_of(text, **setting):
    return {unit.name: unit for unit in resolver_of(text, **setting).units()}


def test_a_project_without_packages_and_assets_has_no_unit_of_ours():
    assert list(units_of("name: app\nprocesses: {web: {run: x}}")) == ["web"]


def test_the_virtual_environment_is_made_and_filled_from_outside_of_it():
    python = units_of(WHOLE)["python"]
    venv = ROOT / ".venv"
    assert python.job.argv[2].splitlines() == [
        f'python="$(command -v python3 || echo {sys.executable})"',
        f'[ -x {venv}/bin/python ] || "$python" -m venv --without-pip {venv} &&',
        f"{sys.executable} -m pip --disable-pip-version-check --python {venv}/bin/python "
        "install pip -r requirements.txt",
    ]
    assert python.creates == (venv / "bin/python",)
    assert "VIRTUAL_ENV" not in python.job.environment


def test_node_packages_are_installed_in_every_folder():
    node = units_of("name: app\nnode: {dirs: [a, b c]}")["node"]
    install = shlex.quote(str(data_folder("provisioning") / "node" / "install.sh"))
    assert node.job.argv[2].startswith(f"sh {install} &&\n(cd a && if [ -f package-lock.json ]")
    assert "(cd 'b c' && " in node.job.argv[2]
    assert node.creates == (ROOT / "a/node_modules", ROOT / "b c/node_modules")


def test_a_path_with_spaces_and_quotes_is_one_word_of_the_shell(tmp_path):
    root = tmp_path / "it's a café"
    script = units_of(WHOLE, root=root)["python"].job.argv[2]
    assert f"{root}/.venv" in shlex.split(script.splitlines()[1])


def test_inputs_are_the_files_that_decide_what_is_installed():
    project = project_of(WHOLE)
    assert inputs_of(project, "python") == ("requirements.txt",)
    assert inputs_of(project, "node") == (
        "activity/package.json",
        "activity/package-lock.json",
        "activity/.npmrc",
    )
    assert inputs_of(project, "migrate") == ("**/migrations/*.py",)
    assert inputs_of(project, "nobody") == ()
    assert inputs_of(project_of("name: app\nnode: {}"), "node")[0] == "package.json"


def test_a_cdn_is_told_everything_in_a_private_file():
    cdn = units_of(WHOLE)["cdn"]
    (file,) = cdn.job.files
    told = json.loads(file.text)
    assert (file.mode, cdn.kind, cdn.probe) == (
        0o600,
        Kind.PROCESS,
        HttpProbe(Endpoint("127.0.0.9", 9600), "/-/ready"),
    )
    assert (told["host"], told["port"], told["django"], told["python"]) == (
        "127.0.0.9",
        9600,
        str(ROOT / "manage.py"),
        str(ROOT / ".venv/bin/python"),
    )


def test_every_cdn_has_its_own_port():
    units = units_of("name: app\nroutes: {cdn: {assets: {dirs: [a]}}, img: {assets: {dirs: [b]}}}")
    assert [units[name].endpoint.port for name in ("cdn", "img")] == [9600, 9601]


def test_a_cdn_may_be_called_assets():
    units = units_of("name: app\nroutes: {assets: {assets: {dirs: [a]}}}")
    assert units["assets"].needs == ("compilers",)
    assert units["compilers"].kind is Kind.SETUP


@pytest.mark.parametrize(("key", "name"), [("cdn", "cdn"), ("static.eu", "static-eu")])
def test_a_cdn_is_named_after_its_subdomain(key, name):
    project = project_of(f'name: app\nroutes: {{"{key}": {{assets: {{dirs: [a]}}}}}}')
    assert target_of(key, project.routes[key]) == name


def test_a_digest_depends_on_content_and_not_on_order():
    assert digest_of({"a": 1, "b": [ROOT]}) == digest_of({"b": [ROOT], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
