"""Pure. The variables that every step and process of an environment gets.

Names follow what frameworks read by themselves (12-factor `DATABASE_URL`, Celery's
`CELERY_BROKER_URL`, OpenSSL's `SSL_CERT_FILE`, ...), plus `<NAME>_HOST` and `<NAME>_PORT` for each
unit that listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devenv.model.spec import Project
from devenv.model.unit import Endpoint
from devenv.providers.base import ServiceKind
from devenv.providers.catalogue.announce import endpoint_variables

CDN_PORT = 9600
"""The first simulated CDN of an environment listens here, further ones after it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how one environment runs on this machine."""

    root: Path
    identity: str
    address: str
    https_port: int
    tools: Path
    """Programs that devenv installed for itself."""
    trust_bundle: Path
    """PEM: the system's roots and ours."""
    kinds: Mapping[str, ServiceKind]

    def url(self, host: str) -> str:
        """Return the public URL of a host, without a trailing slash."""
        port = "" if self.https_port == 443 else f":{self.https_port}"
        return f"https://{host}{port}"


def endpoints(project: Project, setting: Setting) -> dict[str, Endpoint]:
    """Return where each unit with a port listens, by unit name."""
    found = {
        name: Endpoint(setting.address, service.port or setting.kinds[service.type].port)
        for name, service in project.services.items()
    }
    for name, process in project.processes.items():
        if process.port is not None:
            found[name] = Endpoint(setting.address, process.port)
    return found


def cdn_endpoints(project: Project, setting: Setting) -> dict[str, Endpoint]:
    """Return where each simulated CDN listens, by the key of its route."""
    keys = [key for key, route in project.routes.items() if route.assets is not None]
    return {key: Endpoint(setting.address, CDN_PORT + n) for n, key in enumerate(keys)}


def shared_variables(project: Project, setting: Setting) -> dict[str, str]:
    """Return what all steps and processes of the environment have in common, PATH left out."""
    variables = {
        "HOST": setting.address,
        "DEVENV_NAME": project.name,
        "DEVENV_DOMAIN": project.domain,
        "DEVENV_ENVIRONMENT": setting.identity,
        "DEVENV_ROOT": str(setting.root),
        "DEVENV_URL": setting.url(project.domain),
        "NODE_EXTRA_CA_CERTS": str(setting.trust_bundle),
        "SSL_CERT_FILE": str(setting.trust_bundle),
        "REQUESTS_CA_BUNDLE": str(setting.trust_bundle),
    }
    for name, endpoint in endpoints(project, setting).items():
        variables.update(endpoint_variables(name, endpoint))
        service = project.services.get(name)
        if service is not None:
            kind = setting.kinds[service.type]
            variables.update(kind.variables(name, service, endpoint))
    variables.update(project.environment)
    return variables


def search_path(project: Project, setting: Setting, callers: str) -> str:
    """Return the PATH: the project's own virtual environment first, devenv's tools last."""
    own = [] if project.python is None else [str(setting.root / project.python.venv / "bin")]
    return ":".join([*own, callers or "/usr/local/bin:/usr/bin:/bin", str(setting.tools / "bin")])
