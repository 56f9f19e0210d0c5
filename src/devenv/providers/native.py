"""Runs units as processes of this machine, under the checkout's shim.

Set-up steps and processes are one job each. A service is installed if it is missing, its data
folder is initialised if there is none, and its server is then run in the foreground; what each of
these needs is the catalogue's knowledge.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devenv.errors import DevenvError, TerminalError
from devenv.model.unit import Job, Unit
from devenv.providers.base import Place, ServiceKind
from devenv.shim.client import ShimClient
from devenv.shim.protocol import Run, RunStatus, describe_exit
from devenv.system.files import replace_file
from devenv.system.paths import CheckoutPaths, data_folder

MAIN = "main"
PREPARE = "prepare"

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian and others keep servers; not on an ordinary user's PATH."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What native services share: the catalogue, the folders and the caller's environment."""

    kinds: Mapping[str, ServiceKind]
    paths: CheckoutPaths
    tools: Path
    identity: str
    environ: Mapping[str, str]

    def environment(self, unit: str) -> dict[str, str]:
        """Return the environment of a service's jobs: the caller's, with servers on the PATH."""
        path = self.environ.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
        return {
            **self.environ,
            "PATH": ":".join([path, *SYSTEM_FOLDERS, str(self.tools / "bin")]),
            "DEVENV_TOOLS": str(self.tools),
            "DEVENV_ENVIRONMENT": self.identity,
            "DEVENV_UNIT": unit,
        }


class NativeProvider:
    """Prepares, starts and stops the units of one environment."""

    def __init__(self, client: ShimClient, surroundings: Surroundings) -> None:
        self._client = client
        self._around = surroundings
        self._waiting: dict[str, asyncio.Future[RunStatus]] = {}

    def deliver(self, ended: RunStatus) -> bool:
        """Hand an exit to whoever waits for it; False: nobody does."""
        future = self._waiting.get(ended.name)
        if future is None or future.done() or ended.stage != PREPARE:
            return False
        future.set_result(ended)
        return True

    def inherit(self, former: NativeProvider) -> None:
        """Take over from a provider on the same shim: what it waits for is still under way."""
        self._waiting = former._waiting

    def abandon(self) -> None:
        """Tell whoever waits that the shim is gone."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the shim was killed"))
        self._waiting.clear()

    def hang_up(self) -> None:
        """Break with a shim that does not answer; whoever follows it connects again."""
        self._client.abort()

    async def prepare(self, unit: Unit) -> None:
        """Install and initialise a service; returns at once if nothing is missing.

        Raises:
            TerminalError: a job of it failed.
        """
        for what, job in self._preparations(unit):
            code = (await self._complete(unit, job)).exit or 0
            if code != 0:
                raise TerminalError(
                    f"cannot {what} `{unit.name}`: it {describe_exit(code)}",
                    hint=f"`devenv logs {unit.name}` shows why; then `devenv up`",
                    code="service.prepare-failed",
                )

    def needs_preparation(self, unit: Unit) -> bool:
        """Tell whether `prepare` would run anything."""
        return next(self._preparations(unit), None) is not None

    async def start(self, unit: Unit, *, digest: str) -> RunStatus:
        """Start the unit's main job; *digest* travels on it."""
        return await self._start(unit, self.job(unit), MAIN, digest)

    async def stop(self, unit: Unit | None, name: str, reason: str) -> None:
        """Begin to end a unit's run: TERM, grace, KILL; its exit is reported later."""
        grace_s = 10.0 if unit is None else unit.grace_s
        await self._client.stop(name, grace_s=grace_s, reason=reason)

    def job(self, unit: Unit) -> Job:
        """Return the unit's main job."""
        if unit.service is None:
            assert unit.job is not None
            return unit.job
        return self._kind(unit).run(unit.service, self.place(unit))

    def client_environment(self, unit: Unit) -> dict[str, str]:
        """Return the variables with which a service's own clients need no arguments."""
        assert unit.service is not None
        kind = self._kind(unit)
        return dict(kind.client_environment(unit.service, self.place(unit)))

    def place(self, unit: Unit) -> Place:
        """Return where a service runs; its run folder is made."""
        assert unit.endpoint is not None
        run = self._around.paths.run / unit.name
        run.mkdir(parents=True, exist_ok=True)
        return Place(
            endpoint=unit.endpoint,
            data=self._around.paths.data / unit.name,
            run=run,
            environment=self._around.environment(unit.name),
            root=os.geteuid() == 0,
        )

    def _preparations(self, unit: Unit) -> Iterator[tuple[str, Job]]:
        """Yield what is to be done, as seen when its turn comes: (verb, job)."""
        if unit.service is None:
            return
        kind, place = self._kind(unit), self.place(unit)
        if kind.missing(place.environment["PATH"]) is not None:
            script = data_folder("provisioning") / kind.provisioning / "install.sh"
            # a Python with pip, which Debian's own may lack; and no question that nobody sees
            environment = {**place.environment, "PYTHON": sys.executable, "CI": "1"}
            yield "install", Job(("/bin/sh", str(script)), place.run, environment)
        initialise = kind.initialise(unit.service, place)
        if initialise is not None:
            yield "initialise", initialise

    def _kind(self, unit: Unit) -> ServiceKind:
        assert unit.service is not None
        return self._around.kinds[unit.service.type]  # type: ignore[attr-defined]

    async def _complete(self, unit: Unit, job: Job) -> RunStatus:
        future: asyncio.Future[RunStatus] = asyncio.get_running_loop().create_future()
        self._waiting[unit.name] = future
        try:
            await self._start(unit, job, PREPARE, unit.digest)
            ended = await future
        finally:
            self._waiting.pop(unit.name, None)
        await self._client.forget(unit.name)
        return ended

    async def _start(self, unit: Unit, job: Job, stage: str, digest: str) -> RunStatus:
        try:
            for file in job.files:
                file.path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(file.path, file.text.encode(), mode=file.mode)
        except OSError as error:
            raise disk_error(unit.name, error) from error
        run = Run(
            name=unit.name,
            stage=stage,
            digest=digest,
            argv=job.argv,
            cwd=str(job.cwd),
            environment=dict(job.environment),
            log=str(self._around.paths.logs / f"{unit.name}.log"),
        )
        return await self._client.start(run)


def disk_error(name: str, error: OSError) -> DevenvError:
    """Return what to tell the user when a file of a unit cannot be written."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return TerminalError(
        f"cannot start `{name}`: cannot write `{error.filename or '.devenv'}`: {error.strerror}",
        hint="free some space on that disk, then `devenv up`"
        if full
        else "check the permissions of `.devenv/`, then `devenv up`",
        code="disk.full" if full else "file.unwritable",
    )
