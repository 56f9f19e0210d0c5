import asyncio

from fakes.clock import FakeClock, settle

from devenv.system.clock import Clock, SystemClock

FAKE: Clock = FakeClock()
REAL: Clock = SystemClock()


def test_the_machines_clock_never_runs_backwards():
    assert REAL.monotonic() <= REAL.monotonic()


def test_the_machines_clock_sleeps_in_the_loop():
    asyncio.run(REAL.sleep(0))


def test_the_fake_clock_wakes_each_sleeper_at_its_time():
    async def script():
        clock, woken = FakeClock(), []

        async def sleeper(name, seconds):
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic() - 1000))

        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper("late", 10))
            group.create_task(sleeper("early", 1))
            await settle()
            await clock.advance(5)
            assert woken == [("early", 1)]
            await clock.advance(5)
        assert woken == [("early", 1), ("late", 10)]

    asyncio.run(script())
