import asyncio

import pytest
from fakes.clock import FakeClock, settle
from fakes.worlds import PROBE, scripted

from devenv.daemon import prober
from devenv.probes import ProbeError


@pytest.fixture
def verdicts(monkeypatch):
    """What the next checks end in; None passes."""
    left = []

    async def check(_probe, **_):
        verdict = left.pop(0)
        if verdict is not None:
            raise ProbeError(verdict)

    monkeypatch.setattr(prober, "check", check)
    return left


@scripted
async def test_a_probe_that_passes_is_not_tried_again(verdicts):
    verdicts[:] = [None, "never asked"]
    clock = FakeClock()
    await prober.wait_until_ready(PROBE, clock, pytest.fail)
    assert (clock.slept, verdicts) == ([], ["never asked"])


@scripted
async def test_each_new_reason_is_told_once(verdicts):
    verdicts[:] = ["refused", "refused", "starting", "starting", None]
    clock, told = FakeClock(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(prober.wait_until_ready(PROBE, clock, told.append))
        await settle()
        await clock.advance(1)
    assert told == ["refused", "starting"]


@scripted
async def test_pauses_begin_short_and_grow_with_the_time_waited(verdicts):
    """Ready after 3 s is seen at most 0.1 s late; two minutes cost less than 300 tries."""
    verdicts[:] = ["refused"] * 5000
    clock = FakeClock()
    waiting = asyncio.create_task(prober.wait_until_ready(PROBE, clock, lambda _reason: None))
    await clock.advance(120)
    waiting.cancel()
    assert clock.slept[0] == prober.FIRST_PAUSE_S
    assert clock.slept == sorted(clock.slept)
    assert max(clock.slept) == prober.LONGEST_PAUSE_S
    at = 0.0
    for pause in clock.slept:
        if at <= 3:
            assert pause <= 0.1
        at += pause
    assert len(clock.slept) < 300


@scripted
async def test_a_bug_in_a_check_is_a_reason_and_not_the_end_of_the_daemon(monkeypatch):
    async def buggy(_probe, **_):
        raise ZeroDivisionError

    monkeypatch.setattr(prober, "check", buggy)
    told = []
    waiting = asyncio.ensure_future(prober.wait_until_ready(PROBE, FakeClock(), told.append))
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert told == ["the check met a bug of devenv; the daemon's log has it"]
