"""The daemon's tie to the shim of one checkout: made, lost, made again, ended.

What the daemon must know after its own death is a note that the shim holds: which units are wanted
and with which variables of the caller.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from devenv.errors import DevenvError
from devenv.shim.client import ShimClient, ShimPaths, end_orphans, spawn

ORPHAN_GRACE_S = 10.0
NO_SHIM = (FileNotFoundError, ConnectionRefusedError)
"""What connecting raises when there is certainly no shim; anything else is unknown, not gone."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the shim holds for the daemon."""

    path: str
    wanted: tuple[str, ...]
    environ: Mapping[str, str]
    https_port: int
    label: str = ""

    def encode(self) -> str:
        """Return the note as the text that the shim keeps."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Note | None:
        """Return the note in *text*, or None if a shim has none yet or one of another version."""
        try:
            body = json.loads(text)
            wanted = tuple(map(str, body["wanted"]))
            return cls(
                path=str(body["path"]),
                wanted=wanted,
                environ=dict(body["environ"]),
                https_port=int(body["https_port"]),
                label=str(body.get("label", "")),
            )
        except (ValueError, KeyError, TypeError):
            return None


class ShimLink:
    """The connection to one shim, and the shim's life."""

    def __init__(self, paths: ShimPaths) -> None:
        self.paths = paths
        self.client: ShimClient | None = None

    async def find(self) -> bool:
        """Connect to a shim that runs; False: there is none."""
        try:
            self.client = await ShimClient.connect(self.paths.socket)
        except NO_SHIM:
            return False
        return True

    async def ensure(self) -> bool:
        """Connect, and start the shim if there is none; True: it was started."""
        if self.client is not None:
            return False
        if await self.find():
            return False
        await end_orphans(self.paths.record, grace_s=ORPHAN_GRACE_S)
        await spawn(self.paths)
        self.client = await ShimClient.connect(self.paths.socket)
        return True

    async def lost(self) -> None:
        """Forget a connection that broke."""
        client, self.client = self.client, None
        if client is not None:
            await client.close()

    async def end(self) -> None:
        """End a shim under which nothing runs any more."""
        client, self.client = self.client, None
        if client is not None:
            with contextlib.suppress(DevenvError, ConnectionError, TimeoutError):
                await client.shutdown()
            await client.close()
        await end_orphans(self.paths.record, grace_s=ORPHAN_GRACE_S)
