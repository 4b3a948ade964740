"""What a program is told when nobody is there, when it is refused, and when what is there is no town."""

from __future__ import annotations

import asyncio
import socket

import pytest
import shapely
from websockets.asyncio.server import ServerConnection

from geoworks.client import (
    Ended,
    Lost,
    Notice,
    Snapshot,
    Subscription,
    Unintelligible,
    Unreachable,
    connect,
    everywhere,
)
from tests.client.reading import listening, next_of
from tests.client.strangers import HELLO, refusal, saying, talking
from tests.web.house import House
from tests.web.writing import served, write

_ALL = Subscription(id="all", area=everywhere())
_QUIET = saying(HELLO % 25.0)


@pytest.mark.parametrize("url", ["", "ftp://example.org", "http://[::1", "http://", "http://example.org:port"])
def test_no_address(url: str) -> None:
    """What is no address is told before anything is tried."""
    with pytest.raises(Unreachable, match="is no address of a town"):
        connect(url)


async def test_nobody_there() -> None:
    """The first connection is not tried again: the program is told, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match=f"ws://127.0.0.1:{port}/v1/stream: .*refused"):
        await connect(f"127.0.0.1:{port}").__aenter__()


@pytest.mark.parametrize("status", [403, 404, 429, 503])
async def test_first_connection_refused(status: int) -> None:
    """So is what the server refused at first."""
    async with talking(_QUIET, refusal(status)) as url:
        with pytest.raises(Unreachable, match=f"HTTP status {status}"):
            await connect(url).__aenter__()


async def _hang_up(connection: ServerConnection) -> None:
    """Say hello and leave."""
    await connection.send(HELLO % 25.0)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_turned_away_for_good(status: int) -> None:
    """A server that does not let this client in any more ends the stream; why is told."""
    async with talking(_hang_up, None, refusal(status)) as url, connect(url, [_ALL]) as stream:
        await next_of(stream, Lost)
        with pytest.raises(Ended, match=f"HTTP status {status}") as ended:
            await next_of(stream, Snapshot)
        assert ended.value.number == status


@pytest.mark.parametrize("status", [429, 503])
async def test_turned_away_for_now(status: int) -> None:
    """One that is full, or not ready, is tried again, no sooner than it asks."""
    answers = (None, refusal(status, Retry_After="1"), refusal(status), None)
    async with talking(_hang_up, *answers) as url, connect(url, [_ALL]) as stream:
        waits = [(await next_of(stream, Lost)).retry_s for _ in range(4)]
        assert 1.0 <= waits[1] <= 2.0
        assert [waits[0] <= 0.5, waits[2] <= 2.0, waits[3] <= 4.0] == [True, True, True]


@pytest.mark.parametrize(
    "frame",
    ["", "no JSON", "[]", "7", "{}", '{"type":7}', '{"type":"put"}', '{"type":"put","feature":{}}', "[" * 100_000],
)
async def test_garbage(frame: str) -> None:
    """Frames that are no messages are told in words; what is newer than this client is passed over."""
    known = '{"type":"notice","code":"stopping","message":"","more":1}'
    async with talking(saying(HELLO % 25.0, '{"type":"newer"}', known, frame)) as url, connect(url, [_ALL]) as stream:
        assert (await next_of(stream, Notice)).fields["more"] == 1
        with pytest.raises(Unintelligible, match="is it geoworks"):
            await next_of(stream, Snapshot)


async def test_binary_garbage() -> None:
    """Bytes that are no text are no message either."""

    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe\x00")
        await connection.wait_closed()

    async with talking(talk) as url, connect(url, [_ALL]) as stream:
        with pytest.raises(Unintelligible):
            await next_of(stream, Snapshot)


async def test_frame_beyond_all_bounds() -> None:
    """A frame that would fill the memory ends the stream: it would come again."""
    huge = '{"type":"snapshot","id":"all","last":true,"features":[{"x":"' + "x" * (16 * 1024 * 1024) + '"}]}'
    async with talking(saying(HELLO % 25.0, huge)) as url, connect(url, [_ALL]) as stream:
        with pytest.raises(Ended, match="closed the connection for good") as ended:
            await next_of(stream, Snapshot)
        assert ended.value.number == 1009


async def test_large_feature(house: House) -> None:
    """A works with as many vertices as a GIS gives comes whole."""
    line = shapely.LineString([(2.30 + number / 1e6, 48.63 + number % 2 / 1e5) for number in range(20_000)])
    await write(house, "api:long", line)
    async with listening(house.base, _ALL) as stream:
        assert dict(stream.features) == served(house)


async def test_silence() -> None:
    """A connection that says nothing for twice the time between heartbeats is given up and made again."""
    async with talking(saying(HELLO % 0.1)) as url, connect(url, [_ALL]) as stream:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert "silent" in (await next_of(stream, Lost)).fault
        assert loop.time() - began >= 0.2
        assert "silent" in (await next_of(stream, Lost)).fault


@pytest.mark.parametrize(
    ("code", "comes_back"), [(1001, True), (1011, True), (4001, True), (1003, False), (4002, False)]
)
async def test_closing_codes(code: int, comes_back: bool) -> None:  # noqa: FBT001 - what is expected
    """The client comes back where that can help, else it says that the server wants it no more."""

    async def talk(connection: ServerConnection) -> None:
        await connection.send(HELLO % 25.0)
        await connection.close(code, "so it is")

    async with talking(talk) as url, connect(url, [_ALL]) as stream:
        if comes_back:
            assert (await next_of(stream, Lost)).fault == "so it is"
        else:
            with pytest.raises(Ended, match="so it is") as ended:
                await next_of(stream, Snapshot)
            assert ended.value.number == code


async def test_asks_to_come_later() -> None:
    """A server that stops says when to come back, and the client heeds it."""
    farewell = '{"type":"notice","code":"stopping","message":"","retry_after_s":7.5}'

    async def talk(connection: ServerConnection) -> None:
        for message in (HELLO % 25.0, farewell):
            await connection.send(message)

    async with talking(talk) as url, connect(url, [_ALL]) as stream:
        assert 7.5 <= (await next_of(stream, Lost)).retry_s <= 8.0
