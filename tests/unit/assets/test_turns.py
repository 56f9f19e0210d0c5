import asyncio

import pytest

from devenv.assets.turns import Turns
from devenv.errors import DevenvError


async def attempt(turns, made, *, fails):
    async with turns.take():
        made.append(len(made))
        await asyncio.sleep(0)
        if fails:
            raise DevenvError(f"attempt {made[-1]}", hint="mend it", code="broken")


async def burst(turns, made, count, *, fails):
    jobs = [attempt(turns, made, fails=fails) for _ in range(count)]
    return [str(error) for error in await asyncio.gather(*jobs, return_exceptions=True)]


def test_a_failure_is_shared_by_those_who_waited_when_it_began():
    """The first attempt began before anybody waited, so it proves nothing to them."""
    made = []
    told = asyncio.run(burst(Turns(), made, 10, fails=True))
    assert len(made) == 2
    assert told == ["attempt 0"] + ["attempt 1"] * 9


def test_who_comes_later_tries_again():
    async def scenario():
        turns, made = Turns(), []
        await burst(turns, made, 3, fails=True)
        await attempt(turns, made, fails=False)
        return made

    assert len(asyncio.run(scenario())) == 3


def test_without_a_failure_everybody_has_a_turn():
    made = []
    assert asyncio.run(burst(Turns(), made, 5, fails=False)) == ["None"] * 5
    assert len(made) == 5


def test_a_shared_failure_keeps_its_code_and_hint():
    async def scenario():
        turns = Turns()
        jobs = [attempt(turns, [], fails=True) for _ in range(3)]
        return (await asyncio.gather(*jobs, return_exceptions=True))[-1]

    error = asyncio.run(scenario())
    assert (error.code, error.hint) == ("broken", "mend it")


def test_a_bug_is_nobody_else_s():
    async def bug(turns):
        async with turns.take():
            raise ValueError

    async def scenario():
        turns = Turns()
        jobs = [bug(turns), attempt(turns, [], fails=False)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, second = asyncio.run(scenario())
    assert isinstance(first, ValueError)
    assert second is None


def test_waiting_may_be_cancelled():
    async def scenario():
        turns = Turns()
        async with turns.take():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await attempt(turns, [], fails=False)
        await attempt(turns, [], fails=False)

    asyncio.run(scenario())
