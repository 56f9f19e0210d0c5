"""The machine's edge as the daemon runs it: whose hosts it serves, its certificates, its process.

Envoy runs under a shim of the machine's own, so it outlives the daemon like everything else that a
user's requests pass through. It runs while some environment is up and has routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from devenv.daemon.claims import HostClaims
from devenv.daemon.https_port import VARIABLE, check_port, https_port_of
from devenv.daemon.store import Signal
from devenv.edge.config import EdgeConfig
from devenv.edge.envoy import Edge
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.pki.authority import Authority
from devenv.shim.client import ShimClient, ShimPaths, end_orphans, spawn
from devenv.shim.protocol import Run
from devenv.system.paths import MachinePaths
from devenv.system.ports import has_ipv6_loopback

RUN = "envoy"
STOP_GRACE_S = 5.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
"""Between tries to bring a killed Envoy back; doubled each time."""
STOP_LOOK_S = 0.1
READY_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class EdgeService:
    """Keeps one Envoy that serves the hosts of all environments of this user."""

    def __init__(
        self, paths: MachinePaths, authority: Authority, shim: ShimPaths, https_port: int
    ) -> None:
        self.https_port = https_port
        self._is_settled = False
        self.claims = HostClaims()
        self.changed = Signal()
        self._paths = paths
        self._authority = authority
        self._shim = shim
        self._edge = Edge(paths.state / "edge", paths.runtime)
        self._served: tuple[VirtualHost, ...] = ()
        self._client: ShimClient | None = None
        self._lock = asyncio.Lock()
        self._ready = False

    @property
    def identity(self) -> str:
        """Identity of the shim that the edge runs under."""
        return self._shim.identity

    # -- what is served ---------------------------------------------------------------------

    def check_port(self) -> None:
        """Refuse to begin on a port that cannot be had.

        Raises:
            DevenvError: with who has it.
        """
        if self._client is None:
            check_port(self.https_port)

    def prefer_port(self, environ: Mapping[str, str]) -> None:
        """Serve on the port that the caller of `up` asks for, unless it is settled already.

        Raises:
            DevenvError: the edge serves on another one.
        """
        port = https_port_of(environ)
        if self._is_settled or port == self.https_port:
            return
        if self._client is None and not self.claims.all:
            self.https_port = port
        elif VARIABLE in environ:
            raise DevenvError(
                f"cannot use port {port}: the edge already serves on port {self.https_port}",
                hint=f"unset {VARIABLE}, or take every checkout down first: `devenv down`",
                code="edge.port-settled",
            )

    async def serve(self) -> None:
        """Serve what is claimed, if that is not so already."""
        if not self._ready or self._served != self.claims.all:
            await self.apply()

    async def release(self, identity: str) -> None:
        """Serve the environment's hosts no longer."""
        if self.claims.release(identity):
            await self.apply()

    async def apply(self) -> None:
        """Make Envoy serve what is claimed: started, told or ended as need be."""
        async with self._lock:
            if not self.claims.all:
                await self._end()
                return
            config = await asyncio.to_thread(self._config, self.claims.all)
            if self._client is None:
                await self.adopt()
            if self._client is None:
                await self._begin(config)
            elif await self._has_envoy(self._client):
                await self._wait_until_ready()
                await self._edge.publish(config)
            else:
                await asyncio.to_thread(self._edge.prepare, config)
                await self._start_envoy(self._client)
            await self._wait_until_ready()
            self._served = config.hosts

    def status(self) -> dict[str, Any]:
        """Return the edge's part of `status --json`."""
        return {
            "https_port": self.https_port,
            "ca_file": str(self._authority.ca_file),
            "ready": self._ready,
        }

    # -- life -------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Find the Envoy that a former daemon started; one that does not answer is left alone."""
        try:
            client = await ShimClient.connect(self._shim.socket)
            state = await client.list()
            ready = await self._edge.ready()
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except (DevenvError, OSError) as error:
            log.warning("cannot adopt the edge: %s", error)
            return
        if state.note.isdecimal():
            self.https_port = int(state.note)
        self._client, self._ready = client, ready
        self.changed.notify()

    async def move(self, https_port: int) -> None:
        """Serve on this port whatever callers prefer; connections to another one end."""
        self._is_settled = True
        if https_port == self.https_port and self._client is not None:
            return
        async with self._lock:
            await self._end()
            self.https_port = https_port
            self.check_port()
        await self.apply()

    async def run(self) -> None:
        """Follow the machine's shim: Envoy or the shim itself killed are brought back."""
        while True:
            client = self._client
            if client is None:
                await self.changed.wait()
                continue
            async for ended in client.exits():
                if self._client is client:
                    log.warning("envoy ended: exit=%s", ended.exit)
                self._note_not_ready()
                await self._bring_back(client)
            if self._client is client:
                self._note_not_ready()
                self._client = None
                client.abort()
                await self._bring_back(None)

    async def _bring_back(self, client: ShimClient | None) -> None:
        """Serve again, on this shim or without one on a new one, for as long as it takes."""
        pause = FIRST_PAUSE_S
        while self._client is client and self.claims.all:
            try:
                await self.apply()
            except ConnectionError:
                return  # the shim has gone too; whoever follows it notices
            except (DevenvError, OSError) as error:
                log.warning("cannot bring the edge back: %s", error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_S, pause * 2)
            else:
                return

    def _note_not_ready(self) -> None:
        self._ready = False
        self.changed.notify()

    async def _begin(self, config: EdgeConfig) -> None:
        await end_orphans(self._shim.record, grace_s=STOP_GRACE_S)
        self.check_port()
        await spawn(self._shim)
        client = await ShimClient.connect(self._shim.socket)
        try:
            await asyncio.to_thread(self._edge.prepare, config)
            await client.set_note(str(self.https_port))
            await self._start_envoy(client)
        except BaseException:
            client.abort()
            raise
        self._client = client
        self.changed.notify()

    async def _has_envoy(self, client: ShimClient) -> bool:
        run = (await client.list()).runs.get(RUN)
        return run is not None and run.ended_at is None

    async def _start_envoy(self, client: ShimClient) -> None:
        folder = self._paths.state / "edge"
        run = Run(
            name=RUN,
            stage="main",
            digest="",
            argv=self._edge.command(),
            cwd=str(folder),
            environment={"PATH": "/usr/bin:/bin", "DEVENV_ENVIRONMENT": self._shim.identity},
            log=str(self._edge.log),
        )
        await client.start(run)

    async def _wait_until_ready(self) -> None:
        pause = 0.005
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not await self._edge.ready():
                    await asyncio.sleep(pause)
                    pause = min(0.1, pause * 1.5)
        except TimeoutError:
            raise DevenvError(
                f"the edge does not serve: Envoy was not ready after {READY_TIMEOUT_S:g} s",
                hint=f"see `{self._edge.log}`",
                code="edge.not-ready",
            ) from None
        self._ready = True
        self.changed.notify()

    async def _end(self) -> None:
        client, self._client = self._client, None
        self._ready = False
        if client is None:
            return
        with contextlib.suppress(DevenvError, ConnectionError, TimeoutError):
            await client.stop(RUN, grace_s=STOP_GRACE_S, reason="no environment is up")
            await self._until_ended(client)
        with contextlib.suppress(DevenvError, ConnectionError, TimeoutError):
            await client.shutdown()
        client.abort()
        await end_orphans(self._shim.record, grace_s=STOP_GRACE_S)
        self.changed.notify()

    async def _until_ended(self, client: ShimClient) -> None:
        while (await client.list()).runs[RUN].ended_at is None:
            await self.changed.wait(STOP_LOOK_S)

    # -- smaller parts ----------------------------------------------------------------------

    def _config(self, hosts: tuple[VirtualHost, ...]) -> EdgeConfig:
        return EdgeConfig(
            https_port=self.https_port,
            fallback=self._authority.leaf(["localhost"]),
            hosts=hosts,
            certificates={host.host: self._authority.leaf([host.host]) for host in hosts},
            addresses=("127.0.0.1", "::1") if has_ipv6_loopback() else ("127.0.0.1",),
        )
