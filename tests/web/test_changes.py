"""Long poll on real sockets: what changed since a cursor."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from geoworks.config.settings import Stream
from geoworks.pipeline import works
from tests.web.conftest import OpenHouse
from tests.web.driver import narrow_socket
from tests.web.events import Poller, listening
from tests.web.house import House
from tests.web.writing import FAR, flow, served, served_near, until, write

_STATION = "2.3057,48.6357,200"


async def test_from_a_write_to_the_client(house: House) -> None:
    """The first answer is all there is; each later one what changed since, or nothing."""
    await write(house, "api:1")
    poller = Poller(house.client, house.base, circle=_STATION)
    answer = await poller.poll()
    assert (answer["changes"], [feature["id"] for feature in answer["features"]]) == ([], ["api:1"])
    assert answer["next"] == f"{answer['cursor']};{answer['filters']}"
    await write(house, "api:2")
    await write(house, "api:1", FAR)
    answer = await poller.poll()
    assert [(message["type"], message["cursor"]) for message in answer["changes"]] == [
        ("put", f"{house.town.state.cursor.epoch}.2"),
        ("remove", answer["cursor"]),
    ]
    assert "features" not in answer
    assert (await poller.poll())["changes"] == []


async def test_waits_for_a_change(house: House) -> None:
    """With nothing to tell the answer waits, for what concerns the question and nothing else."""
    poller = Poller(house.client, house.base, circle=_STATION)
    assert (await poller.poll())["features"] == []
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(poller.poll(wait=30))
        await until(lambda: house.town.hub.questions)
        await write(house, "api:far", FAR)
        assert not waiting.done()
        await write(house, "api:near")
        answer = await waiting
    assert [message["feature"]["id"] for message in answer["changes"]] == ["api:near"]
    await house.town.desk.submit(works.cancel("api:near", actor="test"))
    assert [message["reason"] for message in (await poller.poll())["changes"]] == ["cancelled"]


async def test_nothing_in_time(house: House) -> None:
    """When nothing comes in time the answer is empty, and its cursor the head, so that quiet clients do not age out."""
    poller = Poller(house.client, house.base, circle=_STATION)
    await poller.poll()
    await write(house, "api:far", FAR)
    answer = await poller.poll(wait=0.2)
    assert (answer["changes"], answer["cursor"]) == ([], str(house.town.state.cursor))
    assert house.town.hub.counters.connected == 0


async def test_polled_with_200_cuts(house: House) -> None:
    """A client that polls while changes flow, and loses answers at random, ends with exactly the server's state."""
    chance = random.Random(5)
    poller = Poller(house.client, house.base, circle=_STATION)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(flow(house, chance))
        for _ in range(200):
            if chance.random() < 0.5:
                await poller.poll(wait=chance.choice((0, 5)))
            else:
                # The answer may be lost before, while or after it is made.
                with suppress(TimeoutError):
                    await poller.lose(within_s=chance.random() * 0.02)
        writing.cancel()
    # Whatever was on its way is written before this.
    await write(house, "api:last")
    await poller.poll()
    assert poller.held.features == served_near(house)
    assert len(poller.held.offsets) == len(set(poller.held.offsets)) > 100


async def test_same_place_on_every_door(house: House) -> None:
    """What a long poll gave to go on with is understood by the events, and the other way round."""
    await write(house, "api:1")
    poller = Poller(house.client, house.base, circle=_STATION)
    await poller.poll()
    async with listening(house.client, house.base, circle=_STATION, last_event_id=poller.next) as listener:
        assert [message["type"] for message in listener.held.seen][-1] == "caught_up"
        assert not [message for message in listener.held.seen if message["type"] == "snapshot"]
        await write(house, "api:2")
        await listener.hear()
        poller.next = listener.last_id
        assert (await poller.poll())["changes"] == []


async def test_bare_cursor(house: House) -> None:
    """The cursor of a collection is gone on from by a client that asks for the same."""
    await write(house, "api:1")
    poller = Poller(house.client, house.base, everywhere="true")
    poller.next = (await house.ask("GET", "/v1/works")).headers["Geoworks-Cursor"]
    await write(house, "api:2")
    answer = await poller.poll()
    assert [message["feature"]["id"] for message in answer["changes"]] == ["api:2"]


@pytest.mark.parametrize(
    ("since", "reason"), [("another.1;0", "epoch"), ("{epoch}.99;0", "future"), ("{epoch}.1;0", "filters")]
)
async def test_beginning_anew(house: House, since: str, reason: str) -> None:
    """From another log, the future or with another question the answer is all there is, and says why."""
    await write(house, "api:1")
    poller = Poller(house.client, house.base, circle=_STATION)
    poller.next = since.format(epoch=house.town.state.cursor.epoch)
    answer = await poller.poll(wait=30)
    assert (answer["resync"], answer["changes"]) == (reason, [])
    assert poller.held.features == served(house)
    assert (await poller.poll())["changes"] == []


async def test_long_answers(open_house: OpenHouse) -> None:
    """All there is comes in one answer however much it is; of many changes each answer has a part, in order."""
    async with open_house(stream=Stream(high_water_bytes=20_000)) as house:
        poller = Poller(house.client, house.base, everywhere="true")
        await poller.poll()
        late = Poller(house.client, house.base, everywhere="true")
        for number in range(150):
            await write(house, f"api:{number}", description="x" * 9_000)
        answers = [(await poller.poll())["changes"] for _ in range(3)]
        assert [len(changes) > 50 for changes in answers] == [True, False, False]
        assert sum(map(len, answers)) == 150
        assert len((await late.poll())["features"]) == 150
        assert poller.held.features == late.held.features == served(house)


async def test_packed_when_taken_so(open_house: OpenHouse) -> None:
    """A long answer goes out packed to those who can unpack it."""
    async with open_house() as house:
        for number in range(40):
            await write(house, f"api:{number}", description="x" * 9_000)
        answer = await house.ask("GET", "/v1/changes?everywhere=true", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers.get("Content-Length", "0")) == 0
        assert len(answer.json()["features"]) == 40


async def _hang(house: House) -> asyncio.StreamWriter:
    """Ask for everything, and read nothing."""
    _, writer = await asyncio.open_connection(sock=narrow_socket(house.base), limit=4096)
    writer.write(f"GET /v1/changes?everywhere=true HTTP/1.1\r\nHost: {house.base.authority}\r\n\r\n".encode())
    return writer


async def test_stuck_reader_is_cut(open_house: OpenHouse) -> None:
    """Who asks for much and reads nothing costs bounded memory, and is cut."""
    async with open_house(stream=Stream(high_water_bytes=20_000, stuck_s=0.4)) as house:
        for number in range(900):
            await write(house, f"api:{number}", description="x" * 9_000)
        writer = await _hang(house)
        await until(lambda: house.town.hub.counters.connected == 1)
        await until(lambda: house.town.hub.counters.connected == 0)
        await until(lambda: house.town.hub.counters.lagging == 0)
        writer.transport.abort()


async def test_client_that_leaves(house: House) -> None:
    """Who stops to wait is noticed, and leaves nothing behind."""
    poller = Poller(house.client, house.base, everywhere="true")
    await poller.poll()
    with suppress(TimeoutError):
        await poller.lose(within_s=0.2, wait=30)
    await until(lambda: house.town.hub.counters.connected == 0)
    assert house.town.hub.questions == 0


async def test_stopping_server(open_house: OpenHouse) -> None:
    """A server that stops lets go of those who wait with where they are; whoever comes then is told to come back."""
    async with open_house() as house:
        poller = Poller(house.client, house.base, everywhere="true")
        await poller.poll()
        before = poller.next
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(poller.poll(wait=30))
            await until(lambda: house.town.hub.questions)
            await house.town.hub.drain(5)
            assert (await waiting)["changes"] == []
        assert poller.next == before
        answer = await house.ask("GET", "/v1/changes?everywhere=true")
        assert (answer.status, answer.json()["code"]) == (503, "stopping")


async def test_stopping_server_spreads_those_who_come_back(house: House) -> None:
    """Who is refused because the server stops is told to come back in so many seconds, not all in the same moment."""
    await house.town.hub.drain(5)
    answers = [await house.ask("GET", "/v1/changes?everywhere=true") for _ in range(40)]
    waits_s = {int(answer.headers["Retry-After"]) for answer in answers}
    assert waits_s <= {1, 2, 3, 4, 5}
    assert len(waits_s) > 1


async def test_head(house: House) -> None:
    """A HEAD request waits for nothing."""
    answer = await house.ask("HEAD", "/v1/changes?everywhere=true")
    assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, b"", "no-store")


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "long"])
async def test_bad_waits(house: House, wait: str) -> None:
    """A time nobody waits is refused with the bounds."""
    answer = await house.ask("GET", "/v1/changes", params={"everywhere": "true", "wait": wait})
    assert (answer.status, answer.json()["code"]) == (400, "invalid")
    assert "wait" in answer.json()["detail"]
