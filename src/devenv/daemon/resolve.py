"""Pure. From the text's model to units that can be run: names, order, commands, probes, digests.

Implicit units are made here: `python` and `node` keep the project's packages current, and every
step and process of the project waits for them. Which services exist and how they run is the
providers' business; a unit of a service only carries its spec.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from devenv.daemon.variables import Setting, endpoints, search_path, shared_variables
from devenv.model.routing import host_of
from devenv.model.spec import Process, Project, Ready, Runnable
from devenv.model.unit import (
    Endpoint,
    ExecProbe,
    HttpProbe,
    Job,
    Kind,
    Probe,
    TcpProbe,
    Unit,
)
from devenv.system.paths import data_folder

SHELL = "/bin/sh"
PYTHON_UNIT = "python"
NODE_UNIT = "node"


def digest_of(value: Any) -> str:
    """Return a short digest of plain data, the same for the same content."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def inputs_of(project: Project, name: str) -> tuple[str, ...]:
    """Return the glob patterns of what a set-up unit depends on, relative to the root."""
    if name == PYTHON_UNIT and project.python is not None:
        return project.python.requirements
    if name == NODE_UNIT and project.node is not None:
        return tuple(
            f"{folder}/{file}".removeprefix("./")
            for folder in project.node.dirs
            for file in ("package.json", "package-lock.json", ".npmrc")
        )
    step = project.setup.get(name)
    return () if step is None else step.inputs


class Resolver:
    """Makes the units of one project in one setting; *environ* is the caller's environment."""

    def __init__(self, project: Project, setting: Setting, environ: Mapping[str, str]) -> None:
        self._project = project
        self._setting = setting
        self._endpoints = endpoints(project, setting)
        self._shared = shared_variables(project, setting)
        path = search_path(project, setting, environ.get("PATH", ""))
        self._ambient = {**environ, "PATH": path}
        if project.python is not None:
            self._ambient["VIRTUAL_ENV"] = str(setting.root / project.python.venv)

    def units(self) -> tuple[Unit, ...]:
        """Return all units, services first, then set-up, then processes."""
        return (*self._services(), *self._implicit(), *self._steps(), *self._processes())

    def environment(self, unit: Unit | None = None) -> dict[str, str]:
        """Return the whole environment of a unit, or of a command run beside them."""
        if unit is not None and unit.job is not None:
            return dict(unit.job.environment)
        return {**self._ambient, **self._shared}

    def routes(self) -> dict[str, str]:
        """Return host -> unit name for every route, in the order of the file."""
        return {
            host: route.to or key
            for key, route in self._project.routes.items()
            for host in host_of(key, self._project.domain)
        }

    @property
    def https_port(self) -> int:
        """The edge's port that the URLs name."""
        return self._setting.https_port

    def urls(self) -> list[dict[str, str]]:
        """Return url and target of every route, in the order of the file; `*` is shown as `www`."""
        found = []
        for key, route in self._project.routes.items():
            host = host_of("www" if key == "*" else key, self._project.domain)[0]
            found.append({"url": self._setting.url(host) + "/", "target": route.to or key})
        return found

    def url_of(self, name: str) -> str | None:
        """Return the public URL of a unit: its first route; `*` is shown as `www`."""
        for key, route in self._project.routes.items():
            if (route.to or key) == name:
                host = host_of("www" if key == "*" else key, self._project.domain)[0]
                return self._setting.url(host)
        return None

    def _services(self) -> list[Unit]:
        units = []
        for name, service in self._project.services.items():
            endpoint = self._endpoints[name]
            provider = service.provider or self._project.provider
            units.append(
                Unit(
                    name=name,
                    kind=Kind.SERVICE,
                    digest=digest_of([_revealed(service), provider, endpoint]),
                    restart=service.restart,
                    grace_s=service.stop_grace_period,
                    service=service,
                    probe=self._setting.kinds[service.type].probe(service, endpoint),
                    endpoint=endpoint,
                    url=self.url_of(name),
                )
            )
        return units

    def _implicit(self) -> list[Unit]:
        units = []
        if self._project.python is not None:
            spec = self._project.python
            folder = self._setting.root / spec.venv
            files = " ".join(f"-r {_quote(file)}" for file in spec.requirements)
            # pip from devenv's own environment serves a venv that has none: Debian's python3
            # comes without ensurepip.
            run = (
                f'python="$(command -v python3 || echo {_quote(sys.executable)})"\n'
                f'[ -x {_quote(folder)}/bin/python ] || "$python" -m venv --without-pip '
                f"{_quote(folder)} &&\n"
                f"{_quote(sys.executable)} -m pip --disable-pip-version-check "
                f"--python {_quote(folder)}/bin/python install pip {files}"
            )
            units.append(self._implicit_unit(PYTHON_UNIT, run, (folder / "bin" / "python",)))
        if self._project.node is not None:
            folders = self._project.node.dirs
            installs = [f"(cd {_quote(folder)} && {NPM_INSTALL})" for folder in folders]
            run = " &&\n".join([f"sh {_quote(provisioning_script('node'))}", *installs])
            creates = tuple(self._setting.root / f / "node_modules" for f in folders)
            units.append(self._implicit_unit(NODE_UNIT, run, creates))
        return units

    def _implicit_unit(self, name: str, run: str, creates: tuple[Path, ...]) -> Unit:
        job = self._job(name, Runnable(run=run), {"DEVENV_TOOLS": str(self._setting.tools)})
        # Whoever makes a virtual environment must not be inside it already.
        environment = {k: v for k, v in job.environment.items() if k != "VIRTUAL_ENV"}
        job = Job(job.argv, job.cwd, environment)
        return Unit(name=name, kind=Kind.SETUP, digest=digest_of(run), job=job, creates=creates)

    def _steps(self) -> list[Unit]:
        return [
            Unit(
                name=name,
                kind=Kind.SETUP,
                digest=self._digest(step, {}),
                needs=self._needs(step),
                job=self._job(name, step, {}),
                creates=tuple(self._setting.root / path for path in step.creates),
            )
            for name, step in self._project.setup.items()
        ]

    def _processes(self) -> list[Unit]:
        units = []
        for name, process in self._project.processes.items():
            own = {} if process.port is None else {"PORT": str(process.port)}
            url = self.url_of(name)
            if url is not None:
                own["DEVENV_URL"] = url
            units.append(
                Unit(
                    name=name,
                    kind=Kind.PROCESS,
                    digest=self._digest(process, own),
                    needs=self._needs(process),
                    restart=process.restart,
                    grace_s=process.stop_grace_period,
                    job=self._job(name, process, own),
                    probe=self._probe(name, process),
                    ready_timeout_s=process.ready.timeout if process.ready else 60.0,
                    endpoint=self._endpoints.get(name),
                    url=url,
                )
            )
        return units

    def _needs(self, runnable: Runnable) -> tuple[str, ...]:
        implicit = [PYTHON_UNIT] if self._project.python is not None else []
        if self._project.node is not None:
            implicit.append(NODE_UNIT)
        return (*implicit, *runnable.needs)

    def _job(self, name: str, runnable: Runnable, own: Mapping[str, str]) -> Job:
        environment = {
            **self._ambient,
            **self._shared,
            "DEVENV_UNIT": name,
            **own,
            **runnable.environment,
        }
        return Job((SHELL, "-c", runnable.run), self._setting.root / runnable.dir, environment)

    def _digest(self, runnable: Runnable, own: Mapping[str, str]) -> str:
        """Digest what a change of must restart; the caller's own environment is not in it."""
        body = runnable.model_dump(mode="json", exclude={"needs", "inputs", "creates"})
        return digest_of([body, self._shared, own])

    def _probe(self, name: str, process: Process) -> Probe | None:
        endpoint = self._endpoints.get(name)
        ready = process.ready
        if ready is None:
            return None if endpoint is None else TcpProbe(endpoint)
        return self._asked_probe(name, process, ready, endpoint)

    def _asked_probe(
        self, name: str, process: Process, ready: Ready, endpoint: Endpoint | None
    ) -> Probe:
        if ready.exec is not None:
            job = self._job(name, process, {} if endpoint is None else {"PORT": str(endpoint.port)})
            return ExecProbe(Job((SHELL, "-c", ready.exec), job.cwd, job.environment))
        assert endpoint is not None, "config.parse refuses such a probe without a port"
        if ready.http is not None:
            return HttpProbe(endpoint, ready.http)
        return TcpProbe(endpoint)


NPM_INSTALL = (
    "if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; "
    "else npm install --no-audit --no-fund; fi"
)


def provisioning_script(name: str) -> Path:
    """Return the install script of one folder of `provisioning/`."""
    return data_folder("provisioning") / name / "install.sh"


def _revealed(service: Any) -> dict[str, Any]:
    """Return the service as data with its secrets readable: a new password is a new digest."""
    return {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value
        for key, value in service
    }


def _quote(value: object) -> str:
    return shlex.quote(str(value))
