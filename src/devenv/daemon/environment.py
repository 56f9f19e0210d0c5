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

from devenv.daemon.checkout import CheckoutFiles
from devenv.daemon.definition import Circumstances, Definition, DefinitionReader, define
from devenv.daemon.link import Note, ShimLink
from devenv.daemon.machine import Machine
from devenv.daemon.reconcile import Reconciler
from devenv.daemon.setup import SetupStamps
from devenv.daemon.store import Store
from devenv.daemon.upkeep import Upkeep
from devenv.errors import DevenvError
from devenv.model.plan import Desired, Status
from devenv.model.state import BROKEN, LIVE, Phase
from devenv.model.unit import Kind
from devenv.providers.native import NativeProvider, Surroundings
from devenv.system.paths import CheckoutPaths
from devenv.system.registry import identity_of

STOP_GRACE_S = 10.0
"""For what runs although no definition of it can be read."""


class Environment:
    """One checkout as the daemon runs it."""

    def __init__(self, root: Path, machine: Machine) -> None:
        self.root = root
        self.identity = identity_of(root)
        self.paths = CheckoutPaths(root)
        self.store = Store()
        self.definition: Definition | None = None
        self.link = ShimLink(machine.shim_paths(self.identity))
        self.files = CheckoutFiles(self.paths)
        self._machine = machine
        self._reader = DefinitionReader(self.paths.config, machine)
        self._stamps = SetupStamps(self.paths, machine.digests)
        self.reconciler = Reconciler(self.store, self._stamps, machine.clock)
        self.upkeep = Upkeep(self.link, self.reconciler, machine.clock, self._resume)
        self._lock = self.upkeep.lock
        self._forgotten = False

    @property
    def is_up(self) -> bool:
        """Tell whether anything is wanted, also while its shim is being replaced, or runs."""
        return bool(self.reconciler.wanted) or (self.link.client is not None and self._is_live())

    # -- asked for by users -----------------------------------------------------------------

    async def up(self, names: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
        """Apply `devenv.yml` and want *names* (none: all) with what they need.

        Returns:
            The units that were not wanted before.

        Raises:
            DevenvError: nothing was changed.
        """
        async with self._lock:
            if self._forgotten:
                raise DevenvError(
                    "this checkout was taken down at the same moment",
                    hint="devenv up",
                    code="environment.taken-down",
                )
            self._machine.edge.prefer_port(environ)
            definition = await self._reader.read_apart(environ, self._label)
            if self.link.client is not None:
                self.files.check_data()
            wanted = definition.closure(names)
            hosts = definition.virtual_hosts(self.identity)
            if hosts:
                self._machine.edge.check_port()
            former_hosts = self._machine.edge.claims.reserve(self.identity, hosts)
            try:
                self._machine.addresses.claim(definition.entry.address, self.root)
                self.files.write()
                await self.upkeep.reach()
            except BaseException:
                self._machine.edge.claims.take_back(self.identity, former_hosts)
                self._release_unless_up()
                raise
            again = {name for name in wanted if await self._is_stale(definition, name)}
            before = self.reconciler.wanted
            self.definition = definition
            units = definition.units.values()
            self.reconciler.define(definition.project, units, before | wanted)
            for name in again:
                self.reconciler.retry(name)
            await self._keep_note()
            self.reconciler.connect(self._provider())
            return tuple(sorted(wanted - before))

    async def preview(self, environ: Mapping[str, str]) -> None:
        """Define the units by the file as it is now, of an environment that is not up."""
        self.definition = await self._reader.read(environ)
        self.reconciler.define(self.definition.project, self.definition.units.values(), ())

    async def rehearse(
        self, names: Iterable[str], environ: Mapping[str, str]
    ) -> tuple[dict[str, Desired], dict[str, Status]]:
        """Return what `up` would want and what there is, and change nothing."""
        definition = await self._reader.read(environ)
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

    async def kill(self, names: Iterable[str]) -> None:
        """Want units no longer, and give them no grace; none named: all that run."""
        chosen = frozenset(names)
        self.reconciler.want(self.reconciler.wanted - chosen if chosen else ())
        await self.upkeep.stop_runs(chosen, grace_s=0.0, reason="killed by the user")

    async def take_down(self) -> None:
        """Want nothing; return when nothing runs any more and the shim has ended."""
        self.reconciler.want(())
        async with self._lock:
            await self.upkeep.find()
            await self._keep_note()
        if self.definition is None:
            await self.upkeep.stop_runs((), grace_s=STOP_GRACE_S, reason="down")
        while self.link.client is not None and self._is_live():
            self._check_still_unwanted()
            await self.store.changed.wait(1.0)
        async with self._lock:
            self._check_still_unwanted()
            await self.upkeep.end()
            self._machine.addresses.release(self.root)
        await self._machine.edge.release(self.identity)

    def forget(self) -> bool:
        """Refuse to come up ever again, unless that is just being done; tell whether it is so."""
        self._forgotten = not self._lock.locked() and self.link.client is None
        return self._forgotten

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
            self.files.check_data()
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

    # -- the life of the shim ---------------------------------------------------------------

    async def run(self) -> None:
        """Reconcile and follow the shim until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reconciler.run(), name=f"reconcile {self.root}")
            await self.upkeep.run()

    async def adopt(self) -> bool:
        """Find the environment as a former daemon left it; False: there is no shim of it."""
        if not await self.link.find():
            return False
        assert self.link.client is not None
        state = await self.link.client.list()
        note = Note.decode(state.note)
        if note is not None:
            await self._adopt_definition(note)
        await self.reconciler.adopt(state.runs)
        if self.definition is not None:
            self.reconciler.connect(self._provider())
            hosts = self.definition.virtual_hosts(self.identity)
            self._machine.addresses.claim(self.definition.entry.address, self.root)
            self._machine.edge.claims.reserve(self.identity, hosts)
        return True

    async def _adopt_definition(self, note: Note) -> None:
        """Take the definition as it was applied; without one, leave alone what runs."""
        with contextlib.suppress(DevenvError):
            circumstances = Circumstances(note.environ, note.https_port, note.label)
            path = self.files.applied
            self.definition = await define(path, self.root, self._machine, circumstances)
            units = self.definition.units.values()
            self.reconciler.define(self.definition.project, units, note.wanted)

    async def _resume(self) -> None:
        """Go on with a shim that was reached again."""
        await self._keep_note()
        if self.definition is not None:
            self.reconciler.connect(self._provider())

    # -- smaller parts ----------------------------------------------------------------------

    @property
    def _label(self) -> str:
        """The label that the checkout goes by while it is up."""
        is_up = self.link.client is not None and self.definition is not None
        return self.definition.circumstances.label if is_up and self.definition else ""

    def _release_unless_up(self) -> None:
        if self.link.client is None:
            self._machine.addresses.release(self.root)

    def _check_still_unwanted(self) -> None:
        if self.reconciler.wanted:
            raise DevenvError(
                "this checkout was brought up again meanwhile",
                hint="devenv down",
                code="environment.up-again",
            )

    def _provider(self) -> NativeProvider:
        assert self.link.client is not None
        assert self.definition is not None
        around = Surroundings(
            kinds=self._machine.kinds,
            paths=self.paths,
            tools=self._machine.paths.tools,
            identity=self.identity,
            environ=self.definition.circumstances.environ,
        )
        return NativeProvider(self.link.client, around)

    async def _is_stale(self, definition: Definition, name: str) -> bool:
        """Tell whether `up` begins with the unit anew: broken, ended, or done with old inputs."""
        unit, status = definition.units[name], self.store[name]
        if unit.kind is Kind.SETUP and status.phase is Phase.DONE:
            return not await self._stamps.is_current(definition.project, unit)
        return status.phase in BROKEN or status.ended

    async def _keep_note(self) -> None:
        if self.link.client is None or self.definition is None:
            return
        wanted = tuple(sorted(self.reconciler.wanted))
        terms = self.definition.circumstances
        note = Note(str(self.root), wanted, terms.environ, terms.https_port, terms.label)
        await self.link.client.set_note(note.encode())

    def _is_live(self) -> bool:
        statuses = self.store.snapshot().values()
        return any(status.phase in LIVE or status.busy for status in statuses)
