import asyncio
from types import SimpleNamespace

import pytest
from fakes.clock import settle
from fakes.worlds import scripted

from devenv.daemon.streams import follow_logs, send_tail
from devenv.system.paths import CheckoutPaths


@pytest.fixture
def environment(tmp_path):
    paths = CheckoutPaths(tmp_path)
    paths.ensure()
    changed = asyncio.Event()

    async def watch_log(_name, _inode, _size):
        await changed.wait()
        changed.clear()

    upkeep = SimpleNamespace(watch_log=watch_log)
    return SimpleNamespace(paths=paths, upkeep=upkeep, changed=changed)


def write(environment, name, text):
    with (environment.paths.logs / f"{name}.log").open("a") as file:
        file.write(text)


@scripted
async def test_the_ends_of_the_logs_come_merged_and_nothing_more(environment):
    write(environment, "web", "2026-11-20T20:37:20.000Z second\n")
    write(environment, "db", "2026-11-20T20:37:19.000Z first\n")
    events = []

    async def emit(event):
        events.append(event)

    await send_tail(environment, ["web", "db", "none"], emit, tail=5)
    assert events == [
        {"event": "line", "unit": "db", "time": "2026-11-20T20:37:19.000Z", "text": "first"},
        {"event": "line", "unit": "web", "time": "2026-11-20T20:37:20.000Z", "text": "second"},
    ]


@scripted
async def test_followers_close_their_files_when_the_client_leaves(environment):
    write(environment, "web", "old\n")
    seen = asyncio.Queue()

    async def emit(event):
        seen.put_nowait(event.get("text", event["event"]))

    following = asyncio.create_task(follow_logs(environment, ["web"], emit, tail=1, resume={}))
    assert [await seen.get(), await seen.get()] == ["old", "place"]
    await settle()
    write(environment, "web", "new\n")
    environment.changed.set()
    assert await seen.get() == "new"
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert following.cancelled()
