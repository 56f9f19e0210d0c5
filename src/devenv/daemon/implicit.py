"""Pure. Units that `devenv.yml` does not name but that follow from it.

`python` and `node` keep the project's packages current, and every step and process of the project
waits for them; `compilers` installs those of assets, once a machine; each route to assets is served
by a process of ours, the simulated CDN.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devenv.assets.config import READY_PATH, CdnConfig
from devenv.assets.install import compiler_folder
from devenv.daemon.variables import Setting, cdn_endpoints
from devenv.model.spec import Assets, Project, Restart, Route
from devenv.model.unit import Endpoint, File, HttpProbe, Job, Kind, Unit
from devenv.system.paths import data_folder

SHELL = "/bin/sh"
PYTHON = "python"
NODE = "node"
COMPILERS = "compilers"

NPM_INSTALL = (
    "if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; "
    "else npm install --no-audit --no-fund; fi"
)


def digest_of(value: Any) -> str:
    """Return a short digest of plain data, the same for the same content."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def inputs_of(project: Project, name: str) -> tuple[str, ...]:
    """Return the glob patterns of what a set-up unit depends on, relative to the root."""
    if name == PYTHON and project.python is not None:
        return project.python.requirements
    if name == NODE and project.node is not None:
        return tuple(
            f"{folder}/{file}".removeprefix("./")
            for folder in project.node.dirs
            for file in ("package.json", "package-lock.json", ".npmrc")
        )
    step = project.setup.get(name)
    return () if step is None else step.inputs


def target_of(key: str, route: Route) -> str:
    """Return the name of the unit that answers a route; a CDN is named after its subdomain."""
    if route.to is not None:
        return route.to
    return key.replace(".", "-")


class ImplicitUnits:
    """Makes them for one project in one setting; *variables* is the whole shared environment."""

    def __init__(self, project: Project, setting: Setting, variables: Mapping[str, str]) -> None:
        self._project = project
        self._setting = setting
        self._variables = variables

    @property
    def packages(self) -> tuple[str, ...]:
        """The units that every step and process of the project waits for."""
        python = () if self._project.python is None else (PYTHON,)
        node = () if self._project.node is None else (NODE,)
        return (*python, *node)

    def setup_units(self) -> list[Unit]:
        """Return the units that install packages."""
        units = []
        if self._project.python is not None:
            units.append(self._python(self._setting.root / self._project.python.venv))
        if self._project.node is not None:
            units.append(self._node(self._project.node.dirs))
        if cdn_endpoints(self._project, self._setting):
            units.append(self._compilers())
        return units

    def cdn_units(self) -> list[Unit]:
        """Return one process for each route to assets."""
        return [
            self._cdn(key, assets, endpoint)
            for key, endpoint in cdn_endpoints(self._project, self._setting).items()
            if (assets := self._project.routes[key].assets) is not None
        ]

    def _python(self, folder: Path) -> Unit:
        assert self._project.python is not None
        files = " ".join(f"-r {_quote(file)}" for file in self._project.python.requirements)
        # devenv's own pip serves a virtual environment that has none yet: Debian's python3 comes
        # without ensurepip.
        run = (
            f'python="$(command -v python3 || echo {_quote(sys.executable)})"\n'
            f'[ -x {_quote(folder)}/bin/python ] || "$python" -m venv --without-pip '
            f"{_quote(folder)} &&\n"
            f"{_quote(sys.executable)} -m pip --disable-pip-version-check "
            f"--python {_quote(folder)}/bin/python install pip {files}"
        )
        return self._setup(PYTHON, run, (folder / "bin" / "python",))

    def _node(self, folders: tuple[str, ...]) -> Unit:
        installs = [f"(cd {_quote(folder)} && {NPM_INSTALL})" for folder in folders]
        creates = tuple(self._setting.root / folder / "node_modules" for folder in folders)
        return self._setup(NODE, " &&\n".join([_install_node(), *installs]), creates)

    def _compilers(self) -> Unit:
        folder = compiler_folder(self._setting.tools)
        run = (
            f"{_install_node()} &&\n"
            f"{_quote(sys.executable)} -m devenv.assets.install {_quote(folder)}"
        )
        # both may have to install Node itself, and not at the same time
        needs = () if self._project.node is None else (NODE,)
        return self._setup(COMPILERS, run, (folder,), needs)

    def _setup(
        self, name: str, run: str, creates: tuple[Path, ...], needs: tuple[str, ...] = ()
    ) -> Unit:
        # Whoever makes a virtual environment must not be inside it already.
        environment = {k: v for k, v in self._variables.items() if k != "VIRTUAL_ENV"}
        environment |= {
            "DEVENV_UNIT": name,
            "DEVENV_TOOLS": str(self._setting.tools),
            "PYTHON": sys.executable,
        }
        job = Job((SHELL, "-c", run), self._setting.root, environment)
        return Unit(
            name=name,
            kind=Kind.SETUP,
            digest=digest_of(run),
            needs=needs,
            job=job,
            creates=creates,
        )

    def _cdn(self, key: str, assets: Assets, endpoint: Endpoint) -> Unit:
        root, name = self._setting.root, target_of(key, self._project.routes[key])
        django = None if assets.django is None else root / assets.django
        environment = {**self._variables, "DEVENV_UNIT": name, "PORT": str(endpoint.port)}
        config = CdnConfig(
            name=name,
            host=endpoint.host,
            port=endpoint.port,
            cache=root / ".devenv" / "cache" / name,
            compiler=compiler_folder(self._setting.tools),
            cwd=root if django is None else django.parent,
            django=django,
            dirs=tuple(root / folder for folder in assets.dirs),
            python=self._interpreter(),
            environment=environment,
        )
        # the environment holds passwords
        file = File(root / ".devenv" / "run" / name / "cdn.json", config.to_json(), mode=0o600)
        argv = (sys.executable, "-m", "devenv.assets", str(file.path))
        return Unit(
            name=name,
            kind=Kind.PROCESS,
            digest=digest_of([assets.model_dump(), endpoint, config.compiler, sys.executable]),
            needs=(COMPILERS, *self.packages),
            restart=Restart.ALWAYS,
            job=Job(argv, root, environment, (file,)),
            probe=HttpProbe(endpoint, READY_PATH),
            endpoint=endpoint,
            url=self._setting.url(f"{key}.{self._project.domain}"),
        )

    def _interpreter(self) -> str:
        if self._project.python is None:
            return "python3"
        return str(self._setting.root / self._project.python.venv / "bin" / "python")


def _install_node() -> str:
    return f"sh {_quote(data_folder('provisioning') / 'node' / 'install.sh')}"


def _quote(value: object) -> str:
    return shlex.quote(str(value))
