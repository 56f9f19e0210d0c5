"""A Django project's own static finders, asked through one long-lived helper.

The helper (`django_finder.py`) runs in the project's interpreter and is asked for every request: a
few `stat` calls there are what makes the answer right. It is started again when a file that the
settings were loaded from has changed, and when it died. Settings that cannot be loaded are an error
in Django's own words; they are tried again once a file that the error came through has changed, and
else at most once a second, since what mends them may be anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from devenv.assets import django_finder
from devenv.assets.config import CdnConfig
from devenv.assets.finders import Found, NotFound
from devenv.assets.pipes import ChildLost, Command, JsonChild, Message
from devenv.assets.turns import Turns
from devenv.errors import DevenvError

FIND_TIMEOUT_S = 10.0
"""A finder looks at a few paths; only a dead network file system takes this long."""
RETRY_S = 1.0
"""Loading a project costs about half a second of a core."""

log = logging.getLogger("devenv.assets")


class DjangoFinder:
    """Asks the helper; a `Finder`."""

    def __init__(self, config: CdnConfig) -> None:
        self._manage = str(config.django)
        self._command = Command(
            title="the static files finder of Django",
            argv=(config.python, str(Path(django_finder.__file__)), self._manage),
            cwd=config.cwd,
            environment=config.environment,
            hint="check that the project's Python is installed, or run `devenv up` again",
        )
        self._turns = Turns()
        self._child: JsonChild | None = None
        self._broken: Message | None = None
        """The greeting of a helper that could not load the project."""
        self._broken_at = 0.0
        self._logged = ""

    async def find(self, names: Sequence[str]) -> Found | NotFound:
        """Return what the project's finders say; a helper that died is replaced once."""
        async with self._turns.take():
            try:
                answer = await self._ask(names)
            except ChildLost:
                answer = await self._ask(names)
        if "error" in answer:
            raise self._failure(answer)
        if "path" in answer:
            return Found(answer["name"], answer["path"])
        return NotFound(tuple(answer["searched"]), answer["refused"])

    async def ready(self) -> None:
        """Return once the project's settings are loaded."""
        async with self._turns.take():
            await self._current()

    async def close(self) -> None:
        """End the helper."""
        if self._child is not None:
            await self._child.stop()

    async def _ask(self, names: Sequence[str]) -> Message:
        child = await self._current()
        return await child.ask({"names": list(names)}, timeout_s=FIND_TIMEOUT_S)

    async def _current(self) -> JsonChild:
        """Return a helper that runs with the settings of now."""
        child = self._child
        if child is not None and child.alive and _is_current(child.greeting):
            return child
        now = asyncio.get_running_loop().time()
        if self._broken and _is_current(self._broken) and now - self._broken_at < RETRY_S:
            raise self._failure(self._broken)
        self._child = self._broken = None
        if child is not None:
            await child.stop()
        child = await JsonChild.start(self._command)
        if "error" in child.greeting:
            await child.stop()
            self._broken, self._broken_at = child.greeting, asyncio.get_running_loop().time()
            raise self._failure(child.greeting)
        self._child, self._logged = child, ""
        return child

    def _failure(self, message: Message) -> DevenvError:
        """Return the error that *message* tells of; its traceback is logged once."""
        if message["error"] != self._logged:
            self._logged = message["error"]
            log.error("the static files finder of Django failed\n%s", message["traceback"].rstrip())
        return DevenvError(
            f"cannot ask `{self._manage}` for static files: {message['error']}",
            hint="correct it and load the page again; the log has the whole traceback",
            code="assets.django-broken",
        )


def _is_current(greeting: Message) -> bool:
    """Whether the files that a helper loaded are as it read them."""
    return all(_stamp(path) == (mtime_ns, size) for path, mtime_ns, size in greeting["watch"])


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (asked for every request)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
