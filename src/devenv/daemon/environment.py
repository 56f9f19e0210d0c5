"""One environment: a checkout's definition, its shim, and what a user may ask of it.

Nothing here is remembered across a death of the daemon. What is wanted is a note that the shim
holds; the definition as it was last applied lies in `.devenv/run/`, so that an edit of
`devenv.yml` takes effect at the next `up` and never by accident.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from devenv.daemon.definition import Definition, define
from devenv.daemon.link import Note, ShimLink
from devenv.daemon.machine import Machine
from devenv.daemon.reconcile import Reconciler
from devenv.daemon.setup import SetupStamps
from devenv.daemon.store import Store
from devenv.errors import DevenvError
from devenv.model.plan import Desired, Status
from devenv.model.state import BROKEN, LIVE, Phase
from devenv.model.unit import Kind
from devenv.providers.native import NativeProvider, Surroundings
from devenv.shim.client import ShimClient
from devenv.system.files import replace_file
from devenv.system.paths import CheckoutPaths
from devenv.system.registry import identity_of


class Environment:
    """One checkout as the daemon runs it."""

    def __init__(self, root: Path, machine: Machine) -> None:
        self.root = root
        self.identity = identity_of(root)
        self.paths = CheckoutPaths(root)
        self.store = Store()
        self.definition: Definition | None = None
        self.link = ShimLink(machine.shim_paths(self.identity))
        self._machine = machine
        self._stamps = SetupStamps(self.paths, machine.digests)
        self.reconciler = Reconciler(self.store, self._stamps, machine.clock)
        self._lock = asyncio.Lock()
        self._closing = False

    @property
    def is_up(self) -> bool:
        """Tell whether anything is wanted or runs."""
        return self.link.client is not None and (bool(self.reconciler.wanted) or self._is_live())

    # -- asked for by users -----------------------------------------------------------------

    async def up(self, names: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
        """Apply `devenv.yml` and want *names* (none: all) with what they need.

        Returns:
            The units that were not wanted before.

        Raises:
            DevenvError: nothing was changed.
        """
        async with self._lock:
            definition = await self._read(environ)
            self._check_data()
            wanted = definition.closure(names)
            hosts = definition.virtual_hosts(self.identity)
            self._machine.edge.check_claims(self.identity, hosts)
            self._machine.addresses.claim(definition.entry.address, self.root)
            await self._prepare_checkout()
            before = self.reconciler.wanted
            self._take(definition, before | wanted)
            await self._recheck_steps(wanted)
            for name in wanted:
                if self.store[name].phase in BROKEN or self.store[name].ended:
                    self.reconciler.retry(name)
            await self._keep_note()
            await self._machine.edge.claim(self.identity, hosts)
            return tuple(sorted(wanted - before))

    async def preview(self, environ: Mapping[str, str]) -> None:
        """Define the units by the file as it is now, of an environment that is not up."""
        self.definition = await self._read(environ)
        self.reconciler.define(self.definition.project, self.definition.units.values(), ())

    async def rehearse(
        self, names: Iterable[str], environ: Mapping[str, str]
    ) -> tuple[dict[str, Desired], dict[str, Status]]:
        """Return what `up` would want and what there is, and change nothing."""
        definition = await self._read(environ)
        wanted = definition.closure(names) | self.reconciler.wanted
        desired = {n: Desired(unit, n in wanted) for n, unit in definition.units.items()}
        return desired, self.store.snapshot()

    async def want(self, names: Iterable[str]) -> frozenset[str]:
        """Want units as they are defined, with what they need; return all of these."""
        async with self._lock:
            chosen = self.require_up().closure(names)
            for name in chosen:
                self.reconciler.retry(name)
            self.reconciler.want(self.reconciler.wanted | chosen)
            await self._keep_note()
            return chosen

    async def unwant(self, names: Iterable[str]) -> None:
        """Want units no longer; what needs them keeps running, as in Compose."""
        async with self._lock:
            self.require_up()
            self.reconciler.want(self.reconciler.wanted - frozenset(names))
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
        self.reconciler.want(())
        client = self.link.client
        if client is not None:
            for name, run in (await client.list()).runs.items():
                if run.ended_at is None:
                    await client.stop(name, grace_s=0.0, reason=reason)

    async def take_down(self) -> None:
        """Want nothing; return when nothing runs any more and the shim has ended."""
        self.reconciler.want(())
        async with self._lock:
            await self._keep_note()
        while self.link.client is not None and self._is_live():
            await self.store.changed.wait(1.0)
        async with self._lock:
            self._closing = True
            self.reconciler.connect(None)
            await self.link.end()
            self._machine.addresses.release(self.root)
            await self._machine.edge.release(self.identity)

    def shell(self, name: str | None) -> dict[str, object]:
        """Return folder and variables for a command run beside the units, or in a unit's place."""
        assert self.definition is not None
        variables = self.definition.resolver.environment()
        if name is None:
            return {"cwd": str(self.root), "environment": variables}
        unit = self.definition.units[name]
        if unit.job is not None:
            return {"cwd": str(unit.job.cwd), "environment": dict(unit.job.environment)}
        own = self._provider().client_environment(unit) if self.link.client else {}
        return {"cwd": str(self.root), "environment": {**variables, **own}}

    def problems(self) -> list[str]:
        """Return what a user should know about the environment as a whole."""
        if self.link.client is None:
            return []
        if self.definition is None:
            return ["`devenv.yml` cannot be read any more; what runs is left alone until it can"]
        try:
            self._check_data()
        except DevenvError as error:
            return [f"{error.message}; {error.hint}"]
        return []

    def require_up(self) -> Definition:
        """Return the definition of an environment that is up.

        Raises:
            DevenvError: it is not.
        """
        if self.link.client is None or self.definition is None:
            raise DevenvError(
                "this checkout is not up", hint="devenv up", code="environment.not-up"
            )
        return self.definition

    async def watch_log(self, name: str, inode: int, size: int) -> None:
        """Return when the unit's log is no more that file of that size; may return early."""
        client = self.link.client
        if client is None:
            await self.store.changed.wait(1.0)
            return
        try:
            await client.watch(name, inode=inode, size=size)
        except (DevenvError, ConnectionError):
            await self.store.changed.wait(1.0)  # it does not run now, or its shim is gone

    # -- the life of the shim ---------------------------------------------------------------

    async def run(self) -> None:
        """Reconcile and follow the shim until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reconciler.run(), name=f"reconcile {self.root}")
            while True:
                client = self.link.client
                if client is None:
                    await self.store.changed.wait()
                    continue
                await self._follow(client)
                if self.link.client is client and not self._closing:
                    await self._shim_lost()

    async def adopt(self) -> bool:
        """Find the environment as a former daemon left it; False: there is no shim of it."""
        if not await self.link.find():
            return False
        assert self.link.client is not None
        state = await self.link.client.list()
        note = Note.decode(state.note)
        if note is not None:
            await self._adopt_definition(note)
        self.reconciler.adopt(state.runs.values())
        for run in state.runs.values():
            if run.ended_at is not None:
                await self.reconciler.on_exit(run)
        if self.definition is not None:
            self.reconciler.connect(self._provider())
            hosts = self.definition.virtual_hosts(self.identity)
            self._machine.addresses.claim(self.definition.entry.address, self.root)
            await self._machine.edge.claim(self.identity, hosts, publish=False)
        return True

    async def _adopt_definition(self, note: Note) -> None:
        """Take the definition as it was applied; without one, leave alone what runs."""
        path = self._applied_file if self._applied_file.exists() else self.paths.config
        with contextlib.suppress(DevenvError):
            self.definition = await define(
                path, self.root, self._machine, note.environ, note.https_port
            )
            units = self.definition.units.values()
            self.reconciler.define(self.definition.project, units, note.wanted)

    async def _follow(self, client: ShimClient) -> None:
        async for run in client.exits():
            await self.reconciler.on_exit(run)
            with contextlib.suppress(DevenvError, ConnectionError):
                await client.forget(run.name)

    async def _shim_lost(self) -> None:
        """Connect again; if the shim was killed, wait for its children and start another."""
        self.reconciler.connect(None)
        async with self._lock:
            await self.link.lost()
            if await self.link.ensure():
                self.reconciler.lost()
                await self._keep_note()
            if self.definition is not None:
                self.reconciler.connect(self._provider())

    # -- smaller parts ----------------------------------------------------------------------

    async def _read(self, environ: Mapping[str, str]) -> Definition:
        port = self._machine.edge.https_port
        return await define(self.paths.config, self.root, self._machine, environ, port)

    def _take(self, definition: Definition, wanted: frozenset[str]) -> None:
        self.definition = definition
        self.reconciler.define(definition.project, definition.units.values(), wanted)
        self.reconciler.connect(self._provider())

    async def _prepare_checkout(self) -> None:
        try:
            self.paths.ensure()
            replace_file(self._applied_file, self.paths.config.read_bytes(), mode=0o600)
        except OSError as error:
            raise DevenvError(
                f"cannot write `{error.filename or self.paths.base}`: {error.strerror}",
                hint="free some space or mend the permissions, then `devenv up`",
                code="checkout.unwritable",
            ) from error
        self._closing = False
        await self.link.ensure()
        self.store.changed.notify()

    def _provider(self) -> NativeProvider:
        assert self.link.client is not None
        assert self.definition is not None
        around = Surroundings(
            kinds=self._machine.kinds,
            paths=self.paths,
            tools=self._machine.paths.tools,
            identity=self.identity,
            environ=self.definition.environ,
        )
        return NativeProvider(self.link.client, around)

    async def _recheck_steps(self, wanted: Iterable[str]) -> None:
        """Set-up steps whose inputs changed since they were done are to be done again."""
        assert self.definition is not None
        for name in wanted:
            unit = self.definition.units[name]
            if unit.kind is Kind.SETUP and self.store[name].phase is Phase.DONE:
                digest = await self._stamps.digest(self.definition.project, unit)
                if not self._stamps.is_done(unit, digest):
                    self.reconciler.retry(name)

    def _check_data(self) -> None:
        if self.link.client is not None and not self.paths.base.exists():
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
        if self.link.client is None or self.definition is None:
            return
        wanted = tuple(sorted(self.reconciler.wanted))
        definition = self.definition
        note = Note(str(self.root), wanted, definition.environ, definition.https_port)
        await self.link.client.set_note(note.encode())

    def _is_live(self) -> bool:
        return any(self.store[name].phase in LIVE for name in self.store)
