"""One short conversation with a server; whatever ends it, the socket is closed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

from devenv.model.unit import Endpoint
from devenv.probes.base import ProbeError


@contextlib.asynccontextmanager
async def converse(
    endpoint: Endpoint,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to *endpoint* for the length of the block.

    Raises:
        ProbeError: nothing listens there, or the server ended the conversation.
    """
    try:
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except OSError as error:
        raise ProbeError(explain(error)) from error
    try:
        yield reader, writer
    except asyncio.IncompleteReadError as error:
        raise ProbeError("the server closed the connection") from error
    except OSError as error:
        raise ProbeError(explain(error)) from error
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def explain(error: OSError) -> str:
    """Return the system's words for *error*: asyncio's own hold addresses and tuples."""
    return os.strerror(error.errno).lower() if error.errno else "cannot connect"
