"""The simulated CDN: one request in, one answer out.

It finds the source of an asset, has it compiled where its kind needs that, and answers with
validators. A source that can be compiled wins over a file of the asset's own name: such a file is
what a build left behind, and would hide what was just saved. `hogan.js`, in whatever folder a
loader looks for it, is the runtime of compiled templates unless the project has a file there. Which
bytes of HTTP carry the answer is the server's business.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
from pathlib import Path

from devenv.assets import answers, pages
from devenv.assets.answers import Answer, Request
from devenv.assets.compilers import Compilers, Kind, kind_of
from devenv.assets.config import READY_PATH
from devenv.assets.finders import Finder, Found
from devenv.assets.inputs import Stamp, read_input
from devenv.assets.names import asset_name
from devenv.errors import DevenvError

WHOLE_BYTES = 4 * 1024 * 1024
"""Larger files are streamed, smaller ones read at once, which leaves no moment to change in."""
RUNTIME_NAME = "hogan.js"
RUNTIME_FILE = Path("node_modules/hogan.js/dist/hogan-3.0.2.min.amd.js")
"""Inside the compiler's folder; the version is pinned by its lock file."""
METHODS = "GET, HEAD, OPTIONS"

log = logging.getLogger("devenv.assets")


class Cdn:
    """Answers requests with what a finder finds and compilers make of it."""

    def __init__(self, finder: Finder, compilers: Compilers, runtime: Path) -> None:
        self._finder = finder
        self._compilers = compilers
        self._runtime = runtime
        self._unready: list[str] = []

    async def answer(self, request: Request) -> Answer:
        """Return the answer to one request; never raises for what a request or a file holds."""
        if request.method == "OPTIONS":
            return Answer(204, (("access-control-allow-methods", METHODS), *answers.OPEN_TO_ALL))
        if request.method not in {"GET", "HEAD"}:
            refusal = answers.text(405, f"only {METHODS} are answered here\n")
            return Answer(405, (*refusal.headers, ("allow", METHODS)), refusal.body)
        if request.path == READY_PATH:
            return await self._readiness()
        name = asset_name(request.path)
        if name is None:
            return pages.no_such_name(request)
        try:
            return await self._asset(request, name)
        except DevenvError as error:
            log.error("%s: %s", name, error.message)  # noqa: TRY400 (a user's mistake, no bug)
            return pages.failed(request, name, error)

    async def close(self) -> None:
        """End the children."""
        await self._compilers.close()
        await self._finder.close()

    async def _readiness(self) -> Answer:
        reasons: list[str] = []

        async def ask(part: Finder | Compilers) -> None:
            try:
                await part.ready()
            except DevenvError as error:
                reasons.append(f"{error.message}\n\n{error.hint}\n")

        async with asyncio.TaskGroup() as group:
            group.create_task(ask(self._finder), name="finder ready")
            group.create_task(ask(self._compilers), name="compilers ready")
        if reasons != self._unready:  # asked again and again: only what changed is news
            self._unready = reasons
            for reason in reasons:
                log.error("not ready: %s", reason.partition("\n")[0])
        return answers.text(503, "\n".join(reasons)) if reasons else answers.text(200, "ready\n")

    async def _asset(self, request: Request, name: str) -> Answer:
        kind = kind_of(name)
        names = (kind.source_of(name), name) if kind else (name,)
        found = await self._finder.find(names)
        if isinstance(found, Found):
            if kind and found.name != name:
                return await self._compiled(request, kind, name, found.path)
            return _plain(request, name, found.path)
        if name.rpartition("/")[2] == RUNTIME_NAME and self._runtime.is_file():
            return _plain(request, name, str(self._runtime))
        return pages.not_found(request, names, found)

    async def _compiled(self, request: Request, kind: Kind, name: str, source: str) -> Answer:
        output = await self._compilers.compile(kind, source)
        if output.failure is not None:
            return pages.source_failed(request, name, output.failure)
        return answers.conditional(request, answers.asset(name, output.digest, output.body))


def _plain(request: Request, name: str, path: str) -> Answer:
    """Answer with a file as it is.

    Raises:
        DevenvError: it cannot be read, or went away since it was found.
    """
    try:
        return answers.conditional(request, _whole(name, path))
    except OSError as error:
        raise DevenvError(
            f"cannot read `{path}`: {error.strerror}",
            hint="check that file and load the page again",
            code="assets.unreadable",
        ) from error


def _whole(name: str, path: str) -> Answer:
    """Return the whole file under a tag that is by stamp, or by content while that proves nothing.

    Raises:
        OSError: it cannot be read.
    """
    status = os.stat(path)  # noqa: PTH116 (the name is text all the way)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(2, "it is no regular file any more")
    if status.st_size > WHOLE_BYTES:
        stamp = Stamp.of(status)
        return answers.asset(name, _tag(stamp), path=path, size=stamp.size_bytes)
    read, body = read_input(path)
    assert read.stamp is not None
    return answers.asset(name, read.digest if read.is_racy else _tag(read.stamp), body)


def _tag(stamp: Stamp) -> str:
    return hashlib.sha256(repr(stamp).encode()).hexdigest()[:32]
