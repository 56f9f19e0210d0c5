"""Pure. From the text's model to units that can be run: names, order, commands, probes, digests.

Which services exist and how they run is the providers' business; a unit of a service only carries
its spec. Units that the file does not name come from `daemon.implicit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from devenv.daemon.implicit import SHELL, ImplicitUnits, digest_of, target_of
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
        variables = {**self._ambient, **self._shared}
        self._implicit = ImplicitUnits(project, setting, variables)

    def units(self) -> tuple[Unit, ...]:
        """Return all units, services first, then set-up, then processes."""
        return (
            *self._services(),
            *self._implicit.setup_units(),
            *self._steps(),
            *self._implicit.cdn_units(),
            *self._processes(),
        )

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a command run beside the units."""
        return {**self._ambient, **self._shared}

    def routes(self) -> dict[str, str]:
        """Return host -> unit name for every route, in the order of the file."""
        return {
            host: target_of(key, route)
            for key, route in self._project.routes.items()
            for host in host_of(key, self._project.domain)
        }

    def urls(self) -> list[dict[str, str]]:
        """Return url and target of every route, in the order of the file; `*` is shown as `www`."""
        found = []
        for key, route in self._project.routes.items():
            host = host_of("www" if key == "*" else key, self._project.domain)[0]
            found.append({"url": self._setting.url(host) + "/", "target": target_of(key, route)})
        return found

    def url_of(self, name: str) -> str | None:
        """Return the public URL of a unit: its first route; `*` is shown as `www`."""
        for key, route in self._project.routes.items():
            if target_of(key, route) == name:
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

    def _steps(self) -> list[Unit]:
        return [
            Unit(
                name=name,
                kind=Kind.SETUP,
                digest=self._digest(step, {}),
                needs=(*self._implicit.packages, *step.needs),
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
                    needs=(*self._implicit.packages, *process.needs),
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


def _revealed(service: Any) -> dict[str, Any]:
    """Return the service as data with its secrets readable: a new password is a new digest."""
    return {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value
        for key, value in service
    }
