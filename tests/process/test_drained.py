"""The service asked to stop with hundreds connected, and more at the door: all are told, nobody is left hanging."""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from pathlib import Path

import aiohttp
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import Close, Opcode
from yarl import URL

from geoworks.hub.codes import Code
from tests.hub.client import Message, read_frames
from tests.process.service import Service, gather, serving, toml
from tests.process.test_stopped import post_until_stopped
from tests.web.driver import Driver, connect_to

_EVERYTHING = {"id": "all", "area": {"everywhere": True}}
_DRIVERS, _TOGETHER = 300, 50
_CONFIG = toml("[stream]", "connections_per_address = 2000").replace(
    "[server]", "[server]\nrequests_per_minute = 1000000"
)
# `drain_s` of the tests' configuration, five seconds for requests in the middle, and what a busy machine needs.
_LIMIT_S = 30


async def _come(service: Service) -> Driver:
    driver = Driver(service.base, _EVERYTHING)
    await driver.come()
    await driver.hear_until("caught_up")
    return driver


async def _hear_to_the_end(driver: Driver) -> tuple[int, list[str]]:
    """Take messages until the connection is closed; return the code, and the notices, which changes may follow."""
    try:
        while True:
            await driver.hear()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else Code.LOST.number, [one["code"] for one in _notices(driver)]


def _notices(driver: Driver) -> list[Message]:
    return [message for message in driver.held.seen if message["type"] == "notice"]


async def _knock_until_shut(base: URL) -> list[tuple[list[str], int]]:
    """Connect again and again until nobody listens; return what each connection that was let in heard, and its code."""
    heard: list[tuple[list[str], int]] = []
    while True:
        try:
            socket = await connect_to(base)
        except InvalidHandshake:
            continue
        except OSError:
            return heard
        types = []
        try:
            while True:
                types.append(json.loads(await socket.recv())["type"])
        except ConnectionClosed as closed:
            heard.append((types, closed.rcvd.code if closed.rcvd else Code.LOST.number))


_HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def _begin(base: URL) -> tuple[StreamReader, StreamWriter]:
    """Send a handshake but for its last line."""
    reader, writer = await asyncio.open_connection(base.host, base.port)
    writer.write(_HANDSHAKE)
    await writer.drain()
    return reader, writer


async def _finish(reader: StreamReader, writer: StreamWriter) -> None:
    """Send the rest of a handshake; it is refused, or let in and told like all others, or finds the door shut."""
    try:
        writer.write(b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        frames = list(read_frames(await reader.read())) if b" 101 " in head else []
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()
    if b" 503 " in head:
        return
    told: list[Message] = [json.loads(bytes(frame.data)) for frame in frames if frame.opcode is Opcode.TEXT]
    assert [message["type"] for message in told] == ["hello", "notice"]
    assert Close.parse(frames[-1].data).code == Code.GOING_AWAY.number


async def test_hundreds_are_told(tmp_path: Path) -> None:
    """While changes flow, SIGTERM tells each of hundreds when to come back, closes them, and the process ends with 0.

    Those at the door are refused, told like the others, or find it shut; no handshake is left without an end.
    """
    async with aiohttp.ClientSession() as client, serving(tmp_path, config=_CONFIG) as service:
        headers = await service.key()
        groups = [await gather(_come(service) for _ in range(_TOGETHER)) for _ in range(_DRIVERS // _TOGETHER)]
        drivers = [driver for group in groups for driver in group]
        half = [await _begin(service.base) for _ in range(20)]
        asleep = [await _begin(service.base) for _ in range(5)]
        async with asyncio.timeout(_LIMIT_S * 2), asyncio.TaskGroup() as tasks:
            posting = [tasks.create_task(post_until_stopped(client, service, headers)) for _ in range(2)]
            knocking = [tasks.create_task(_knock_until_shut(service.base)) for _ in range(4)]
            await drivers[0].hear_until("put")
            begun = asyncio.get_running_loop().time()
            ended = tasks.create_task(service.terminate())
            ends = tasks.create_task(gather(map(_hear_to_the_end, drivers)))
            await drivers[0].socket.wait_closed()
            await gather(_finish(*one) for one in half)
            assert await ended == 0
            assert asyncio.get_running_loop().time() - begun < _LIMIT_S
        assert ends.result() == [(Code.GOING_AWAY.number, ["stopping"])] * _DRIVERS
        # Closed fifty at a time in the order they came, and from its close on each waits another time.
        for group in groups:
            assert len({notice["retry_after_s"] for driver in group for notice in _notices(driver)}) == _TOGETHER
        for task in knocking:
            assert {(types.count("notice"), code) for types, code in task.result()} <= {(1, Code.GOING_AWAY.number)}
        assert any(task.result() for task in posting)
        for reader, writer in asleep:
            assert b" 101 " not in await reader.read()
            writer.close()
        assert "Traceback" not in service.told()
