"""An environment for what only looks: real units of a `devenv.yml`, nothing that runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from fakes.clock import FakeClock
from fakes.configuration import WHOLE, project_of
from fakes.worlds import FakeStamps

from devenv.daemon.reconcile import Reconciler
from devenv.daemon.resolve import Resolver
from devenv.daemon.store import Store
from devenv.daemon.variables import Setting
from devenv.providers.catalogue import SERVICE_KINDS
from devenv.system.paths import CheckoutPaths

ROOT = Path("/home/me/drund")


def setting_of(project, root=ROOT, https_port=8443) -> Setting:
    return Setting(
        root=root,
        identity="0123456789ab",
        address=str(project.address or "127.0.0.9"),
        https_port=https_port,
        tools=Path("/data/tools"),
        trust_bundle=Path("/data/ca/bundle.pem"),
        kinds=SERVICE_KINDS,
    )


def resolver_of(text=WHOLE, environ=None, **setting) -> Resolver:
    project = project_of(text)
    return Resolver(project, setting_of(project, **setting), environ or {"PATH": "/usr/bin"})


class FakeEnvironment:
    """What `views` and `progress` see of an environment; the store is the test's to fill."""

    def __init__(self, text=WHOLE, *, wanted=None, root=ROOT) -> None:
        project, resolver = project_of(text), resolver_of(text, root=root)
        units = resolver.units()
        self.root = root
        self.paths = CheckoutPaths(root)
        self.store = Store()
        self.reconciler = Reconciler(self.store, FakeStamps(), FakeClock())
        names = [unit.name for unit in units] if wanted is None else wanted
        self.reconciler.define(project, units, names)
        entry = SimpleNamespace(address=str(project.address or "127.0.0.9"))
        self.definition = SimpleNamespace(project=project, entry=entry, resolver=resolver)
        self.troubles: list[str] = []

    def problems(self) -> list[str]:
        return self.troubles
