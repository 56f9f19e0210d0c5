import asyncio
from types import SimpleNamespace

import pytest
from fakes.clock import settle
from fakes.worlds import scripted

from devenv.daemon.environments import Environments
from devenv.errors import DevenvError


@scripted
async def test_work_is_carried_to_its_end_although_whoever_asked_has_left():
    done, may_end = [], asyncio.Event()

    async def work():
        await may_end.wait()
        done.append(True)

    async with asyncio.TaskGroup() as group:
        environments = Environments(SimpleNamespace(), group)

        async def ask():
            await environments.carry_out(work())

        asking = group.create_task(ask())
        await settle()
        asking.cancel()
        await settle()
        may_end.set()
    assert done == [True]


@scripted
async def test_whoever_asked_is_told_of_a_failure_and_the_daemon_goes_on():
    async def work():
        raise DevenvError("cannot", code="a.b")

    async with asyncio.TaskGroup() as group:
        environments = Environments(SimpleNamespace(), group)
        with pytest.raises(DevenvError):
            await environments.carry_out(work())


@scripted
async def test_a_failure_that_nobody_waits_for_is_logged(caplog):
    async def work():
        raise DevenvError("cannot", code="a.b")

    async with asyncio.TaskGroup() as group:
        Environments(SimpleNamespace(), group).carry_out(work()).cancel()
    assert "cannot" in caplog.text
