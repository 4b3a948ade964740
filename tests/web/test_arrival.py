"""Bodies that do not arrive: whoever sends a byte now and then holds no door open."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from geoworks.config.settings import Server
from geoworks.pipeline.keys import Role
from tests.web.conftest import OpenHouse
from tests.web.driver import WAIT_S
from tests.web.house import House, feature

# Half of a second to show that 4 kB/s come.
_HASTY = Server(port=0, body_grace_s=0.5, requests_per_minute=10_000)
_FORM = "multipart/form-data; boundary=edge"
_FILE = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="works.geojson"\r\n\r\n'
_REPORT = b'--edge\r\nContent-Disposition: form-data; name="report"\r\n\r\n'


async def _send(house: House, path: str, *pieces: bytes, kind: str, length: int, key: str, pause_s: float) -> bytes:
    """Send the head of a request, then pieces of its body with pauses; return what is answered."""
    reader, writer = await asyncio.open_connection(house.base.host, house.base.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {house.base.authority}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    try:
        writer.write(head.encode())
        answer = asyncio.ensure_future(_answer(reader))
        for piece in pieces:
            if answer.done():
                break
            writer.write(piece)
            await asyncio.sleep(pause_s)
        return await asyncio.wait_for(answer, WAIT_S)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length
    return head + await reader.readexactly(int(length[1]))


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/v1/works", "application/json", b'{"type": '),
        ("/v1/reports", "application/json", b'{"type": '),
        ("/v1/reports", _FORM, _REPORT),
        ("/v1/areas", "application/geo+json", b'{"type": '),
        ("/v1/webhooks", "application/json", b'{"url": '),
        ("/v1/sync/voirie", "application/geo+json", b'{"type": '),
        ("/v1/sync/voirie", _FORM, _FILE),
    ],
)
async def test_body_that_dribbles_is_ended(open_house: OpenHouse, path: str, kind: str, begin: bytes) -> None:
    """A body of a byte now and then is answered 408 with a mend, and its connection ends."""
    async with open_house(server=_HASTY) as house:
        key = await house.key(Role.ADMIN)
        pieces = [begin, *[b" "] * 1000]
        answer = await _send(house, path, *pieces, kind=kind, length=5000, key=key, pause_s=0.02)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        problem = json.loads(body)
        assert problem["code"] == "too-slow"
        assert "4096 bytes" in problem["detail"]
        assert (await house.ask("GET", "v1/works")).status == 200


async def test_body_that_stops_is_ended(open_house: OpenHouse) -> None:
    """A body of which nothing more comes is ended as well, and so is the connection, whatever the sender asked for."""
    async with open_house(server=_HASTY) as house:
        reader, writer = await asyncio.open_connection(house.base.host, house.base.port)
        head = f"POST /v1/works HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await house.key()}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{{".encode())
        answer = await asyncio.wait_for(reader.read(), 2 * WAIT_S)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"\r\nConnection: close\r\n" in answer
        writer.close()


async def test_slow_and_steady_arrives(open_house: OpenHouse) -> None:
    """A body that takes much longer than the stretch, at a pace that is enough, is taken."""
    async with open_house(server=Server(port=0, body_grace_s=0.5, body_bytes_per_s=2_000)) as house:
        key = await house.key()
        body = json.dumps(feature(description="x" * 1500)).encode()
        body += b" " * (20_000 - len(body))
        pieces = [body[at : at + 500] for at in range(0, len(body), 500)]
        answer = await _send(
            house, "/v1/works", *pieces, kind="application/json", length=len(body), key=key, pause_s=0.05
        )
        assert answer.startswith(b"HTTP/1.1 201")


async def test_head_that_dribbles_is_ended(open_house: OpenHouse) -> None:
    """A request whose head does not come is ended by the time a connection may idle."""
    async with open_house(server=Server(port=0, idle_s=0.5)) as house:
        reader, writer = await asyncio.open_connection(house.base.host, house.base.port)
        writer.write(b"GET /v1/works HTTP/1.1\r\n")
        ended = asyncio.ensure_future(reader.read())
        for number in range(500):
            if ended.done():
                break
            writer.write(f"X-{number}: a\r\n".encode())
            await asyncio.sleep(0.02)
        assert ended.done()
        writer.close()
