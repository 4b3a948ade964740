"""The client on a wire that is cut at any byte, while the town changes."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from geoworks.client import (
    Change,
    Live,
    Lost,
    Put,
    Resync,
    Snapshot,
    Stream,
    Subscription,
    bbox,
    circle,
    connect,
    everywhere,
)
from tests.client.reading import listening, next_of, read_until_held
from tests.client.wire import wired
from tests.web.house import House
from tests.web.writing import flow, served, served_near, write

_STATION = Subscription(id="station", area=circle(2.3057, 48.6357, radius_m=200))
_ALL = Subscription(id="all", area=everywhere())
_BOX = Subscription(id="box", area=bbox(2.30, 48.63, east=2.31, north=48.64))


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back soon: how long clients wait is tested by the cases of the protocol and below."""
    monkeypatch.setattr("geoworks.client.patience._LONGEST_S", 0.02)


async def test_resumes_where_it_was(house: House) -> None:
    """After a cut what changed meanwhile is told, and nothing else: no snapshot."""
    await write(house, "api:1")
    await write(house, "api:2")
    async with wired(house.base) as (wire, url), listening(url, _ALL) as stream:
        wire.cut()
        await write(house, "api:2", description="new")
        told: list[Change] = []
        async with asyncio.timeout(20):
            while not told or not isinstance(told[-1], Live):
                told.append(await anext(stream))
        assert [type(change) for change in told] == [Lost, Put, Live]
        assert dict(stream.features) == served(house)
        assert (house.town.hub.counters.resumed, house.town.hub.counters.resynced) == (1, 0)


@pytest.mark.parametrize("seed", range(6))
async def test_cut_at_any_byte(house: House, seed: int) -> None:
    """Cut at random bytes while works come, change and go: in the end the client holds exactly what the town has."""
    chance = random.Random(seed)
    questions = [[_STATION], [_ALL], [_STATION, _BOX]][seed % 3]
    expected = served if _ALL in questions else served_near
    async with wired(house.base) as (wire, url), listening(url, *questions) as stream:
        wire.allowance = lambda: chance.choice([0, 40, 150, 400, 1_000, 5_000, 20_000, 60_000])
        wire.cut()
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(flow(house, chance))
            await _read_over_cuts(stream, 40)
            writing.cancel()
        wire.allowance = lambda: None
        wire.cut()
        await write(house, "api:last")
        await read_until_held(stream, "api:last")
        assert dict(stream.features) == expected(house)
        assert wire.connections > 40
        assert house.town.hub.counters.resumed > 0


async def _read_over_cuts(stream: Stream, count: int) -> None:
    """Read until the connection was lost so often; the place in the log never goes back without a word."""
    reached, cuts = 0, 0
    async with asyncio.timeout(60):
        while cuts < count:
            change = await anext(stream)
            match change:
                case Lost():
                    cuts += 1
                case Resync() | Snapshot():
                    reached = 0
                case Put(cursor=str(cursor)):
                    offset = int(cursor.partition(".")[2])
                    assert offset >= reached
                    reached = offset


async def test_questions_over_cuts(house: House) -> None:
    """Questions that are asked and dropped while the wire is cut are the ones that are answered in the end."""
    chance = random.Random(11)
    await write(house, "api:1")
    async with wired(house.base) as (wire, url), connect(str(url), [_STATION]) as stream:
        wire.allowance = lambda: chance.choice([0, 200, 900, 3_000])
        wire.cut()
        async with asyncio.timeout(60):
            for _ in range(40):
                await stream.subscribe(chance.choice([_STATION, _BOX, _ALL]))
                await stream.unsubscribe(chance.choice(["station", "box", "all"]))
                with suppress(TimeoutError):
                    async with asyncio.timeout(chance.random() / 20):
                        while True:
                            await anext(stream)
        wire.allowance = lambda: None
        wire.cut()
        for one in stream.subscriptions:
            await stream.unsubscribe(one.id)
        await stream.subscribe(_ALL)
        await write(house, "api:last")
        await read_until_held(stream, "api:last")
        assert dict(stream.features) == served(house)


async def test_leaves_while_it_waits(house: House) -> None:
    """A program that leaves while the connection is lost leaves at once, and nothing of it stays."""
    async with wired(house.base) as (wire, url), listening(url, _ALL) as stream:
        wire.allowance = lambda: 0
        wire.cut()
        await next_of(stream, Lost)
    assert stream.subscriptions == (_ALL,)
