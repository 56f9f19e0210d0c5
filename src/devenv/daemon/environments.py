"""All environments that this daemon knows: found again at start, kept while they are up."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from devenv.config.load import find_config
from devenv.daemon.environment import Environment
from devenv.daemon.link import Note
from devenv.daemon.machine import Machine
from devenv.errors import DevenvError
from devenv.shim.client import ShimClient
from devenv.system.files import replace_file

log = logging.getLogger(__name__)


class Environments:
    """Environments by the canonical path of their checkout."""

    def __init__(self, machine: Machine, group: asyncio.TaskGroup) -> None:
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
        root = find_config(Path(folder)).resolve().parent
        if root not in self._known:
            self._known[root] = Environment(root, self._machine)
            running = self._known[root].run()
            self._tasks[root] = self._group.create_task(running, name=f"environment {root}")
        return self._known[root]

    async def forget(self, environment: Environment) -> None:
        """Drop an environment that is down."""
        self._known.pop(environment.root, None)
        task = self._tasks.pop(environment.root, None)
        if task is not None:
            task.cancel()

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
        await self._machine.edge.apply()

    async def _adopt_one(self, root: Path) -> None:
        environment = Environment(root, self._machine)
        try:
            if not await environment.adopt():
                return
        except (DevenvError, TimeoutError, ConnectionError) as error:
            log.warning("cannot adopt %s: %s", root, error)
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
        finally:
            await client.close()
        return None if note is None else Path(note.path)

    # -- a checkout that was moved ----------------------------------------------------------

    def moved_from(self, environment: Environment) -> Environment | None:
        """Return the running environment that this checkout was before it was moved, if any."""
        try:
            body = json.loads(self._birth_file(environment).read_bytes())
            former = Path(body["path"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if former == environment.root or former.exists():
            return None
        return self._known.get(former)

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

    def remember_place(self, environment: Environment) -> None:
        """Note in the checkout where it is, so that a move is recognised."""
        body = json.dumps({"path": str(environment.root)}).encode()
        replace_file(self._birth_file(environment), body)

    @staticmethod
    def _birth_file(environment: Environment) -> Path:
        return environment.paths.run / "checkout.json"
