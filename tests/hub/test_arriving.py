"""What drivers are told by when they get there, and what the clock brings."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import shapely

from geoworks.config.settings import Stream
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Status
from tests.hub.client import Message, Work
from tests.hub.driver import HOUR, ROUTE, Driver, changes, on, planned
from tests.hub.town import NOON, Look, Town


@pytest.fixture
async def town() -> Town:
    """A town where nothing happens yet."""
    return Town()


def _leaving(hours: float = 0.0) -> Message:
    depart = (NOON + hours * HOUR).isoformat()
    return {"route": {**ROUTE["route"], "depart": depart, "speed_kmh": 30}}


async def test_in_force_when_reached(town: Town, driver: Driver) -> None:
    """With a departure a works counts only if it is in force while the driver gets there."""
    night = Window(days=tuple(Day), start="21:00", end="06:00")
    town.publish_works("on", on(2.31, schedule=Schedule(start=NOON - HOUR, end=NOON + HOUR)))
    town.publish_works("tomorrow", planned(2.312, 24 * HOUR))
    town.publish_works("tonight", on(2.314, status=Status.PAUSED, schedule=Schedule(start=NOON, windows=(night,))))
    town.publish_works("over by then", on(2.339, schedule=Schedule(start=NOON - HOUR, end=NOON + HOUR / 60)))
    driver.ask(_leaving())
    assert driver.sees == ["on"]
    driver.ask(_leaving(hours=10))
    assert driver.sees == ["tonight"]
    driver.ask(_leaving(hours=25))
    assert driver.sees == ["tomorrow"]
    driver.ask(ROUTE)
    assert len(driver.sees) == 4


async def test_arrival_is_reckoned_from_where_the_driver_is(town: Town, driver: Driver) -> None:
    """Who is further along than planned, or later, is told what is in force when they get there now."""
    town.publish_works("soon", planned(2.339, HOUR))
    driver.ask(_leaving())
    assert driver.sees == []
    town.clock.advance(HOUR)
    await town.hub.follow_clock()
    driver.drive_to(2.335)
    assert driver.sees == ["soon"]


async def test_horizon(town: Town, driver: Driver) -> None:
    """What begins beyond the horizon is told when the clock brings it into sight, without a place in the log."""
    town.publish_works("now", on(2.31))
    town.publish_works("later", planned(2.31, 20 * HOUR))
    driver.ask({"everywhere": True}, horizon="PT12H")
    assert driver.sees == ["now"]
    town.publish_works("even later", planned(2.31, 21 * HOUR))
    assert driver.hear() == []
    town.clock.advance(8 * HOUR - timedelta(seconds=1))
    await town.hub.follow_clock()
    assert driver.hear() == []
    town.clock.advance(timedelta(seconds=1))
    await town.hub.follow_clock()
    assert changes(driver.hear()) == [("put", None, "later")]
    await town.hub.follow_clock()
    assert driver.hear() == []
    town.clock.advance(HOUR)
    await town.hub.follow_clock()
    assert changes(driver.hear()) == [("put", None, "even later")]
    assert driver.held.cursor == "epoch1.2"


async def test_what_the_clock_brings_waits_for_slow_clients(tasks: Work) -> None:
    """Who does not read while the clock brings something is told when they read again."""
    town = Town(settings=Stream(high_water_bytes=500))
    town.publish_works("later", planned(2.31, 20 * HOUR))
    driver = Driver(town, tasks)
    driver.ask({"everywhere": True}, horizon="PT12H")
    for number in range(20):
        town.publish_works(f"{number}", on(2.31))
    town.hub.flush()
    assert driver.session.waiting
    town.clock.advance(9 * HOUR)
    await town.hub.follow_clock()
    while driver.session.waiting or driver.outlet.buffer:
        driver.hear()
        await asyncio.sleep(0)
    assert len(driver.sees) == 21
    assert "later" in driver.sees


def _notices(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one["type"] == "notice"]


async def test_works_that_begin_soon_on_a_route(town: Town, driver: Driver) -> None:
    """Who has asked about a route is told once of each works on it a quarter of an hour before it begins."""
    town.publish_works("on", planned(2.31, HOUR))
    town.publish_works(
        "off", Look(status=Status.PLANNED, place=shapely.Point(2.31, 48.7), schedule=Schedule(NOON + HOUR))
    )
    assert _notices(driver.ask(ROUTE)) == []
    town.clock.advance(timedelta(minutes=45))
    await town.hub.follow_clock()
    (notice,) = driver.hear()
    assert notice == {
        "type": "notice",
        "code": "begins-soon",
        "message": "a works on this route begins soon",
        "id": "me",
        "kind": "works",
        "feature": "on",
        "begins": "2026-11-24T13:00:00Z",
    }
    town.clock.advance(timedelta(minutes=5))
    await town.hub.follow_clock()
    assert driver.hear() == []


async def test_works_that_begin_soon_when_asked_or_posted(town: Town, driver: Driver) -> None:
    """What begins soon already when the route is asked about, or the works is posted, is told at once."""
    town.publish_works("known", planned(2.31, timedelta(minutes=5)))
    assert [one["feature"] for one in _notices(driver.ask(ROUTE))] == ["known"]
    town.publish_works("posted", planned(2.32, timedelta(minutes=10)))
    assert [one["type"] for one in driver.hear()] == ["put", "notice"]
    town.publish_works("posted", planned(2.32, timedelta(minutes=10), title="Autre titre"))
    assert [one["type"] for one in driver.hear()] == ["put"]


async def test_works_that_begin_soon_by_the_lead_of_the_town(tasks: Work) -> None:
    """A town that wants its drivers told two hours before is heeded to the second."""
    town = Town(settings=Stream(notice_lead_s=7200.0))
    driver = Driver(town, tasks)
    town.publish_works("on", planned(2.31, 3 * HOUR))
    driver.ask(ROUTE)
    town.clock.advance(HOUR - timedelta(seconds=1))
    await town.hub.follow_clock()
    assert driver.hear() == []
    town.clock.advance(timedelta(seconds=1))
    await town.hub.follow_clock()
    assert [(one["feature"], one["begins"]) for one in _notices(driver.hear())] == [("on", "2026-11-24T15:00:00Z")]
