"""Starts one unit: what must be installed or made first, its port, its process.

Whatever a user can mend ends in the unit's status, as `failed` with a reason; other units go on.
"""

from __future__ import annotations

import asyncio
import logging

from devenv.daemon.exits import GONE
from devenv.daemon.setup import SetupStamps
from devenv.daemon.store import Store
from devenv.errors import DevenvError
from devenv.model.spec import Project
from devenv.model.state import Event, Phase
from devenv.model.unit import Kind, Unit
from devenv.providers.native import NativeProvider, disk_error
from devenv.system.clock import Clock
from devenv.system.ports import holder, is_free

PORT_RELEASE_S = 2.0
"""How long a restarted unit waits for its old port: a child of the old process may hold it."""
PORT_LOOK_S = 0.05


log = logging.getLogger(__name__)


class StoppedMeanwhileError(Exception):
    """The user stopped a unit while it was being prepared."""


class Starter:
    """Starts units of one environment, and notes in the store how that went."""

    def __init__(self, store: Store, stamps: SetupStamps, clock: Clock) -> None:
        self._store = store
        self._stamps = stamps
        self._clock = clock

    async def start(self, unit: Unit, project: Project, provider: NativeProvider) -> None:
        """Start *unit*; its phase is then `running`, `done` or says what went wrong."""
        try:
            if unit.kind is Kind.SETUP:
                await self._run_step(unit, project, provider)
            else:
                await self._bring_up(unit, provider)
        except StoppedMeanwhileError:
            self._store.happen(unit.name, Event.ENDED, reason="", **GONE)
        except DevenvError as error:
            self._failed(unit.name, error)
        except TimeoutError:
            # unknown is not gone: hang up, connect again and look what runs
            provider.hang_up()
            self._broken_off(unit.name)
        except ConnectionError:
            self._broken_off(unit.name)
        except OSError as error:
            self._failed(unit.name, disk_error(unit.name, error))
        except Exception:  # one of the three doors: a bug with one unit must not end the others
            log.exception("cannot start %s", unit.name)
            self._failed(unit.name, our_bug(unit.name))

    async def _run_step(self, unit: Unit, project: Project, provider: NativeProvider) -> None:
        digest = await self._stamps.digest(project, unit)
        if self._stamps.is_done(unit, digest):
            self._store.happen(unit.name, Event.UP_TO_DATE, reason="")
            return
        self._store.happen(unit.name, Event.START, reason="")
        await self._spawn(unit, digest, provider)

    async def _bring_up(self, unit: Unit, provider: NativeProvider) -> None:
        if provider.needs_preparation(unit):
            self._store.happen(unit.name, Event.PREPARE, reason="", digest=unit.digest)
            await provider.prepare(unit)
            self._check_not_stopped(unit)
        self._store.happen(unit.name, Event.START, reason="")
        await self._wait_for_port(unit)
        await self._spawn(unit, unit.digest, provider)

    async def _spawn(self, unit: Unit, digest: str, provider: NativeProvider) -> None:
        self._check_not_stopped(unit)
        run = await provider.start(unit, digest=digest)
        self._store.happen(
            unit.name,
            Event.SPAWNED,
            digest=unit.digest,
            pid=run.pid,
            started_at=run.started_at,
            ready=False,
            ended=False,
        )

    def _check_not_stopped(self, unit: Unit) -> None:
        if self._store[unit.name].phase is Phase.STOPPING:
            raise StoppedMeanwhileError

    async def _wait_for_port(self, unit: Unit) -> None:
        """Make sure that nobody else holds the unit's port, with a little patience on restarts."""
        if unit.endpoint is None:
            return
        host, port = unit.endpoint.host, unit.endpoint.port
        patience_s = PORT_RELEASE_S if self._store[unit.name].restarts else 0.0
        deadline = self._clock.monotonic() + patience_s
        try:
            while not is_free(host, port):
                if self._clock.monotonic() >= deadline:
                    raise await self._port_in_use(unit.name, host, port)
                await self._clock.sleep(PORT_LOOK_S)
        except OSError as error:
            raise DevenvError(
                f"cannot start `{unit.name}`: cannot listen on {host}:{port}: {error.strerror}",
                hint="set another `address` or `port` in `devenv.yml`",
                code="address.unusable",
            ) from error

    @staticmethod
    async def _port_in_use(name: str, host: str, port: int) -> DevenvError:
        other = await asyncio.to_thread(holder, host, port)
        return DevenvError(
            f"cannot start `{name}`: port {port} on {host} is in use by "
            f"{other or 'another program'}",
            hint=f"stop that program, then `devenv start {name}`",
            code="port.in-use",
        )

    def _failed(self, name: str, error: DevenvError) -> None:
        phase = self._store[name].phase
        if phase is Phase.STOPPING:
            self._store.happen(name, Event.ENDED, reason="", **GONE)
            return
        if phase in {Phase.WAITING, Phase.BACKOFF}:
            self._store.happen(name, Event.START)
        reason = f"{error.message}; {error.hint}" if error.hint else error.message
        self._store.happen(name, Event.FAILED, reason=reason, **GONE)

    def _broken_off(self, name: str) -> None:
        """The shim went away meanwhile: begin again once there is another."""
        phase = self._store[name].phase
        if phase in {Phase.STARTING, Phase.PREPARING, Phase.STOPPING}:
            event = Event.RETRY if phase is Phase.STARTING else Event.ENDED
            self._store.happen(name, event, reason="its shim was killed", retry_at=None, **GONE)


def our_bug(name: str) -> DevenvError:
    """Return what to tell the user when it is our own mistake."""
    return DevenvError(
        f"cannot start `{name}`: devenv met a bug of its own",
        hint="the traceback is in the daemon's log; please report it",
        code="bug",
    )
