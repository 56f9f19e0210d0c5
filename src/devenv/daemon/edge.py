"""The machine's edge as the daemon runs it: whose hosts it serves, its certificates, its process.

Envoy runs under a shim of the machine's own, so it outlives the daemon like everything else that a
user's requests pass through. It runs while some environment is up and has routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterable
from typing import Any

from devenv.daemon.store import Signal
from devenv.edge.config import EdgeConfig, conflicts
from devenv.edge.envoy import Edge
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.pki.authority import Authority
from devenv.shim.client import ShimClient, ShimPaths, end_orphans, spawn
from devenv.shim.protocol import Run, RunStatus
from devenv.system.paths import MachinePaths
from devenv.system.ports import holder, is_free

RUN = "envoy"
STOP_GRACE_S = 5.0
RESTART_PAUSE_S = 0.2
STOP_LOOK_S = 0.1
READY_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class EdgeService:
    """Keeps one Envoy that serves the hosts of all environments of this user."""

    def __init__(
        self, paths: MachinePaths, authority: Authority, shim: ShimPaths, https_port: int
    ) -> None:
        self.https_port = https_port
        self.changed = Signal()
        self._paths = paths
        self._authority = authority
        self._shim = shim
        self._edge = Edge(paths.state / "edge", paths.runtime)
        self._hosts: dict[str, tuple[VirtualHost, ...]] = {}
        self._client: ShimClient | None = None
        self._lock = asyncio.Lock()
        self._ready = False

    @property
    def identity(self) -> str:
        """Identity of the shim that the edge runs under."""
        return self._shim.identity

    # -- claims -----------------------------------------------------------------------------

    def check_claims(self, identity: str, hosts: Iterable[VirtualHost]) -> None:
        """Refuse hosts that another environment has, and a port that another program has.

        Raises:
            DevenvError: with who holds it.
        """
        held = [host for key, theirs in self._hosts.items() if key != identity for host in theirs]
        clashes = conflicts([*held, *hosts])
        if clashes:
            raise DevenvError(
                f"cannot route `{clashes[0].host}`: another checkout that is up has that host",
                hint="run `devenv down` there, or set another `domain` in `devenv.yml`",
                code="route.taken",
            )
        if self._client is None and hosts:
            self._check_port()

    async def claim(
        self, identity: str, hosts: tuple[VirtualHost, ...], *, publish: bool = True
    ) -> None:
        """Serve these hosts for the environment from now on."""
        unchanged = self._hosts.get(identity) == hosts and self._ready
        self._hosts[identity] = hosts
        if publish and not unchanged:
            await self.apply()

    async def release(self, identity: str) -> None:
        """Serve the environment's hosts no longer."""
        if self._hosts.pop(identity, None) is not None:
            await self.apply()

    async def apply(self) -> None:
        """Make Envoy serve what is claimed: started, told or ended as need be."""
        async with self._lock:
            if not any(self._hosts.values()):
                await self._end()
                return
            config = await asyncio.to_thread(self._config)
            if self._client is None:
                await self._begin(config)
            else:
                await self._edge.publish(config)
            await self._wait_until_ready()

    def status(self) -> dict[str, Any]:
        """Return the edge's part of `status --json`."""
        return {
            "https_port": self.https_port,
            "ca_file": str(self._authority.ca_file),
            "ready": self._ready,
        }

    # -- life -------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Find the Envoy that a former daemon started."""
        try:
            client = await ShimClient.connect(self._shim.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return
        state = await client.list()
        self._client = client
        if state.note.isdecimal():
            self.https_port = int(state.note)
        run = state.runs.get(RUN)
        if run is None or run.ended_at is not None:
            await self._restart(client)
        self._ready = await self._edge.ready()
        self.changed.notify()

    async def move(self, https_port: int) -> None:
        """Serve on another port from now on; connections to the old one end."""
        if https_port == self.https_port and self._client is not None:
            return
        async with self._lock:
            await self._end()
            self.https_port = https_port
            self._check_port()
        await self.apply()

    async def run(self) -> None:
        """Follow the machine's shim: Envoy or the shim itself killed are brought back."""
        while True:
            client = self._client
            if client is None:
                await self.changed.wait()
                continue
            with contextlib.suppress(ConnectionError):
                async for ended in client.exits():
                    await self._envoy_ended(client, ended)
            if self._client is client:
                await self._shim_lost(client)

    async def _envoy_ended(self, client: ShimClient, ended: RunStatus) -> None:
        self._ready = False
        self.changed.notify()
        if self._client is not client or not any(self._hosts.values()):
            return
        log.warning("envoy ended: exit=%s; starting it again", ended.exit)
        while self._client is client:
            try:
                async with self._lock:
                    await self._restart(client)
                    await self._wait_until_ready()
            except (DevenvError, ConnectionError) as error:
                log.warning("envoy did not start: %s", error)
                await asyncio.sleep(RESTART_PAUSE_S)
            else:
                return

    async def _shim_lost(self, client: ShimClient) -> None:
        self._ready = False
        await client.close()
        async with self._lock:
            self._client = None
            await end_orphans(self._shim.record, grace_s=STOP_GRACE_S)
            if any(self._hosts.values()):
                await self._begin(await asyncio.to_thread(self._config))
                await self._wait_until_ready()

    async def _begin(self, config: EdgeConfig) -> None:
        self._check_port()
        await end_orphans(self._shim.record, grace_s=STOP_GRACE_S)
        await spawn(self._shim)
        client = await ShimClient.connect(self._shim.socket)
        await asyncio.to_thread(self._edge.prepare, config)
        await client.set_note(str(self.https_port))
        await self._restart(client)
        self._client = client
        self.changed.notify()

    async def _restart(self, client: ShimClient) -> None:
        with contextlib.suppress(DevenvError):
            await client.forget(RUN)
        folder = self._paths.state / "edge"
        run = Run(
            name=RUN,
            stage="main",
            digest="",
            argv=self._edge.command(),
            cwd=str(folder),
            environment={"PATH": "/usr/bin:/bin", "DEVENV_ENVIRONMENT": self._shim.identity},
            log=str(folder / "envoy.log"),
        )
        await client.start(run)

    async def _wait_until_ready(self) -> None:
        pause = 0.005
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not await self._edge.ready():
                await asyncio.sleep(pause)
                pause = min(0.1, pause * 1.5)
        self._ready = True
        self.changed.notify()

    async def _end(self) -> None:
        client, self._client = self._client, None
        self._ready = False
        if client is None:
            return
        with contextlib.suppress(DevenvError, ConnectionError):
            await client.stop(RUN, grace_s=STOP_GRACE_S, reason="no environment is up")
            await self._until_ended(client)
        with contextlib.suppress(DevenvError, ConnectionError):
            await client.shutdown()
        await client.close()
        await end_orphans(self._shim.record, grace_s=STOP_GRACE_S)
        self.changed.notify()

    async def _until_ended(self, client: ShimClient) -> None:
        while (await client.list()).runs[RUN].ended_at is None:
            await self.changed.wait(STOP_LOOK_S)

    # -- smaller parts ----------------------------------------------------------------------

    def _config(self) -> EdgeConfig:
        hosts = tuple(host for theirs in self._hosts.values() for host in theirs)
        return EdgeConfig(
            https_port=self.https_port,
            fallback=self._authority.leaf(["localhost"]),
            hosts=hosts,
            certificates={host.host: self._authority.leaf([host.host]) for host in hosts},
            addresses=("127.0.0.1", "::1") if _has_ipv6_loopback() else ("127.0.0.1",),
        )

    def _check_port(self) -> None:
        try:
            free = is_free("127.0.0.1", self.https_port)
        except PermissionError:
            raise DevenvError(
                f"cannot listen on port {self.https_port}: it needs a privilege",
                hint="sudo devenv serve",
                code="port.privileged",
            ) from None
        if not free:
            other = holder("127.0.0.1", self.https_port)
            raise DevenvError(
                f"cannot listen on port {self.https_port}: it is in use by "
                f"{other or 'another program'}",
                hint="stop that program, or choose another port: "
                "`DEVENV_HTTPS_PORT=9443 devenv up`",
                code="port.in-use",
            )


def _has_ipv6_loopback() -> bool:
    try:
        return is_free("::1", 0)
    except (OSError, socket.gaierror):
        return False
