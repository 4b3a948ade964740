"""Frames as no library sends them, on real sockets: the stream takes them as plain aiohttp does."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from aiohttp import WSMsgType, web
from yarl import URL

from geoworks.config.settings import Server, Stream
from geoworks.hub.codes import Code
from tests.web.autobahn import OPEN, OURS, PLAIN, cases
from tests.web.conftest import OpenHouse
from tests.web.driver import driving
from tests.web.house import House
from tests.web.octets import BINARY, CLOSE, MORE, PING, PONG, TEXT, Line, connected, octets
from tests.web.writing import until, write

_STREAM = URL("/v1/stream")
_FAMILIES = {family: list(found) for family, found in groupby(cases(), lambda case: case.number.partition(".")[0])}
_EVERYTHING = {"id": "all", "area": {"everywhere": True}}
_NEVER_WHOLE = b"GET /v1/stream HTTP/1.1\r\nX-Long: " + b"x" * 5_000
_LONG_TEXT = octets(TEXT, b" " * 20_000)
_SUBSCRIBE = octets(TEXT, b'{"type":"subscribe","id":"all","area":{"everywhere":true}}')


class Outcome(NamedTuple):
    """How a server took a case: how many messages it answered, what it ponged, how the connection ended."""

    answers: int
    pongs: Sequence[bytes]
    ends: int


async def _play(url: URL, writes: Sequence[bytes]) -> Outcome:
    async with connected(url) as line:
        await line.write(*writes)
        ends = await line.end()
        answers = line.payloads(TEXT, BINARY)
        told = [text for text in answers if not text.startswith(b'{"type":"hello"')]
        return Outcome(len(told), line.payloads(PONG), ends)


@asynccontextmanager
async def _echoing() -> AsyncIterator[URL]:
    """Serve a WebSocket of plain aiohttp that sends back what it gets."""

    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/echo", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield URL.build(scheme="http", host=host, port=port, path="/echo")
    finally:
        await runner.cleanup()


async def _play_both(house: House, writes: Sequence[bytes]) -> tuple[Outcome, Outcome]:
    async with _echoing() as echo:
        return await _play(house.base.join(_STREAM), writes), await _play(echo, writes)


@pytest.mark.parametrize("family", _FAMILIES)
async def test_autobahn(house: House, family: str) -> None:
    """Every case ends as with plain aiohttp: so many answers, the same pongs, the same close."""
    async with _echoing() as echo:
        for case in _FAMILIES[family]:
            plain = await _play(echo, case.writes)
            assert plain.ends == PLAIN.get(case.number, case.ends), case.number
            ours = await _play(house.base.join(_STREAM), case.writes)
            assert (case.number, ours.ends) == (case.number, OURS.get(case.number, plain.ends))
            assert case.number in OURS or ours == plain, case.number
    await until(lambda: house.town.hub.counters.connected == 0)


_LONG = struct.pack("!BBQ", 0x81, 0xFF, 1 << 63) + b"\x01\x80\xff\x37" + b"x"
_OTHERS = {
    "unmasked": [octets(TEXT, b"hello", masked=False)],
    "an unmasked ping": [octets(PING, b"hello", masked=False)],
    "a length below zero": [_LONG],
    "a length in more octets than it needs": [struct.pack("!BBH", 0x81, 0xFE, 1) + b"\x01\x80\xff\x37" + b"x"],
    "a ping whose length takes two more octets": [struct.pack("!BBH", 0x89, 0xFE, 1) + b"\x01\x80\xff\x37" + b"x"],
    "fragments of nothing": [octets(TEXT, fin=False), *[octets(MORE, fin=False)] * 100, octets(MORE, b"x")],
    "text that ends as binary": [octets(TEXT, b"x", fin=False), octets(BINARY, b"x")],
    "something else than frames": [b"GET / HTTP/1.1\r\n\r\n"],
}


@pytest.mark.parametrize("name", _OTHERS)
async def test_beyond_the_suite(house: House, name: str) -> None:
    """What the suite does not send ends as with plain aiohttp too."""
    ours, plain = await _play_both(house, _OTHERS[name])
    assert ours == plain


def _deflated(text: bytes) -> bytes:
    """Compress as permessage-deflate does (RFC 7692, section 7.2.1)."""
    press = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (press.compress(text) + press.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


@pytest.mark.parametrize("pieces", [1, 3])
async def test_compressed(house: House, pieces: int) -> None:
    """Compression is offered in vain: it is not agreed to, and a compressed frame, whole or in fragments, ends it."""
    data = _deflated(b'{"type":"ping"}')
    size = -(-len(data) // pieces)
    parts = [data[begin : begin + size] for begin in range(0, len(data), size)]
    frames = [octets(TEXT, parts[0], rsv=4, fin=pieces == 1)]
    frames += [octets(MORE, part, fin=part is parts[-1]) for part in parts[1:]]
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    async with _echoing() as echo, connected(echo, offer) as line:
        assert b"permessage-deflate" in line.head
        await line.write(*frames)
        assert await line.end() == OPEN
    async with connected(house.base.join(_STREAM), offer) as line:
        assert b"Extensions" not in line.head
        await line.write(octets(TEXT, b'{"type":"ping"}'))
        assert await line.end() == OPEN
        assert line.payloads(TEXT)[-1] == b'{"type":"pong"}'
        await line.write(*frames)
        assert await line.end(b"and now?") == 1002


@asynccontextmanager
async def _with_a_neighbour(
    open_house: OpenHouse,
    server: Server | None = None,
    **stream: Any,  # noqa: ANN401 - the fields of the settings
) -> AsyncIterator[tuple[House, Line]]:
    """Serve somebody who does all well, and give a connection beside theirs."""
    async with (
        open_house(stream=Stream(**stream), server=server or Server(port=0)) as house,
        driving(house.base, _EVERYTHING) as driver,
        connected(house.base.join(_STREAM)) as line,
    ):
        yield house, line
        # Whatever became of the other one, this one hears what happens.
        await write(house, "api:last")
        assert (await driver.hear_until("put"))["feature"]["id"] == "api:last"


async def _cut_after(line: Line, begun: float) -> float:
    """Read to the end of a connection; return how long it has lasted."""
    while await line.next():
        pass
    return asyncio.get_running_loop().time() - begun


async def _dribble(line: Line, data: bytes, every_s: float) -> None:
    for place in range(len(data)):
        if not await line.write(data[place : place + 1]):
            return
        await asyncio.sleep(every_s)


async def test_half_open(open_house: OpenHouse) -> None:
    """Who has vanished without a word, as when a cable is pulled, is cut a heartbeat and the time of a pong later."""
    async with _with_a_neighbour(open_house, heartbeat_s=0.5, pong_s=0.5) as (house, line):
        begun = asyncio.get_running_loop().time()
        await line.write(_SUBSCRIBE)
        # The pings are read here, by nobody who would answer.
        assert 0.5 <= await _cut_after(line, begun) < 5
        assert (house.town.hub.counters.aborted, house.town.hub.counters.connected) == (1, 1)


async def test_first_frame_that_never_ends(open_house: OpenHouse) -> None:
    """Who sends a first message octet by octet has no more time for it than others, and is told so."""
    async with _with_a_neighbour(open_house, first_message_s=0.5) as (_, line), asyncio.TaskGroup() as tasks:
        begun = asyncio.get_running_loop().time()
        dribbling = tasks.create_task(_dribble(line, _LONG_TEXT, 0.02))
        assert await line.closed() == Code.SILENT.number
        assert asyncio.get_running_loop().time() - begun < 5
        dribbling.cancel()


async def test_later_frame_that_never_ends(open_house: OpenHouse) -> None:
    """Who is in the middle of a frame for so long that no pong gets through is cut as if they had vanished."""
    async with _with_a_neighbour(open_house, heartbeat_s=0.5, pong_s=0.5) as (house, line):
        await line.write(_SUBSCRIBE)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            dribbling = tasks.create_task(_dribble(line, _LONG_TEXT, 0.02))
            assert 0.5 <= await _cut_after(line, begun) < 5
            dribbling.cancel()
        assert house.town.hub.counters.aborted == 1


async def test_slow_writer_in_time(open_house: OpenHouse) -> None:
    """Who sends octet by octet, and is done in time, is served as others are."""
    async with _with_a_neighbour(open_house) as (_, line):
        await _dribble(line, _SUBSCRIBE, 0.005)
        assert await line.end() == OPEN
        assert b'"type":"caught_up"' in line.payloads(TEXT)[-1]


async def test_message_without_end(open_house: OpenHouse) -> None:
    """A message in ever more fragments ends the connection when it is larger than any may be, with pings in between."""
    async with _with_a_neighbour(open_house) as (_, line):
        await line.write(_SUBSCRIBE, octets(TEXT, b"x", fin=False))
        for number in range(200):
            await line.write(octets(PING, b"%d" % number), octets(MORE, b"x" * 1000, fin=False))
        assert await line.end() == Code.FRAME_TOO_LARGE.number
        assert line.payloads(PONG)[:50] == [b"%d" % number for number in range(50)]


async def test_pings_of_who_does_not_read(open_house: OpenHouse) -> None:
    """Who pings without end and reads no pong is owed a bounded number of them, and cut."""
    async with _with_a_neighbour(open_house, high_water_bytes=20_000, stuck_s=0.5) as (house, line):
        await line.write(_SUBSCRIBE)
        flood = octets(PING, b"x" * 125) * 500
        async with asyncio.timeout(20):
            while await line.write(flood):
                pass
        assert house.town.hub.counters.aborted == 1


async def test_close_that_is_never_answered(open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is told that it is over and does not leave is cut a little later."""
    monkeypatch.setattr("geoworks.web.stream._CLOSE_S", 0.3)
    async with _with_a_neighbour(open_house) as (house, line):
        begun = asyncio.get_running_loop().time()
        await line.write(octets(BINARY, b"x"))
        assert await _cut_after(line, begun) < 4
        assert line.heard[-1].opcode == CLOSE
        await until(lambda: house.town.hub.counters.connected == 1)


@pytest.mark.parametrize(("sent", "every_s"), [(b"", 0.0), (_NEVER_WHOLE, 60.0), (_NEVER_WHOLE, 0.02)])
async def test_handshake_that_never_ends(open_house: OpenHouse, sent: bytes, every_s: float) -> None:
    """Who connects and sends no handshake, or one octet by octet, is shown out; who has shaken hands stays."""
    async with _with_a_neighbour(open_house, Server(port=0, idle_s=0.5)) as (house, _):
        begun = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(house.base.host, house.base.port)
        async with asyncio.TaskGroup() as tasks:
            dribbling = tasks.create_task(_trickle(writer, sent, every_s))
            async with asyncio.timeout(5):
                with suppress(ConnectionError):
                    assert await reader.read() == b""
            dribbling.cancel()
        assert asyncio.get_running_loop().time() - begun >= 0.4
        writer.close()


async def _trickle(writer: asyncio.StreamWriter, data: bytes, every_s: float) -> None:
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await asyncio.sleep(every_s)
