from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from devenv.shim.loop import READ, Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    before = signal.getsignal(signal.SIGUSR1)
    loop = Loop()
    yield loop
    loop.close()
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def test_deadlines_are_met_in_their_order(loop):
    now = time.monotonic()
    met: list[str] = []
    loop.at(now + 0.002, lambda: (met.append("second"), loop.end()))
    loop.at(now, lambda: met.append("first"))
    loop.run()
    assert met == ["first", "second"]


def test_a_signal_is_delivered_in_the_loop(loop):
    loop.on_signal(signal.SIGUSR1, loop.end)
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()


def test_a_callback_that_raises_is_told_and_let_go_of(loop, pipe, capsys):
    read, write = pipe
    calls: list[int] = []

    def fail(events: int) -> None:
        calls.append(events)
        raise LookupError("a bug")

    loop.watch(read, READ, fail)
    loop.at(time.monotonic() + 0.01, loop.end)
    os.write(write, b"x")
    loop.run()
    assert calls == [READ]
    assert "LookupError: a bug" in capsys.readouterr().err


def test_what_is_let_go_of_in_the_same_turn_is_not_called(loop, pipe):
    read, write = pipe
    other = os.dup(read)
    called: list[int] = []

    def first_come(mine: int, others: int) -> None:
        called.append(mine)
        loop.ignore(others)
        loop.ignore(mine)
        loop.end()

    loop.watch(read, READ, lambda _: first_come(read, other))
    loop.watch(other, READ, lambda _: first_come(other, read))
    os.write(write, b"x")
    loop.run()
    os.close(other)
    assert len(called) == 1


def test_no_events_means_not_watched(loop, pipe):
    read, write = pipe
    loop.set_events(read, READ, lambda _: pytest.fail("called"))
    loop.set_events(read, 0, lambda _: None)
    loop.at(time.monotonic(), loop.end)
    os.write(write, b"x")
    loop.run()
