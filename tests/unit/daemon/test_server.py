import asyncio
import json

import pytest
from fakes.clock import settle
from fakes.worlds import scripted

from devenv.daemon.server import Server
from devenv.errors import DevenvError, ExitCode


class Client:
    """A connected client: what it sends is fed, what it is sent is kept."""

    def __init__(self, handler):
        self.reader, self.sent, self.closed, self.gone = asyncio.StreamReader(), [], False, False
        self._server = Server(None, handler)

    def begin(self, body):
        self.reader.feed_data(
            body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n"
        )
        return asyncio.create_task(self._server._serve(self.reader, self))

    async def ask(self, body):
        await self.begin(body)
        return self.sent

    # -- as the stream writer of the server ---------------------------------------------------

    def write(self, data):
        self.sent.append(json.loads(data))

    async def drain(self):
        if self.gone:
            raise ConnectionResetError

    def close(self):
        self.closed = True

    async def wait_closed(self):
        pass


@pytest.fixture(autouse=True)
def trusted(monkeypatch):
    monkeypatch.setattr("devenv.daemon.server._is_trusted", lambda _writer: True)


def failing(error):
    async def handler(_body, _emit):
        raise error

    return handler


@scripted
async def test_events_come_before_the_answer():
    async def handler(body, emit):
        await emit({"event": "begun"})
        return body["op"]

    client = Client(handler)
    assert await client.ask({"op": "up"}) == [{"event": "begun"}, {"ok": "up"}]
    assert client.closed


@scripted
async def test_a_refusal_carries_code_message_hint_and_exit_code():
    error = DevenvError("no", hint="yes", code="a.b")
    error.exit_code = ExitCode.USAGE
    assert await Client(failing(error)).ask({}) == [
        {"error": {"code": "a.b", "message": "no", "hint": "yes", "exit": 2}}
    ]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (TimeoutError(), "shim.silent", "the shim of this checkout was lost, or does not answer"),
        (
            ConnectionResetError(),
            "shim.silent",
            "the shim of this checkout was lost, or does not answer",
        ),
        (
            OSError(28, "No space left on device", "/x"),
            "system.failed",
            "cannot do that: `/x`: No space left on device",
        ),
        (ZeroDivisionError(), "bug", "devenv met a bug of its own"),
    ],
)
def test_whatever_fails_is_answered_in_one_sentence(error, code, message):
    @scripted
    async def script():
        (answer,) = await Client(failing(error)).ask({})
        assert (answer["error"]["code"], answer["error"]["message"]) == (code, message)

    script()


@pytest.mark.parametrize("line", [b"{broken\n", b"[]\n", b"\xff\n", b"1\n"])
def test_what_is_no_request_is_answered(line):
    @scripted
    async def script():
        (answer,) = await Client(failing(AssertionError())).ask(line)
        assert answer["error"]["code"] == "request.invalid"

    script()


@scripted
async def test_who_connects_and_says_nothing_costs_nothing():
    client = Client(failing(AssertionError()))
    client.reader.feed_eof()
    await client._server._serve(client.reader, client)
    assert (client.sent, client.closed) == ([], True)


@scripted
async def test_a_client_that_goes_away_cancels_its_request():
    ended = []

    async def handler(_body, _emit):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    client = Client(handler)
    serving = client.begin({})
    await settle()
    client.reader.feed_eof()
    await serving
    assert (ended, client.sent) == (["cancelled"], [])


@scripted
async def test_a_client_that_cannot_be_told_ends_its_request_quietly(caplog):
    async def handler(_body, emit):
        await emit({"event": "line"})
        raise AssertionError("nobody listens any more")

    client = Client(handler)
    client.gone = True
    await client.begin({})
    assert client.closed
    assert caplog.records == []


@scripted
async def test_the_log_of_a_bug_holds_no_variables(caplog):
    await Client(failing(ZeroDivisionError())).ask(
        {"op": "up", "version": "0.1.0", "cwd": "/home/me/drund", "environ": {"SECRET": "hunter2"}}
    )
    assert "hunter2" not in caplog.text
    assert '"op": "up"' in caplog.text
