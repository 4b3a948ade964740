"""The stream as Server-Sent Events on real sockets."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, HttpVersion10, UnixConnector
from websockets.exceptions import InvalidStatus

from geoworks.config.settings import Server, Stream
from geoworks.hub.frames import PING, frame
from geoworks.hub.messages import CaughtUp, Heartbeat
from geoworks.pipeline import works
from geoworks.web.sse import Translator
from tests.hub.client import Message
from tests.web.conftest import OpenHouse
from tests.web.driver import WAIT_S, connect_to, driving, narrow_socket
from tests.web.events import Listener, listening
from tests.web.house import House
from tests.web.writing import FAR, NEAR, flow, served, served_near, until, write

_STATION = "2.3057,48.6357,200"
_SSE = "/v1/stream/sse"


async def test_from_a_write_to_the_client(house: House) -> None:
    """A client gets a snapshot, then each write as an event with an id to come back with, then the removal."""
    await write(house, "api:1")
    async with listening(house.client, house.base, circle=_STATION) as listener:
        assert set(listener.held.features) == {("works", "api:1")}
        await write(house, "api:2")
        event = await listener.hear()
        assert (event.name, event.data["type"], event.data["feature"]["id"]) == ("put", "put", "api:2")
        assert event.last_id.partition(";")[0] == event.data["cursor"]
        await write(house, "api:1", FAR)
        event = await listener.hear()
        assert (event.name, event.data["reason"]) == ("remove", "moved-out")
        await house.town.desk.submit(works.cancel("api:2", actor="test"))
        assert (await listener.hear()).data["reason"] == "cancelled"


def _told(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message["type"] in {"put", "remove"}]


async def test_same_as_the_websocket(house: House) -> None:
    """Both ways of listening are told the same, in the same order."""
    area = {"circle": {"center": [2.3057, 48.6357], "radius_m": 200}}
    chance = random.Random(3)
    async with (
        listening(house.client, house.base, circle=_STATION) as listener,
        driving(house.base, {"id": "url", "area": area}) as driver,
    ):
        for number in range(60):
            await write(house, f"api:{chance.randrange(9)}", chance.choice((NEAR, FAR)), description=str(number))
        await write(house, "api:last")
        for client in (listener, driver):
            while ("works", "api:last") not in client.held.features:
                await client.hear()
        assert len(_told(driver.held.seen)) > 20
        assert _told(listener.held.seen) == _told(driver.held.seen)
        assert listener.held.filters == driver.held.filters


async def test_coming_back(house: House) -> None:
    """A client that was cut goes on where it was, by the header of browsers or by the parameter."""
    await write(house, "api:1")
    async with listening(house.client, house.base, everywhere="true") as listener:
        listener.cut()
        await write(house, "api:2")
        await listener.come()
        assert [(await listener.hear()).name for _ in range(2)] == ["put", "caught_up"]
        # Already the catch-up has ids: a client cut in its middle goes on from there.
        assert listener.held.features == served(house)
        answer = await house.client.get(
            house.base.join(house.base.__class__(_SSE)),
            params={"everywhere": "true", "last_event_id": listener.last_id},
        )
        other = Listener(house.client, house.base)
        other.response = answer
        assert (await other.hear()).name == "caught_up"
        answer.close()


async def test_header_goes_before_the_parameter(house: House) -> None:
    """A browser that comes back repeats the address it began with; what it knows by now is in the header."""
    await write(house, "api:1")
    listener = Listener(house.client, house.base, everywhere="true", last_event_id="another.1;0")
    await listener.come()
    assert (await listener.hear()).name == "resync"
    await listener.hear_until("caught_up")
    listener.cut()
    await listener.come()
    assert (await listener.hear()).name == "caught_up"
    listener.cut()


async def test_cursor_without_filters(house: House) -> None:
    """A bare cursor, such as that of `GET /v1/works`, is gone on from, and its ids are whole."""
    await write(house, "api:1")
    cursor = (await house.ask("GET", "/v1/works")).headers["Geoworks-Cursor"]
    await write(house, "api:2")
    listener = Listener(house.client, house.base, everywhere="true", last_event_id=cursor)
    await listener.come()
    assert (await listener.hear()).name == "put"
    assert ";" in listener.last_id
    listener.cut()


@pytest.mark.parametrize(("place", "reason"), [("another.1;0", "epoch"), ("{epoch}.999;0", "future"), (".1;0", "")])
async def test_beginning_anew(house: House, place: str, reason: str) -> None:
    """From another log, or another question, a client begins anew: it forgets its id until it has caught up."""
    await write(house, "api:1")
    listener = Listener(house.client, house.base, everywhere="true")
    listener.last_id = place.format(epoch=house.town.state.cursor.epoch)
    if not reason:
        listener.last_id, reason = f"{house.town.state.cursor};0", "filters"
    await listener.come()
    event = await listener.hear()
    assert (event.name, event.data["reason"], event.last_id) == ("resync", reason, "")
    assert (await listener.hear()).last_id == ""
    assert (await listener.hear()).last_id.partition(";")[0] == str(house.town.state.cursor)
    assert listener.held.features == served(house)
    listener.cut()


async def test_client_cut_200_times(house: House) -> None:
    """A client cut 200 times at random while changes flow ends with exactly the server's state, in order, once."""
    chance = random.Random(11)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(flow(house, chance))
        listener = Listener(house.client, house.base, circle=_STATION)
        for _ in range(200):
            await listener.come()
            for _event in range(chance.randrange(8)):
                await listener.hear()
            listener.cut()
        writing.cancel()
    # Whatever was on its way is written before this.
    await write(house, "api:last")
    await listener.come()
    await listener.hear_until("caught_up")
    assert listener.held.features == served_near(house)
    assert len(listener.held.offsets) == len(set(listener.held.offsets)) > 100
    assert house.town.hub.counters.resumed > 100
    listener.cut()


async def test_headers(house: House) -> None:
    """No cache or proxy keeps or packs events; pages of other sites may read them; browsers come back spread."""
    headers = {"Accept-Encoding": "gzip", "Origin": "https://other.example"}
    listener = Listener(house.client, house.base, everywhere="true")
    await listener.come()
    listener.cut()
    async with house.client.get(listener.response.url, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-cache, no-transform"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Content-Encoding" not in response.headers
        listener.response = response
        await listener.hear()
        assert listener.retry_ms is not None
        assert 1000 <= listener.retry_ms < 5000
    answer = await house.ask("HEAD", f"{_SSE}?everywhere=true")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "text/event-stream"


async def test_http_1_0(house: House) -> None:
    """A proxy that speaks HTTP/1.0 gets the events without chunks, to the end of the connection."""
    async with ClientSession(version=HttpVersion10) as old, listening(old, house.base, everywhere="true") as listener:
        assert "Transfer-Encoding" not in listener.response.headers
        await write(house, "api:1")
        assert (await listener.hear()).name == "put"


async def test_local_socket(house: House) -> None:
    """Programs of the machine listen on the local socket."""
    local = ClientSession(connector=UnixConnector(str(house.folder / "geoworks.sock")))
    async with local, listening(local, house.base, everywhere="true") as listener:
        await write(house, "api:1")
        assert (await listener.hear()).name == "put"


async def test_heartbeat(open_house: OpenHouse) -> None:
    """A quiet client is told where the log stands and stays, though it can answer nothing."""
    async with (
        open_house(stream=Stream(heartbeat_s=0.4, pong_s=0.2)) as house,
        listening(house.client, house.base, circle=_STATION) as listener,
    ):
        await write(house, "api:1", FAR)
        beats = [event for _ in range(5) if (event := await listener.next_event())]
        assert {event.name for event in beats} == {"heartbeat"}
        assert beats[-1].last_id.partition(";")[0] == beats[-1].data["cursor"] == str(house.town.state.cursor)
        assert house.town.hub.counters.aborted == 0


async def test_client_that_leaves(house: House) -> None:
    """Who has gone is noticed without anything being written, and leaves nothing behind."""
    listener = Listener(house.client, house.base, everywhere="true")
    await listener.come()
    await until(lambda: house.town.hub.counters.connected == 1)
    listener.cut()
    await until(lambda: house.town.hub.counters.connected == 0)
    assert house.town.hub.questions == 0


@asynccontextmanager
async def _coming_slowly(house: House) -> AsyncIterator[asyncio.StreamReader]:
    """Be connected by a client that reads nothing unless it is asked to."""
    reader, writer = await asyncio.open_connection(sock=narrow_socket(house.base), limit=4096)
    try:
        writer.write(f"GET {_SSE}?everywhere=true HTTP/1.0\r\nHost: {house.base.authority}\r\n\r\n".encode())
        await until(lambda: house.town.hub.questions)
        yield reader
    finally:
        # Whatever becomes of the test: a socket left open would be the fault of the next one.
        writer.transport.abort()
        await until(lambda: house.town.hub.counters.connected == 0)


async def test_slow_client_harms_nobody(open_house: OpenHouse) -> None:
    """A client that does not read costs bounded memory; reading again, it gets the latest state of each feature."""
    async with open_house(stream=Stream(high_water_bytes=20_000)) as house, _coming_slowly(house) as reader:
        async with listening(house.client, house.base, everywhere="true") as other:
            for number in range(150):
                await write(house, f"api:{number % 20}", description=f"{number} " + "x" * 9_000)
                assert (await other.hear()).name == "put"
        assert house.town.hub.counters.lagging == 1
        await write(house, "api:last")
        heard = b""
        async with asyncio.timeout(WAIT_S):
            while b'"api:last"' not in heard[-4000:]:
                heard += await reader.read(65_536)
        assert heard.count(b"event: put") < 150
        assert house.town.hub.counters.aborted == 0


async def test_stuck_client_is_cut(open_house: OpenHouse) -> None:
    """A client that takes nothing for too long is cut, and its memory freed."""
    async with open_house(stream=Stream(high_water_bytes=20_000, stuck_s=0.4)) as house, _coming_slowly(house):
        for number in range(50):
            await write(house, f"api:{number}", description="x" * 9_000)
            # So little at a time that the kernel's buffer stands still long before bytes wait behind it.
            await asyncio.sleep(0.03)
        await until(lambda: house.town.hub.counters.aborted == 1)
        await until(lambda: house.town.hub.counters.connected == 0)
        assert house.town.hub.counters.lagging == 0


async def test_drain(open_house: OpenHouse) -> None:
    """When the server stops each client gets a notice, then the end of the stream; nobody new comes in."""
    async with (
        open_house() as house,
        listening(house.client, house.base, everywhere="true") as listener,
        asyncio.TaskGroup() as tasks,
    ):
        draining = tasks.create_task(house.town.hub.drain(5))
        event = await listener.hear()
        assert (event.name, event.data["code"]) == ("notice", "stopping")
        assert listener.retry_ms == 1000 * event.data["retry_after_s"]
        assert await listener.next_event() is None
        await draining
        assert house.town.hub.counters.connected == 0
        assert (await house.ask("GET", f"{_SSE}?everywhere=true")).json()["code"] == "stopping"


async def test_limits_are_those_of_all_ways(open_house: OpenHouse) -> None:
    """Events, long polls and WebSockets of one address are counted together."""
    async with (
        open_house(stream=Stream(connections_per_address=1)) as house,
        listening(house.client, house.base, everywhere="true"),
    ):
        for path in (_SSE, "/v1/changes"):
            answer = await house.ask("GET", f"{path}?everywhere=true")
            assert answer.status == 429
            assert "Retry-After" in answer.headers
        with pytest.raises(InvalidStatus):
            await connect_to(house.base)


async def test_origin(open_house: OpenHouse) -> None:
    """Pages of sites that may not read here are refused."""
    async with open_house(server=Server(port=0, cors_origins=("https://town.example",))) as house:
        for path in (_SSE, "/v1/changes"):
            answer = await house.ask("GET", f"{path}?everywhere=true", headers={"Origin": "https://stranger.example"})
            assert (answer.status, answer.json()["code"]) == (403, "forbidden")


_BOWTIE = json.dumps({"type": "Polygon", "coordinates": [[[2, 48], [3, 49], [3, 48], [2, 49], [2, 48]]]})


@pytest.mark.parametrize("path", [_SSE, "/v1/changes"])
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "no place"),
        ({"everywhere": "true", "circle": _STATION}, "circle and everywhere"),
        ({"everywhere": "perhaps"}, "everywhere"),
        ({"circle": "2.3,48.6"}, "circle"),
        ({"circle": "2.3,48.6,0"}, "radius_m"),
        ({"circle": "2.3,48.6,1e9"}, "radius_m"),
        ({"circle": "nan,48.6,10"}, "finite"),
        ({"circle": "2.3,148.6,10"}, "no place on earth"),
        ({"bbox": "2,48,3"}, "bbox"),
        ({"bbox": "2,48,3,inf"}, "finite"),
        ({"bbox": "3,48,2,49"}, "bbox"),
        ({"bbox": "a,48,2,49"}, "bbox"),
        ({"zones": ""}, "zones"),
        ({"zones": ",".join(map(str, range(501)))}, "zones"),
        ({"polygon": "{"}, "polygon"),
        ({"polygon": "[" * 2000}, "polygon"),
        ({"polygon": '{"type":"Point","coordinates":[2,48]}'}, "Polygon"),
        ({"polygon": _BOWTIE}, "valid polygon"),
        ({"everywhere": "true", "kinds": "works,ghost"}, "kinds"),
        ({"everywhere": "true", "min_severity": "huge"}, "min_severity"),
        ({"everywhere": "true", "colour": "red"}, "colour"),
    ],
)
async def test_bad_questions(house: House, path: str, query: dict[str, str], says: str) -> None:
    """What cannot be asked is a problem document that says where the fault is and how to mend it."""
    answer = await house.ask("GET", path, params=query)
    assert answer.status == 400, answer.body
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == "invalid"
    assert says in problem["detail"]
    assert house.town.hub.counters.connected == 0


@pytest.mark.parametrize("cursor", ["nonsense", "a.b", ".", "a.-1;0", "a.1x", ";0"])
async def test_bad_cursors(house: House, cursor: str) -> None:
    """A cursor that is none is a problem document; a browser then knows that coming back is no use."""
    by_header = await house.ask("GET", f"{_SSE}?everywhere=true", headers={"Last-Event-ID": cursor})
    by_parameter = await house.ask("GET", _SSE, params={"everywhere": "true", "last_event_id": cursor})
    by_poll = await house.ask("GET", "/v1/changes", params={"everywhere": "true", "since": cursor})
    for answer in (by_header, by_parameter, by_poll):
        assert (answer.status, answer.json()["code"]) == (400, "invalid")
        assert "cursor" in answer.json()["detail"]


def test_events_are_shared() -> None:
    """Frames that many are handed one after the other become events once; who asks something else has other ids."""
    translator = Translator()
    beat = frame(Heartbeat("e.1")) + PING
    events, filters = translator.translate(beat, "hash")
    assert events == b'event: heartbeat\nid: e.1;hash\ndata: {"type":"heartbeat","cursor":"e.1"}\n\n'
    assert filters == "hash"
    assert translator.translate(beat, "hash")[0] is events
    assert b"id: e.1;other\n" in translator.translate(beat, "other")[0]
    assert b"id:" not in translator.translate(beat, None)[0]
    assert translator.translate(PING, "hash") == (b"", "hash")
    assert translator.translate(frame(CaughtUp(None, "new", "e.2")), None)[1] == "new"
