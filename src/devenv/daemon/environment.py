"""One environment: a checkout's definition, its shim, and what a user may ask of it.

Nothing here is remembered across a death of the daemon. What is wanted, and with which variables
of the caller, is a note that the shim holds; the definition as it was last applied lies in
`.devenv/run/`, so that an edit of `devenv.yml` takes effect at the next `up` and never by accident.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devenv.config.load import load_project
from devenv.daemon.machine import Machine
from devenv.daemon.reconcile import Reconciler
from devenv.daemon.resolve import Resolver
from devenv.daemon.setup import SetupStamps
from devenv.daemon.store import Store
from devenv.daemon.variables import Setting
from devenv.errors import DevenvError
from devenv.model.graph import closure
from devenv.model.plan import Desired, Status
from devenv.model.routing import VirtualHost
from devenv.model.spec import Project
from devenv.model.state import BROKEN, LIVE
from devenv.model.unit import Endpoint, Kind
from devenv.providers.native import NativeProvider, Surroundings
from devenv.shim.client import ShimClient, ShimPaths, end_orphans, spawn
from devenv.system.files import replace_file
from devenv.system.paths import CheckoutPaths
from devenv.system.registry import Entry, identity_of

ORPHAN_GRACE_S = 10.0
KEPT_BACK = frozenset({"DEVENV_UNIT", "PYTHONHOME", "VIRTUAL_ENV", "PWD", "OLDPWD", "SHLVL", "_"})
"""Variables of the caller that mean something only in the caller's own process."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the shim holds for the daemon."""

    path: str
    wanted: tuple[str, ...]
    environ: Mapping[str, str]
    https_port: int

    def encode(self) -> str:
        """Return the note as the text that the shim keeps."""
        body = {
            "path": self.path,
            "wanted": list(self.wanted),
            "environ": dict(self.environ),
            "https_port": self.https_port,
        }
        return json.dumps(body)

    @classmethod
    def decode(cls, text: str) -> Note | None:
        """Return the note in *text*, or None if a shim has none yet or one of another version."""
        try:
            body = json.loads(text)
            wanted = tuple(map(str, body["wanted"]))
            return cls(str(body["path"]), wanted, dict(body["environ"]), int(body["https_port"]))
        except (ValueError, KeyError, TypeError):
            return None


class Environment:
    """One checkout as the daemon runs it."""

    def __init__(self, root: Path, machine: Machine) -> None:
        self.root = root
        self.identity = identity_of(root)
        self.paths = CheckoutPaths(root)
        self.store = Store()
        self.project: Project | None = None
        self.entry: Entry | None = None
        self.resolver: Resolver | None = None
        self._machine = machine
        self._stamps = SetupStamps(self.paths, machine.digests)
        self.reconciler = Reconciler(self.store, self._stamps, machine.clock)
        self._environ: Mapping[str, str] = {}
        self._client: ShimClient | None = None
        self._lock = asyncio.Lock()
        self._closing = False

    @property
    def shim_paths(self) -> ShimPaths:
        """Where this environment's shim is found."""
        return self._machine.shim_paths(self.identity)

    @property
    def is_up(self) -> bool:
        """Tell whether anything is wanted or runs."""
        live = any(self.store[name].phase in LIVE for name in self.store)
        return self._client is not None and (bool(self.reconciler.wanted) or live)

    # -- asked for by users -----------------------------------------------------------------

    async def load(self, environ: Mapping[str, str]) -> Project:
        """Read `devenv.yml` as it is now.

        Raises:
            ConfigError: with every mistake in it.
        """
        return await asyncio.to_thread(load_project, self.paths.config, environ)

    async def up(self, names: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
        """Apply `devenv.yml` and want *names* (none: all) with what they need.

        Returns:
            The units that were not wanted before.

        Raises:
            DevenvError: nothing was changed.
        """
        async with self._lock:
            project = await self.load(environ)
            self._check_checkout()
            resolver = self._define(project, environ, self._machine.edge.https_port)
            units = resolver.units()
            wanted = self._closure(names or [unit.name for unit in units], resolver)
            self._machine.edge.check_claims(self.identity, self._virtual_hosts(resolver))
            assert self.entry is not None
            self._machine.addresses.claim(self.entry.address, self.root)
            try:
                self.paths.ensure()
                await self._ensure_shim()
                replace_file(self._applied_file, self.paths.config.read_bytes(), mode=0o600)
            except OSError as error:
                raise DevenvError(
                    f"cannot write `{error.filename or self.paths.base}`: {error.strerror}",
                    hint="free some space or mend the permissions, then `devenv up`",
                    code="checkout.unwritable",
                ) from error
            before = self.reconciler.wanted
            self.resolver, self.project = resolver, project
            self._environ = environ
            self.reconciler.connect(self._provider(environ))
            self.reconciler.define(project, units, before | wanted)
            await self._recheck_steps(wanted)
            for name in wanted:
                if self.store[name].phase in BROKEN or self.store[name].ended:
                    self.reconciler.retry(name)
            await self._keep_note()
            await self._machine.edge.claim(self.identity, self._virtual_hosts(resolver))
            return tuple(sorted(wanted - before))

    async def preview(self, environ: Mapping[str, str]) -> None:
        """Define the units by the file as it is now, of an environment that is not up."""
        project = await self.load(environ)
        resolver = self._define(project, environ, self._machine.edge.https_port)
        self.project, self.resolver = project, resolver
        self.reconciler.define(project, resolver.units(), ())

    async def rehearse(
        self, names: Iterable[str], environ: Mapping[str, str]
    ) -> tuple[dict[str, Desired], dict[str, Status]]:
        """Return what `up` would want and what there is, and change nothing."""
        project = await self.load(environ)
        resolver = self._define(project, environ, self._machine.edge.https_port)
        units = {unit.name: unit for unit in resolver.units()}
        wanted = self._closure(names or units, resolver) | self.reconciler.wanted
        desired = {name: Desired(unit, name in wanted) for name, unit in units.items()}
        return desired, self.store.snapshot()

    def with_needs(self, names: Iterable[str]) -> frozenset[str]:
        """Return *names* (none: all units) with everything that they need."""
        assert self.resolver is not None
        return self._closure(names or self.reconciler.units, self.resolver)

    def shell(self, name: str | None) -> dict[str, object]:
        """Return folder and variables for a command run beside the units, or in a unit's place."""
        assert self.resolver is not None
        if name is None:
            return {"cwd": str(self.root), "environment": self.resolver.environment()}
        unit = self.reconciler.units[name]
        if unit.job is not None:
            return {"cwd": str(unit.job.cwd), "environment": dict(unit.job.environment)}
        own = self._provider(self._environ).client_environment(unit) if self._client else {}
        return {"cwd": str(self.root), "environment": {**self.resolver.environment(), **own}}

    async def watch_log(self, name: str, inode: int, size: int) -> None:
        """Return when the unit's log is no more that file of that size; may return early."""
        client = self._client
        if client is None:
            await self.store.changed.wait(1.0)
            return
        try:
            await client.watch(name, inode=inode, size=size)
        except (DevenvError, ConnectionError):
            await self.store.changed.wait(1.0)  # it does not run now, or its shim is gone

    async def want(self, names: Iterable[str], *, up: bool) -> None:
        """Want more or fewer of the units as they are defined; fewer takes their dependents too."""
        async with self._lock:
            self.require_up()
            assert self.resolver is not None
            if up:
                chosen = self._closure(names, self.resolver)
                for name in chosen:
                    self.reconciler.retry(name)
                wanted = self.reconciler.wanted | chosen
            else:
                wanted = self.reconciler.wanted - frozenset(names)
            self.reconciler.want(wanted)
            await self._keep_note()

    async def restart(self, names: Iterable[str]) -> None:
        """Stop and start units; what depends on them keeps running."""
        async with self._lock:
            self.require_up()
            for name in names:
                self.reconciler.restart(name)
            await self._keep_note()

    async def kill(self, reason: str) -> None:
        """Want nothing and give nothing any more grace."""
        async with self._lock:
            self.reconciler.want(())
            if self._client is not None:
                for name, run in (await self._client.list()).runs.items():
                    if run.exit is None:
                        await self._client.stop(name, grace_s=0.0, reason=reason)

    async def take_down(self) -> None:
        """Want nothing; return when nothing runs any more and the shim has ended."""
        async with self._lock:
            self.reconciler.want(())
            await self._keep_note()
        while self._client is not None and self._still_live():
            await self.store.changed.wait(1.0)
        await self.close_shim()

    async def close_shim(self) -> None:
        """End the shim of an environment in which nothing runs, and give the hosts back."""
        async with self._lock:
            self._closing = True
            self.reconciler.connect(None)
            client, self._client = self._client, None
            if client is not None:
                with contextlib.suppress(DevenvError, ConnectionError):
                    await client.shutdown()
                await client.close()
            await end_orphans(self.shim_paths.record, grace_s=ORPHAN_GRACE_S)
            self._machine.addresses.release(self.root)
            await self._machine.edge.release(self.identity)

    # -- the life of the shim ---------------------------------------------------------------

    async def run(self) -> None:
        """Reconcile and follow the shim until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reconciler.run(), name=f"reconcile {self.root}")
            while True:
                client = self._client
                if client is None:
                    await self.store.changed.wait(0.5 if self._closing else None)
                    continue
                await self._follow(client)
                if self._client is client and not self._closing:
                    await self._shim_lost(client)

    async def adopt(self) -> bool:
        """Find the environment as a former daemon left it; False: there is no shim of it."""
        try:
            client = await ShimClient.connect(self.shim_paths.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        state = await client.list()
        note = Note.decode(state.note)
        self._client = client
        if note is not None:
            self._environ = note.environ
            await self._adopt_definition(note)
        self.reconciler.adopt(state.runs.values())
        for run in state.runs.values():
            if run.exit is not None:
                await self.reconciler.on_exit(run)
        if self.resolver is not None:
            self.reconciler.connect(self._provider(self._environ))
            await self._machine.edge.claim(
                self.identity, self._virtual_hosts(self.resolver), publish=False
            )
        self.store.changed.notify()
        return True

    def problems(self) -> list[str]:
        """Return what a user should know about the environment as a whole."""
        if self._client is None:
            return []
        if self.resolver is None:
            return ["`devenv.yml` cannot be read any more; what runs is left alone until it can"]
        try:
            self._check_checkout()
        except DevenvError as error:
            return [f"{error.message}; {error.hint}"]
        return []

    async def _adopt_definition(self, note: Note) -> None:
        """Take the definition as it was applied; without one, leave alone what runs."""
        file = self._applied_file
        try:
            path = file if file.exists() else self.paths.config
            project = await asyncio.to_thread(load_project, path, note.environ)
        except DevenvError:
            return
        resolver = self._define(project, note.environ, note.https_port)
        self.project, self.resolver = project, resolver
        self.reconciler.define(project, resolver.units(), note.wanted)

    async def _follow(self, client: ShimClient) -> None:
        with contextlib.suppress(ConnectionError):
            async for run in client.exits():
                with contextlib.suppress(DevenvError, ConnectionError):
                    await self.reconciler.on_exit(run)

    async def _shim_lost(self, client: ShimClient) -> None:
        """Connect again; if the shim was killed, wait for its children and start another."""
        self.reconciler.connect(None)
        await client.close()
        async with self._lock:
            try:
                self._client = await ShimClient.connect(self.shim_paths.socket)
            except (FileNotFoundError, ConnectionRefusedError):
                await end_orphans(self.shim_paths.record, grace_s=ORPHAN_GRACE_S)
                self._client = None
                await self._ensure_shim()
                self.reconciler.lost()
                await self._keep_note()
            self.reconciler.connect(self._provider(self._environ))

    async def _ensure_shim(self) -> None:
        if self._client is not None:
            return
        await end_orphans(self.shim_paths.record, grace_s=ORPHAN_GRACE_S)
        await spawn(self.shim_paths)
        self._closing = False
        self._client = await ShimClient.connect(self.shim_paths.socket)
        self.store.changed.notify()

    # -- smaller parts ----------------------------------------------------------------------

    def _define(self, project: Project, environ: Mapping[str, str], https_port: int) -> Resolver:
        pinned = None if project.address is None else str(project.address)
        self.entry = self._machine.registry.claim(self.root, project.name, pinned=pinned)
        setting = Setting(
            root=self.root,
            identity=self.identity,
            address=self.entry.address,
            https_port=https_port,
            tools=self._machine.paths.tools,
            trust_bundle=self._machine.authority.trust_bundle(),
            kinds=self._machine.kinds,
        )
        self._machine.authority.ensure([project.domain])
        kept = {name: value for name, value in environ.items() if name not in KEPT_BACK}
        return Resolver(project, setting, kept)

    def _provider(self, environ: Mapping[str, str]) -> NativeProvider:
        assert self._client is not None
        around = Surroundings(
            kinds=self._machine.kinds,
            paths=self.paths,
            tools=self._machine.paths.tools,
            identity=self.identity,
            environ=environ,
        )
        return NativeProvider(self._client, around)

    def _virtual_hosts(self, resolver: Resolver) -> tuple[VirtualHost, ...]:
        ports = {unit.name: unit.endpoint for unit in resolver.units()}
        return tuple(
            VirtualHost(host, endpoint, self.identity, name)
            for host, name in resolver.routes().items()
            if isinstance(endpoint := ports.get(name), Endpoint)
        )

    def _closure(self, names: Iterable[str], resolver: Resolver) -> frozenset[str]:
        needs = {unit.name: unit.needs for unit in resolver.units()}
        for name in names:
            check_known(name, needs)
        return frozenset(closure(names, needs))

    async def _recheck_steps(self, wanted: Iterable[str]) -> None:
        """Set-up steps whose inputs changed since they were done are to be done again."""
        for name in wanted:
            unit = self.reconciler.units[name]
            if unit.kind is Kind.SETUP and self.store[name].phase == "done":
                assert self.project is not None
                digest = await self._stamps.digest(self.project, unit)
                if not self._stamps.is_done(unit, digest):
                    self.reconciler.retry(name)

    def _check_checkout(self) -> None:
        if self._client is not None and not self.paths.base.exists():
            raise DevenvError(
                f"`{self.paths.base}` was deleted while this checkout is up: its servers still "
                "write to files that no longer have a name",
                hint="devenv down && devenv up",
                code="checkout.data-deleted",
            )

    @property
    def _applied_file(self) -> Path:
        return self.paths.run / "applied.yml"

    async def _keep_note(self) -> None:
        if self._client is None or self.resolver is None:
            return
        wanted = tuple(sorted(self.reconciler.wanted))
        port = self.resolver.https_port
        note = Note(str(self.root), wanted, self._environ, port)
        await self._client.set_note(note.encode())

    def require_up(self) -> None:
        """Raise a `DevenvError` unless the environment is up."""
        if self._client is None or self.resolver is None:
            raise DevenvError(
                "this checkout is not up", hint="devenv up", code="environment.not-up"
            )

    def _still_live(self) -> bool:
        return any(self.store[name].phase in LIVE for name in self.store)


def check_known(name: str, known: Iterable[str]) -> None:
    """Raise a `DevenvError` with a close match if there is no unit of that name."""
    names = sorted(known)
    if name in names:
        return
    close = difflib.get_close_matches(name, names, n=1)
    raise DevenvError(
        f"no unit is called `{name}`",
        hint=f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(names)}",
        code="unit.unknown",
    )
