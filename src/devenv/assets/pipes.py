"""A long-lived child that answers one line of JSON with another, in order, one at a time.

It greets with a line once it is ready. A child that dies, hangs or answers nonsense is killed and
reported as `ChildLost`; whether to ask a new one is the caller's decision. What the child writes to
stderr goes to our own stderr, and so into the log of the CDN.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devenv.errors import DevenvError

LINE_LIMIT_BYTES = 256 * 1024 * 1024
"""The longest answer: compiled output with room to spare; more is taken for a runaway."""
START_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 0.5
"""A child that is not busy ends at once when its input does."""
STOP_TIMEOUT_S = 1.5

Message = dict[str, Any]
"""One JSON object; its keys are the protocol of the child."""


@dataclass(frozen=True, slots=True)
class Command:
    """How the child is run; `environment` is complete."""

    title: str
    """What messages call it, such as `the compiler`."""
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    hint: str
    """What to look at when it cannot be started."""


class ChildLost(DevenvError):  # noqa: N818 (it says what happened)
    """The child died, hung or broke the protocol while it was asked; it is gone now."""


class JsonChild:
    """One running child; `start` gives it its greeting."""

    def __init__(self, command: Command, process: Process) -> None:
        self._command = command
        self._process = process
        self.greeting: Message = {}

    @classmethod
    async def start(cls, command: Command) -> JsonChild:
        """Start the child and wait for its greeting.

        Raises:
            DevenvError: it cannot be started.
            ChildLost: it ended or hung before it greeted.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                cwd=command.cwd,
                env=dict(command.environment),
                stdin=PIPE,
                stdout=PIPE,
                limit=LINE_LIMIT_BYTES,
            )
        except OSError as error:
            raise DevenvError(
                f"cannot start {command.title}: `{command.argv[0]}`: {error.strerror}",
                hint=command.hint,
                code="assets.child-not-started",
            ) from error
        child = cls(command, process)
        child.greeting = await child._exchange(None, START_TIMEOUT_S)
        return child

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, message: Message, *, timeout_s: float) -> Message:
        """Send one message and return its answer; the caller asks one at a time.

        Raises:
            ChildLost: there is no answer and there will be none.
        """
        return await self._exchange(message, timeout_s)

    async def stop(self) -> None:
        """End the child and reap it: end of its input, SIGTERM, a moment, SIGKILL."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            await self._terminate()

    async def _exchange(self, message: Message | None, timeout_s: float) -> Message:
        """Write *message*, if any, and read one line; whatever goes wrong ends the child."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._round_trip(message)
        except TimeoutError as error:
            await self._kill()
            raise self._lost(f"gave no answer within {timeout_s:g} s", "hung") from error
        except (OSError, EOFError) as error:
            await self.stop()
            raise self._lost(f"ended unexpectedly, {self._end()}", "crashed") from error
        except ValueError as error:
            await self._kill()
            raise self._lost("gave an answer that is no JSON object", "garbled") from error
        except BaseException:
            await self._kill()  # the answer still to come would be taken for the next one's
            raise

    async def _round_trip(self, message: Message | None) -> Message:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if message is not None:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the answer is not an object")  # noqa: TRY004 (bad JSON is ValueError)
        return answer

    async def _terminate(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            await self._kill()

    async def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def _end(self) -> str:
        code = self._process.returncode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _lost(self, what: str, slug: str) -> ChildLost:
        return ChildLost(
            f"{self._command.title} {what}",
            hint="load the page again: a new one is started",
            code=f"assets.child-{slug}",
        )
