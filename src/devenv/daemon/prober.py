"""Runs a unit's probe until it passes, and then no more: nothing polls at rest.

The pause between two tries is a small share of the time already waited, so that what is up in
100 ms is seen within a few milliseconds, and what takes seconds is not hammered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from devenv.model.unit import ExecProbe, Probe
from devenv.probes import ProbeError, check
from devenv.system.clock import Clock

FIRST_PAUSE_S = 0.01
PAUSE_SHARE = 0.03
"""Pause per second waited: a server that boots for 3 s is seen ready at most 0.1 s late."""
LONGEST_PAUSE_S = 1.0
TRY_TIMEOUT_S = 3.0
"""Longer than any server on this machine takes to answer; a hung one is tried again."""


log = logging.getLogger(__name__)


async def wait_until_ready(probe: Probe, clock: Clock, report: Callable[[str], None]) -> None:
    """Return once *probe* passes; each new reason why it did not is reported.

    Never gives up by itself: whoever waits for the unit has the time limit.
    """
    begun = clock.monotonic()
    last = ""
    while True:
        try:
            await _check_once(probe)
        except ProbeError as error:
            if str(error) != last:
                last = str(error)
                report(last)
        else:
            return
        waited = clock.monotonic() - begun
        await clock.sleep(min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, waited * PAUSE_SHARE)))


async def _check_once(probe: Probe) -> None:
    try:
        if isinstance(probe, ExecProbe):
            await _check_command(probe)
        else:
            await check(probe, timeout_s=TRY_TIMEOUT_S)
    except ProbeError:
        raise
    except Exception as error:  # a bug in one check must not end every environment
        log.exception("the check %r failed by a bug", type(probe).__name__)
        raise ProbeError("the check met a bug of devenv; the daemon's log has it") from error


async def _check_command(probe: ExecProbe) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *probe.job.argv,
            cwd=probe.job.cwd,
            env=dict(probe.job.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise ProbeError(f"the check cannot run: {error.strerror}") from error
    try:
        async with asyncio.timeout(TRY_TIMEOUT_S * 10):
            code = await process.wait()
    except TimeoutError:
        raise ProbeError(f"the check took longer than {TRY_TIMEOUT_S * 10:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    if code != 0:
        raise ProbeError(f"the check exited with {code}")
