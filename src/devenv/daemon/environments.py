"""All environments that this daemon knows: found again at start, kept while they are up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from devenv.config.load import find_config
from devenv.daemon.environment import Environment
from devenv.daemon.link import Note
from devenv.daemon.machine import Machine
from devenv.daemon.store import Signal
from devenv.errors import DevenvError
from devenv.shim.client import ShimClient

log = logging.getLogger(__name__)


class Environments:
    """Environments by the canonical path of their checkout."""

    def __init__(self, machine: Machine, group: asyncio.TaskGroup) -> None:
        self.changed = Signal()
        """What is up may have changed."""
        self._machine = machine
        self._group = group
        self._known: dict[Path, Environment] = {}
        self._tasks: dict[Path, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Environment]:
        return iter(tuple(self._known.values()))

    @property
    def any_up(self) -> bool:
        """Tell whether the daemon is needed by anything that runs."""
        return any(environment.is_up for environment in self)

    def locate(self, folder: str) -> Environment:
        """Return the environment of the checkout that *folder* is in.

        Raises:
            DevenvError: there is no `devenv.yml` in it or above it.
        """
        root = find_config(Path(folder)).parent.resolve()
        if root not in self._known:
            self._known[root] = Environment(root, self._machine)
            running = self._known[root].run()
            self._tasks[root] = self._group.create_task(running, name=f"environment {root}")
        return self._known[root]

    def forget(self, environment: Environment) -> None:
        """Drop an environment that is down, unless it is just being brought up again."""
        if not environment.forget():
            return
        self._known.pop(environment.root, None)
        task = self._tasks.pop(environment.root, None)
        if task is not None:
            task.cancel()
        self.changed.notify()

    def carry_out(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Do *work* to its end, even if whoever asked for it goes away; return its outcome."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._group.create_task(_carry_out(work, outcome), name="work that was asked for")
        return outcome

    async def adopt(self) -> None:
        """Find the edge and the environments that a former daemon left running."""
        await self._machine.edge.adopt()
        for socket in sorted(self._machine.paths.runtime.glob("*.shim.sock")):
            identity = socket.name.removesuffix(".shim.sock")
            if identity == self._machine.edge.identity:
                continue
            root = await self._root_of(socket)
            if root is not None:
                await self._adopt_one(root)
        try:
            await self._machine.edge.apply()
        except DevenvError as error:
            log.warning("cannot serve what is up: %s", error)  # the next `up` tries again

    async def _adopt_one(self, root: Path) -> None:
        environment = Environment(root, self._machine)
        try:
            if not await environment.adopt():
                return
        except (DevenvError, OSError) as error:
            log.warning("cannot adopt %s: %s", root, error)
            await environment.link.lost()
            return
        self._known[root] = environment
        self._tasks[root] = self._group.create_task(environment.run(), name=f"environment {root}")

    async def _root_of(self, socket: Path) -> Path | None:
        """Return the checkout whose shim listens there; None: no shim does."""
        try:
            client = await ShimClient.connect(socket)
        except (OSError, TimeoutError):
            return None
        try:
            note = Note.decode((await client.list()).note)
        except (DevenvError, OSError) as error:
            log.warning("cannot ask the shim at %s: %s", socket, error)
            return None
        finally:
            await client.close()
        return None if note is None else Path(note.path)

    # -- a checkout that was moved ----------------------------------------------------------

    def moved_from(self, environment: Environment) -> Environment | None:
        """Return the running environment that this checkout was before it was moved, if any."""
        former = environment.files.former_root()
        running = None if former is None else self._known.get(former)
        return running if running is not None and running.is_up else None

    def check_not_moved(self, environment: Environment) -> None:
        """Refuse to start a checkout that still runs under its former path.

        Raises:
            DevenvError: with what to type.
        """
        former = self.moved_from(environment)
        if former is not None:
            raise DevenvError(
                f"this checkout was moved here from `{former.root}` while it was up",
                hint="`devenv down` stops what still runs from there; then `devenv up`",
                code="checkout.moved",
            )


async def _carry_out(work: Coroutine[Any, Any, None], outcome: asyncio.Future[None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (whoever asked is told, else the log)
        if outcome.done():
            log.warning("what was asked for failed: %r", error)
        else:
            outcome.set_exception(error)
    else:
        if not outcome.done():
            outcome.set_result(None)
