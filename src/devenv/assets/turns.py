"""A lock for work that many may ask for at once and that may fail for all of them.

Whoever waited while a turn began and failed gets that same failure instead of trying again, so a
burst of requests costs one failing attempt and not one each. A turn that began before somebody
came proves nothing to them: what it saw may have been mended since.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devenv.errors import DevenvError


class Turns:
    """One holder at a time; failures are shared with those who were already waiting."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = 0
        self._failed: tuple[int, DevenvError] | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for the turn and hold it.

        Raises:
            DevenvError: a turn that began while this one waited failed with it.
        """
        arrived = self._begun
        async with self._lock:
            if self._failed is not None and self._failed[0] > arrived:
                error = self._failed[1]
                raise type(error)(error.message, hint=error.hint, code=error.code)
            self._begun += 1
            try:
                yield
            except DevenvError as error:
                self._failed = (self._begun, error)
                raise
