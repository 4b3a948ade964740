"""The client at a real town: what a program reads, and what it holds then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import shapely

from geoworks.client import (
    Live,
    Put,
    Refused,
    Remove,
    Snapshot,
    Subscription,
    around_me,
    circle,
    connect,
    everywhere,
    route,
    stored,
    vehicle,
    within,
    zones,
)
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works
from geoworks.pipeline import works
from tests.client.reading import listening, next_of, read_until_held
from tests.client.wire import wired
from tests.web.house import NOW, House
from tests.web.writing import FAR, served, served_near, write

_STATION = Subscription(id="station", area=circle(2.3057, 48.6357, radius_m=200))
_ALL = Subscription(id="all", area=everywhere())
_NEAR, _AWAY = (2.3057, 48.6357), (2.35, 48.66)


async def test_async_for_over_changes(house: House) -> None:
    """A snapshot comes first, then each change with what was held before."""
    await write(house, "api:1")
    told = []
    async with asyncio.timeout(20), connect(str(house.base), [_STATION]) as stream:
        async for change in stream:
            told.append(change)
            match change:
                case Live():
                    await write(house, "api:1", description="new")
                case Put():
                    await write(house, "api:1", FAR)
                case Remove():
                    break
        assert dict(stream.features) == served_near(house)
    first, live, put, remove = told
    assert isinstance(first, Snapshot)
    assert isinstance(live, Live)
    assert isinstance(put, Put)
    assert isinstance(remove, Remove)
    assert (live.id, put.key, remove.reason) == ("station", ("works", "api:1"), "moved-out")
    assert put.before == first.features[0]
    assert remove.before == put.feature


async def test_questions_come_and_go(house: House) -> None:
    """A question that is asked later is answered; what only one that went had found is removed."""
    await write(house, "api:1")
    await write(house, "api:far", FAR)
    async with listening(house.base, _STATION) as stream:
        await stream.subscribe(_ALL)
        await next_of(stream, Live)
        assert dict(stream.features) == served(house)
        await stream.unsubscribe("all")
        assert (await next_of(stream, Remove)).key == ("works", "api:far")
        assert stream.subscriptions == (_STATION,)


async def test_refused_question(house: House) -> None:
    """A question that is refused is told, and forgotten; the others go on."""
    async with listening(house.base, _STATION) as stream:
        await stream.subscribe(Subscription(id="way", area=stored("nothing")))
        with pytest.raises(Refused) as refused:
            await next_of(stream, Live)
        assert (refused.value.number, refused.value.id) == (110, "way")
        assert stream.subscriptions == (_STATION,)
        await write(house, "api:1")
        await read_until_held(stream, "api:1")


async def test_position(house: House) -> None:
    """What is around a driver comes and goes as they move, and is there again after a cut without telling it again."""
    await write(house, "api:1")
    await write(house, "api:away", shapely.Point(_AWAY))
    me = Subscription(id="me", area=around_me(radius_m=200))
    async with wired(house.base) as (wire, url), listening(url, me) as stream:
        assert not stream.features
        await stream.position("me", *_NEAR, speed_kmh=30, heading=90)
        assert (await next_of(stream, Put)).key == ("works", "api:1")
        wire.cut()
        await write(house, "api:2")
        await read_until_held(stream, "api:2")
        assert set(stream.features) == {("works", "api:1"), ("works", "api:2")}
        await stream.position("me", *_AWAY)
        assert (await next_of(stream, Put)).key == ("works", "api:away")
        # What was passed between two places goes with the place after them.
        await stream.position("me", *_AWAY)
        assert {(await next_of(stream, Remove)).key.id for _ in range(2)} == {"api:1", "api:2"}


async def test_vehicle_and_horizon(house: House) -> None:
    """A vehicle and a horizon are asked about by plain values."""
    soon = Works(title="soon", geometry=shapely.Point(_NEAR), schedule=Schedule(start=NOW + timedelta(hours=3)))
    await house.town.desk.submit(works.replace("api:soon", soon, actor="test"))
    asked = Subscription(
        id="way", area=everywhere(), vehicle=vehicle("hgv", height_m=3.9, weight_t=19), kinds=("works",)
    )
    near = Subscription(id="way", area=everywhere(), horizon=within(timedelta(hours=2)))
    far = Subscription(id="way", area=everywhere(), horizon=within(timedelta(hours=4)))
    for subscription, found in ((asked, {"api:soon"}), (near, set()), (far, {"api:soon"})):
        async with listening(house.base, subscription) as stream:
            assert {id_ for _, id_ in stream.features} == found


async def test_route(house: House) -> None:
    """A route with a departure is told what is in force when the driver gets there."""
    line = [(2.3000, 48.6300), (2.3057, 48.6357), (2.3200, 48.6500)]
    given = Works(
        title="now", geometry=shapely.LineString(line[:2]), schedule=Schedule(start=NOW, end=NOW + timedelta(hours=1))
    )
    await house.town.desk.submit(works.replace("api:now", given, actor="test"))
    for depart, found in ((NOW, {"api:now"}), (NOW + timedelta(hours=5), set())):
        asked = Subscription(id="way", area=route(line, corridor_m=30, depart=depart, speed_kmh=30))
        async with listening(house.base, asked) as stream:
            assert {id_ for _, id_ in stream.features} == found


def test_departure_without_time_zone() -> None:
    """A departure that could be anywhen is not taken."""
    with pytest.raises(ValueError, match="has no time zone"):
        route([(2.30, 48.63), (2.31, 48.64)], depart=NOW.replace(tzinfo=None))


async def test_reading_may_be_cancelled(house: House) -> None:
    """Reading that is given up again and again misses nothing."""
    async with listening(house.base, _ALL) as stream:
        seen = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write_many(house, 60))
            while ("works", "api:59") not in stream.features:
                try:
                    async with asyncio.timeout(0.003):
                        seen.append(await anext(stream))
                except TimeoutError:
                    continue
        assert [change.key.id for change in seen if isinstance(change, Put)] == [
            f"api:{number}" for number in range(60)
        ]
        assert dict(stream.features) == served(house)


async def write_many(house: House, count: int) -> None:
    """Write works, one after the other."""
    for number in range(count):
        await write(house, f"api:{number}")


async def test_slow_reader(house: House) -> None:
    """A program that does not read while a lot happens ends with exactly what the town has."""
    async with listening(house.base, _ALL) as stream:
        text = "x" * 4000
        for round_ in range(8):
            async with asyncio.TaskGroup() as tasks:
                for number in range(100):
                    tasks.create_task(write(house, f"api:{number}", description=f"{round_} {text}"))
        await write(house, "api:last")
        await read_until_held(stream, "api:last")
        assert dict(stream.features) == served(house)


async def test_question_of_nothing(house: House) -> None:
    """Zones that are not there are an answer too: nothing."""
    async with listening(house.base, Subscription(id="z", area=zones("nowhere"))) as stream:
        assert not stream.features
