"""Bodies that dribble are ended at every door, with what is left of them, unless it is we who take nothing in."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from geoworks.config.settings import Server
from geoworks.errors import TooSlow
from geoworks.pipeline.keys import Role
from geoworks.web.arrival import arriving
from geoworks.web.route import Door
from geoworks.web.server import DOORS
from geoworks.web.services import SERVICES, Services
from tests.web.citizen import filed
from tests.web.conftest import OpenHouse
from tests.web.house import House, feature

WAIT_S = 20
# A body may stand still for a third of a second, and has to bring 150 bytes in that time.
BRISK = Server(port=0, requests_per_minute=10_000, body_bytes_per_s=500, body_grace_s=0.3)
_FORM = "multipart/form-data; boundary=x"
_PART = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n\r\n'
_READING = [door for door in DOORS if door.body is not None or TooSlow in door.errors]
# What is sent to them beside JSON: content type, and how the body begins.
_OTHERS = [
    ("POST", "/v1/areas", "application/gpx+xml", b"<gpx>"),
    ("POST", "/staff/login", "application/x-www-form-urlencoded", b"key=gw_"),
    ("POST", "/v1/reports", _FORM, _PART % (b"report", b"")),
    ("POST", "/v1/reports", _FORM, _PART % (b"photo", b"a.jpg")),
    ("POST", "/v1/sync/voirie", _FORM, _PART % (b"file", b"a.json")),
    ("POST", "/v1/sync/voirie", "text/csv", b"title\n"),
    ("POST", "/v1/zones", "application/geo+json", b"{"),
]


class Line:
    """A connection on which a request is sent bit by bit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk on an open connection."""
        self._reader = reader
        self._writer = writer

    async def ask(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Send the head of a request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: town", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def send(self, data: bytes, *, at_once: int = 1 << 20, every_s: float = 0.0) -> None:
        """Send some bytes at once, then some more after a while, up to the end or until nobody takes them."""
        with suppress(ConnectionError):
            for place in range(0, len(data), at_once):
                self._writer.write(data[place : place + at_once])
                await self._writer.drain()
                await asyncio.sleep(every_s)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and JSON of an answer."""
        async with asyncio.timeout(WAIT_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))
            body = await self._reader.readexactly(int(fields["Content-Length"]))
        return int(head.split()[1]), fields, json.loads(body)

    async def is_cut(self) -> bool:
        """Wait for the end of the connection, and tell that nothing came before it."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self._reader.read() == b""
            except ConnectionError:
                return True


@asynccontextmanager
async def line_to(house: House) -> AsyncIterator[Line]:
    """Be connected to the doors of a town."""
    reader, writer = await asyncio.open_connection(house.base.host, house.base.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def dribble(house: House, method: str, path: str, headers: dict[str, str], begin: bytes) -> tuple[int, str]:
    """Send a body that begins well and then comes a byte at a time; return the status and the code answered."""
    async with line_to(house) as line, asyncio.TaskGroup() as tasks:
        await line.ask(method, path, {**headers, "Content-Length": "100000"})
        sending = tasks.create_task(line.send(begin + b" " * 10_000, at_once=max(len(begin), 1), every_s=0.1))
        status, fields, problem = await line.answer()
        sending.cancel()
        assert fields["Connection"] == "close"
        assert fields["Content-Type"].startswith("application/problem+json")
        return status, problem["code"]


def address(door: Door, ids: dict[str, str]) -> str:
    """Return the address of a door with an id in it of something that is there."""
    kind = door.path.split("/")[2]
    return re.sub(r"\{\w+(:[^}]*)?\}", lambda _: ids.get(kind, "x"), door.path)


def _kind(door: Door) -> str:
    return door.body_media if door.body_media.endswith("json") else "application/json"


async def test_a_body_that_dribbles_is_ended_at_every_door(open_house: OpenHouse) -> None:
    """408 as a problem document, and the end of the connection: JSON of every door, and files and forms."""
    async with open_house(server=BRISK) as house:
        admin = await house.as_role(Role.ADMIN)
        works = (await house.ask("POST", "/v1/works", json=feature(), headers=admin)).json()
        report = await filed(house)
        ids = {"works": works["id"], "reports": report["id"], "sync": "voirie"}
        asked = [(door.method, address(door, ids), _kind(door), b"{") for door in _READING] + _OTHERS
        # Forms are taken from our own pages only.
        admin["Sec-Fetch-Site"] = "same-origin"
        async with asyncio.TaskGroup() as tasks:
            doing = {
                one: tasks.create_task(dribble(house, one[0], one[1], {**admin, "Content-Type": one[2]}, one[3]))
                for one in asked
            }
        told = {one: task.result() for one, task in doing.items()}
        assert (await house.ask("GET", "/v1/works")).status == 200
    assert len(_READING) > 10
    assert set(told.values()) == {(408, "too-slow")}, told


async def test_what_comes_after_is_no_next_request(open_house: OpenHouse) -> None:
    """The connection ends: what was still to come of the body is not read as a request."""
    async with open_house(server=BRISK) as house, line_to(house) as line:
        await line.ask("POST", "/v1/areas", {"Content-Type": "application/json", "Content-Length": "1000"})
        assert (await line.answer())[0] == 408
        await line.send(b" " * 1000 + b"GET /health/live HTTP/1.1\r\nHost: town\r\n\r\n")
        assert await line.is_cut()


async def test_a_body_in_chunks_that_dribbles_is_ended(open_house: OpenHouse) -> None:
    """A body whose length is not told has the same bound."""
    async with open_house(server=BRISK) as house, line_to(house) as line, asyncio.TaskGroup() as tasks:
        await line.ask("POST", "/v1/areas", {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        sending = tasks.create_task(line.send(b"1\r\n \r\n" * 1000, at_once=6, every_s=0.1))
        status, _, problem = await line.answer()
        sending.cancel()
    assert status == 408
    assert problem["temporary"]
    assert "500 bytes" in problem["detail"]


async def test_a_body_that_is_slow_and_steady_arrives(open_house: OpenHouse) -> None:
    """A body that takes several times the grace, at a pace that is enough, is taken."""
    server = Server(port=0, body_bytes_per_s=2_000, body_grace_s=0.5)
    async with open_house(server=server) as house, line_to(house) as line:
        body = json.dumps(feature()).encode().ljust(20_000)
        headers = {"Content-Type": "application/json", "Content-Length": f"{len(body)}"}
        await line.ask("POST", "/v1/works", await house.as_role() | headers)
        await line.send(body, at_once=500, every_s=0.05)
        assert (await line.answer())[0] == 201


async def test_time_we_take_nothing_in_is_not_the_senders() -> None:
    """While we work off what came, a sender that cannot send more is not blamed."""
    freed = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        async with arriving(request):
            await freed.wait()
        return web.Response()

    app = web.Application()
    settings = SimpleNamespace(server=Server(body_bytes_per_s=1 << 30, body_grace_s=0.1))
    app[SERVICES] = cast("Services", SimpleNamespace(settings=settings))
    app.router.add_post("/", take)
    sent = b"x" * (1 << 24)
    async with TestServer(app) as server, ClientSession() as client, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.post(server.make_url("/"), data=io.BytesIO(sent)))
        # Many times the grace, at a pace that nobody could keep.
        await asyncio.sleep(0.5)
        assert not asked.done()
        freed.set()
        async with asyncio.timeout(WAIT_S):
            assert (await asked).status == 200


@pytest.mark.parametrize("answered", [False, True])
async def test_a_head_that_dribbles_is_ended(open_house: OpenHouse, *, answered: bool) -> None:
    """Who does not come to the end of a head is cut off, of the first one and after an answer."""
    server = Server(port=0, idle_s=0.5)
    async with open_house(server=server) as house, line_to(house) as line, asyncio.TaskGroup() as tasks:
        if answered:
            await line.send(b"GET /health/live HTTP/1.1\r\nHost: town\r\n\r\n")
            assert (await line.answer())[0] == 200
        head = b"GET /v1/works HTTP/1.1\r\nHost: town\r\n" + b"X-More: and more\r\n" * 200
        sending = tasks.create_task(line.send(head, at_once=1, every_s=0.05))
        assert await line.is_cut()
        sending.cancel()
