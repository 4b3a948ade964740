"""The stream on real sockets, from a write to what a client holds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from types import CoroutineType

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from geoworks.config.settings import Server, Stream
from geoworks.hub.codes import Code
from geoworks.pipeline import works
from tests.hub.client import Message
from tests.web.conftest import OpenHouse
from tests.web.driver import WAIT_S, Driver, connect_as_page, connect_to, driving, narrow_socket
from tests.web.house import House
from tests.web.writing import FAR, flow, served, served_near, until, write

_EVERYWHERE: Message = {"id": "all", "area": {"everywhere": True}}
_STATION: Message = {"id": "station", "area": {"circle": {"center": [2.3057, 48.6357], "radius_m": 200}}}


async def test_from_a_write_to_the_client(house: House) -> None:
    """A client gets a snapshot, then each write as it happens, then the removal."""
    await write(house, "api:1")
    async with driving(house.base, _STATION) as driver:
        assert set(driver.held.features) == {("works", "api:1")}
        await write(house, "api:2")
        assert (await driver.hear())["feature"]["id"] == "api:2"
        await write(house, "api:1", FAR)
        remove = await driver.hear()
        assert (remove["type"], remove["id"], remove["reason"]) == ("remove", "api:1", "moved-out")
        await house.town.desk.submit(works.cancel("api:2", actor="test"))
        assert (await driver.hear())["reason"] == "cancelled"


async def test_resume_and_resync(house: House) -> None:
    """A client that was cut goes on where it was; from another log it begins anew."""
    await write(house, "api:1")
    async with driving(house.base, _EVERYWHERE) as driver:
        await driver.cut()
        await write(house, "api:2")
        await driver.come()
        assert [(await driver.hear())["type"] for _ in range(2)] == ["put", "caught_up"]
        await driver.cut()
        driver.held.cursor = "another.1"
        await driver.come()
        assert [(await driver.hear())["type"] for _ in range(3)] == ["resync", "snapshot", "caught_up"]
        assert driver.held.features == served(house)


async def test_several_subscriptions(house: House) -> None:
    """Each subscription has its snapshot; a change that concerns several comes once."""
    await write(house, "api:1")
    async with driving(house.base, _EVERYWHERE, _STATION) as driver:
        await write(house, "api:1", description="new")
        await write(house, "api:2", FAR)
        assert [(await driver.hear())["feature"]["id"] for _ in range(2)] == ["api:1", "api:2"]
        await driver.send("unsubscribe", id="all")
        assert (await driver.hear())["id"] == "api:2"


async def test_client_cut_200_times(house: House) -> None:
    """A client cut 200 times at random while changes flow ends with exactly the server's state, in order, once."""
    chance = random.Random(7)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(flow(house, chance))
        driver = Driver(house.base, _STATION)
        for _ in range(200):
            await driver.come()
            for _message in range(chance.randrange(8)):
                await driver.hear()
            await driver.cut()
        writing.cancel()
    # Whatever was on its way is written before this.
    await write(house, "api:last")
    await driver.come()
    await driver.hear_until("caught_up")
    assert driver.held.features == served_near(house)
    assert len(driver.held.offsets) == len(set(driver.held.offsets)) > 100
    assert house.town.hub.counters.resumed > 100
    await driver.socket.close()


async def test_slow_client_harms_nobody(open_house: OpenHouse) -> None:
    """A client that does not read costs bounded memory and delays nobody; reading again, it gets the latest state."""
    async with open_house(stream=Stream(high_water_bytes=20_000)) as house, driving(house.base, _EVERYWHERE) as other:
        slow = Driver(house.base, _EVERYWHERE)
        slow.socket = await connect_to(house.base, sock=narrow_socket(house.base), max_queue=1)
        await slow.send("subscribe", **_EVERYWHERE)
        await until(lambda: house.town.hub.counters.connected == 2)
        for number in range(150):
            await write(house, f"api:{number % 20}", description=f"{number} " + "x" * 9_000)
            assert (await other.hear())["type"] == "put"
        assert house.town.hub.counters.lagging == 1
        await slow.hear_until("caught_up")
        while slow.held.features != served(house):
            await slow.hear()
        assert len(slow.held.offsets) < 150
        assert house.town.hub.counters.aborted == 0
        await slow.cut()


async def test_stuck_client_is_cut(open_house: OpenHouse) -> None:
    """A client that takes nothing for too long is cut at the transport, and may resume."""
    async with open_house(stream=Stream(high_water_bytes=20_000, stuck_s=0.4)) as house:
        stuck = await connect_to(house.base, sock=narrow_socket(house.base), max_queue=1)
        await stuck.send(json.dumps({"type": "subscribe", **_EVERYWHERE}))
        for number in range(100):
            await write(house, f"api:{number}", description="x" * 9_000)
        await until(lambda: house.town.hub.counters.aborted == 1)
        await until(lambda: house.town.hub.counters.connected == 0)
        assert house.town.hub.counters.lagging == 0
        assert await _closed_with(stuck) == ([], Code.LOST.number)


async def test_heartbeat(open_house: OpenHouse) -> None:
    """A quiet client is told where the log stands, and stays as long as it answers pings."""
    async with open_house(stream=Stream(heartbeat_s=0.4, pong_s=0.4)) as house:
        socket = await connect_to(house.base)
        await socket.send(json.dumps({"type": "subscribe", **_STATION}))
        await write(house, "api:1", FAR)
        heard = [json.loads(await socket.recv()) for _ in range(7)]
        beats = [message["cursor"] for message in heard if message["type"] == "heartbeat"]
        assert len(beats) == 4
        assert beats[-1] == str(house.town.state.cursor)
        await socket.close()


async def test_dead_client_is_cut(open_house: OpenHouse) -> None:
    """A client that answers no ping is cut."""
    async with open_house(stream=Stream(heartbeat_s=0.4, pong_s=0.4)) as house:
        socket = await connect_to(house.base)
        # As when the network is gone: nothing is read any more, so no ping is answered.
        await socket.send('{"type":"ping"}')
        await socket.recv()
        socket.transport.pause_reading()
        await until(lambda: house.town.hub.counters.aborted == 1)
        socket.transport.abort()


async def _closed_with(socket: ClientConnection) -> tuple[list[int], int]:
    """Read to the end; return the codes of errors and of the close."""
    errors = []
    async with asyncio.timeout(WAIT_S):
        try:
            while True:
                message = json.loads(await socket.recv())
                errors += [message["code"]] if message["type"] == "error" else []
        except ConnectionClosed as closed:
            return errors, closed.rcvd.code if closed.rcvd else Code.LOST.number


@pytest.mark.parametrize(
    ("frames", "errors", "code"),
    [
        ([b"\x00"], [1003], Code.BINARY),
        ([" " * 33 * 1024], [1009], Code.FRAME_TOO_LARGE),
        ([" " * 200 * 1024], [], Code.FRAME_TOO_LARGE),
        (["?"] * 100, [100] * 100, Code.TOO_MANY_ERRORS),
    ],
)
async def test_close_codes(house: House, frames: list[bytes | str], errors: list[int], code: Code) -> None:
    """What may not be sent at all closes the connection with the code of the table."""
    socket = await connect_to(house.base)
    for frame in frames:
        await socket.send(frame)
    assert await _closed_with(socket) == (errors, code.number)


async def test_text_that_is_none(house: House) -> None:
    """A text frame that is not UTF-8 closes the connection."""
    socket = await connect_to(house.base)
    await socket.send(b"\xff", text=True)
    assert await _closed_with(socket) == ([], Code.NOT_TEXT.number)


async def test_silent_client_is_shown_out(open_house: OpenHouse) -> None:
    """Who says nothing is shown out."""
    async with open_house(stream=Stream(first_message_s=0.2)) as house:
        socket = await connect_to(house.base)
        assert await _closed_with(socket) == ([], Code.SILENT.number)


async def test_drain(open_house: OpenHouse) -> None:
    """When the server stops each client gets a notice, then the close that says to come back."""
    async with open_house() as house:
        socket = await connect_to(house.base)
        await socket.send(json.dumps({"type": "subscribe", **_EVERYWHERE}))
        for type_ in ("hello", "snapshot", "caught_up"):
            assert json.loads(await socket.recv())["type"] == type_
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(house.town.hub.drain(5))
            assert json.loads(await socket.recv())["type"] == "notice"
            assert await _closed_with(socket) == ([], Code.GOING_AWAY.number)
            await draining
        assert house.town.hub.counters.connected == 0
        with pytest.raises(InvalidStatus) as refused:
            await connect_to(house.base)
        assert refused.value.response.status_code == 503


async def test_too_many_connections(open_house: OpenHouse) -> None:
    """One address, and all together, may hold so many connections; who leaves makes room."""
    async with open_house(stream=Stream(connections=3, connections_per_address=2)) as house:
        first, second = await connect_to(house.base), await connect_to(house.base)
        with pytest.raises(InvalidStatus) as refused:
            await connect_to(house.base)
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"]
        await first.close()
        await until(lambda: house.town.hub.counters.connected == 1)
        third = await connect_to(house.base)
        for socket in (second, third):
            await socket.close()


async def test_pages_of_other_sites(open_house: OpenHouse) -> None:
    """Pages of other sites may listen when the settings allow it; our own always may."""
    server = Server(port=0, cors_origins=("https://friend.example",), public_url="https://works.example/travaux")
    async with open_house(server=server) as house:
        for origin in ("https://friend.example", "https://works.example", str(house.base.origin())):
            await (await connect_as_page(house.base, origin)).close()
        with pytest.raises(InvalidStatus) as refused:
            await connect_as_page(house.base, "https://stranger.example")
        assert refused.value.response.status_code == 403


async def test_handshake(house: House) -> None:
    """The sub-protocol is agreed on; another one, or no WebSocket at all, is refused with a mend."""
    socket = await connect_to(house.base)
    assert socket.subprotocol == "geoworks.v1"
    await socket.close()
    await (await connect_to(house.base, subprotocols=None)).close()
    with pytest.raises(InvalidStatus) as refused:
        await connect_to(house.base, subprotocols=["geoworks.v9"])
    assert refused.value.response.status_code == 400
    answer = await house.ask("GET", "/v1/stream")
    assert answer.status == 400
    assert "WebSocket" in answer.json()["detail"]


@pytest.fixture
async def base_path_house(open_house: OpenHouse) -> AsyncIterator[House]:
    """A house behind a path of a proxy."""
    async with open_house(server=Server(port=0, base_path="/travaux")) as house:
        yield house


async def test_only_the_conversation_lasts(house: House) -> None:
    """Of the layers around the door none waits for the end of a stream."""
    async with driving(house.base, _EVERYWHERE):
        waiting = {name for task in asyncio.all_tasks() for name in _awaited(task)}
    assert "_converse" in waiting
    assert not waiting & {"number", "measure", "problems", "authenticate"}


def _awaited(task: asyncio.Task[object]) -> Iterator[str]:
    """Yield the names of the functions that a task is in, the outermost first."""
    inner: object = task.get_coro()
    while isinstance(inner, CoroutineType):
        yield inner.cr_code.co_name
        inner = inner.cr_await


async def test_stream_under_a_base_path(base_path_house: House) -> None:
    """The stream is there with and without the prefix that a proxy may strip."""
    base = base_path_house.base
    for path in ("v1/stream", "/v1/stream"):
        answer = await base_path_house.ask("GET", str(base.join(base.__class__(path)).path))
        assert answer.json()["code"] == "invalid"


async def test_ping_frames_are_answered(house: House) -> None:
    """A ping of the client's library is answered."""
    socket = await connect_to(house.base)
    async with asyncio.timeout(WAIT_S):
        await (await socket.ping())
    await socket.close()
