"""What drivers are told: by where they are, when they get there, what they drive, and what the clock brings."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import shapely

from geoworks.config.settings import Stream
from geoworks.hub.areas import Shape
from geoworks.hub.codes import Code
from geoworks.hub.session import Session
from geoworks.model.impact import (
    Impact,
    Passage,
    Restriction,
    RestrictionType,
    Unit,
    VehicleImpact,
    WayState,
)
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Direction, Status
from tests.hub.client import Held, MemoryOutlet, Message, Work
from tests.hub.town import NOON, Look, Town, report_record, zone_record

# A straight street to the east: a thousandth of a degree is 73.7 m here.
_LAT = 48.6357
_STREET = [[2.30, _LAT], [2.31, _LAT], [2.32, _LAT], [2.34, _LAT]]
_ROUTE = {"route": {"line": {"type": "LineString", "coordinates": _STREET}}}
_HOUR = timedelta(hours=1)
_CLOSED = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)


def _on(lon: float, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    """Make a works of some 20 m on the street."""
    return Look(place=shapely.LineString([(lon, _LAT), (lon + 0.0003, _LAT)]), **look)


def _planned(lon: float, begins_in: timedelta, **look: Any) -> Look:  # noqa: ANN401 - the fields of a look
    return _on(lon, status=Status.PLANNED, schedule=Schedule(start=NOON + begins_in), **look)


class Driver:
    """A client that says where it is."""

    def __init__(self, town: Town, tasks: Work) -> None:
        """Connect."""
        self.town = town
        self.held = Held()
        self.outlet = MemoryOutlet(tasks)
        self.session: Session = town.hub.connect(self.outlet)

    def send(self, type_: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Send a message."""
        self.session.receive(msgspec.json.encode({"type": type_, **fields}).decode())

    def ask(self, area: Message, **fields: Any) -> list[Message]:  # noqa: ANN401 - any JSON
        """Ask a question and return the answer."""
        self.send("subscribe", id="me", area=area, **fields)
        return self.hear()

    def drive_to(self, lon: float, lat: float = _LAT, **motion: float) -> list[Message]:
        """Tell a position and return the answer."""
        self.send("position", id="me", at=[lon, lat], **motion)
        return self.hear()

    def hear(self) -> list[Message]:
        """Take what has come."""
        self.town.hub.flush()
        heard = self.outlet.take()
        for message in heard:
            if message["type"] != "error":
                self.held.hear(message)
        return heard

    @property
    def sees(self) -> list[str]:
        """Return the ids of the features held."""
        return sorted(id_ for _, id_ in self.held.features)


@pytest.fixture
async def town() -> Town:
    """A town where nothing happens yet."""
    return Town()


@pytest.fixture
async def driver(town: Town, tasks: Work) -> Driver:
    """A driver who has just connected."""
    driver = Driver(town, tasks)
    driver.hear()
    return driver


def _changes(messages: list[Message]) -> list[tuple[str, str | None, str]]:
    """Return type, cursor and id of changes."""
    return [(one["type"], one["cursor"], one.get("id") or one["feature"]["id"]) for one in messages]


@pytest.mark.parametrize("heading", [0, 90, 270])
async def test_around_me_whichever_way(town: Town, driver: Driver, heading: float) -> None:
    """Works of either direction are around a driver on whatever heading: the next bend may lead to them."""
    for direction in Direction:
        town.publish_works(direction, _on(2.301, direction=direction))
    driver.ask({"around_me": {"radius_m": 300}})
    driver.drive_to(2.30, speed_kmh=50, heading=heading)
    assert driver.sees == sorted(Direction)
    assert driver.drive_to(2.3005, speed_kmh=50, heading=180) == []


async def test_around_me(town: Town, driver: Driver) -> None:
    """Nothing is around who has not said where they are; then what is near comes, goes, and changes live."""
    town.publish_works("near", _on(2.301))
    town.publish_works("far", _on(2.33))
    driver.ask({"around_me": {"radius_m": 300}})
    assert driver.sees == []
    assert _changes(driver.drive_to(2.30)) == [("put", None, "near")]
    assert driver.drive_to(2.3005) == []
    assert driver.drive_to(2.318) == []
    assert _changes(driver.drive_to(2.319)) == [("remove", None, "near")]
    assert _changes(driver.drive_to(2.328)) == [("put", None, "far")]
    town.publish_works("appears", _on(2.3285))
    town.publish_works("elsewhere", _on(2.30))
    assert _changes(driver.hear()) == [("put", "epoch1.3", "appears")]
    town.publish_works("appears", _on(2.30))
    assert [(one["type"], one["reason"]) for one in driver.hear()] == [("remove", "moved-out")]
    assert driver.sees == ["far"]


async def test_what_is_passed_between_two_positions_is_told(town: Town, driver: Driver) -> None:
    """Who drives past a works between two positions is told of it once, and that it is behind with the next."""
    town.publish_works("between", _on(2.31))
    driver.ask({"around_me": {"radius_m": 100}})
    assert driver.drive_to(2.305) == []
    assert _changes(driver.drive_to(2.315)) == [("put", None, "between")]
    assert _changes(driver.drive_to(2.316)) == [("remove", None, "between")]


async def test_a_leap_passes_nothing(town: Town, driver: Driver) -> None:
    """Somebody who is suddenly 500 km away has not driven past what lies between."""
    town.publish_works("between", Look(place=shapely.Point(4.0, 47.0)))
    driver.ask({"around_me": {"radius_m": 50_000}})
    driver.drive_to(2.30)
    assert driver.drive_to(5.4, 43.3) == []


async def test_two_subscriptions_hold_a_feature_together(town: Town, driver: Driver) -> None:
    """Driving on removes nothing that another subscription asks for, and tells nothing that it has told."""
    town.publish_works("near", _on(2.301))
    driver.send("subscribe", id="all", area={"everywhere": True})
    driver.ask({"around_me": {"radius_m": 300}})
    assert driver.drive_to(2.30) == []
    assert driver.drive_to(2.33) == []
    assert driver.sees == ["near"]


@pytest.mark.parametrize(
    ("id_", "at", "code"),
    [
        ("unknown", [2.3, 48.6], Code.UNKNOWN_SUBSCRIPTION),
        ("home", [2.3, 48.6], Code.INVALID),
        ("me", [181.0, 48.6], Code.INVALID),
        ("me", [2.3, -91], Code.INVALID),
    ],
)
async def test_bad_positions(driver: Driver, id_: str, at: list[float], code: Code) -> None:
    """A position that cannot be taken is refused under its id, and the connection goes on."""
    driver.send("subscribe", id="home", area={"zones": ["gare"]})
    driver.ask({"around_me": {"radius_m": 300}})
    driver.send("position", id=id_, at=at)
    (error,) = driver.hear()
    assert (error["type"], error["code"], error["id"]) == ("error", code.number, id_)
    driver.send("ping")
    assert [one["type"] for one in driver.hear()] == ["pong"]


async def test_route(town: Town, driver: Driver) -> None:
    """A route is told of works on it, zones it crosses, reports beside it; and of nothing that only lies near."""
    town.publish_works("on", _on(2.315))
    crossing = shapely.LineString([(2.316, _LAT - 0.001), (2.316, _LAT + 0.001)])
    town.publish_works("crossing", Look(place=crossing))
    town.put(zone_record("crossed", shapely.box(2.31, 48.63, 2.32, 48.64)))
    town.put(zone_record("beside", shapely.box(2.31, 48.64, 2.32, 48.65)))
    town.put(report_record("hole", shapely.Point(2.32, _LAT + 0.0002)))
    town.put(report_record("distant", shapely.Point(2.32, _LAT + 0.002)))
    town.publish()
    driver.ask(_ROUTE)
    assert driver.sees == ["crossed", "hole", "on"]
    town.publish_works("new", _on(2.305))
    town.publish_works("on", Look(place=crossing))
    assert _changes(driver.hear()) == [("put", "epoch1.7", "new"), ("remove", "epoch1.8", "on")]


async def test_what_lies_behind_on_a_route_is_removed(town: Town, driver: Driver) -> None:
    """Positions tell how far along the driver is; who leaves the route is told all that lay ahead."""
    for number, lon in enumerate((2.302, 2.312, 2.335)):
        town.publish_works(f"{number}", _on(lon))
    driver.ask(_ROUTE)
    first = driver.drive_to(2.3005)
    assert [one["type"] for one in first] == ["caught_up"]
    assert _changes(driver.drive_to(2.308)) == [("remove", None, "0")]
    assert driver.drive_to(2.308, 48.66) == []
    assert driver.sees == ["1", "2"]
    assert _changes(driver.drive_to(2.3005)) == [("put", None, "0")]


async def test_opposite_direction_is_not_told(town: Town, driver: Driver) -> None:
    """Works that touch the other direction only are left out; those of ours, of both and of no known one are not."""
    for direction in Direction:
        town.publish_works(direction.value, _on(2.31, direction=direction))
    driver.ask(_ROUTE)
    assert driver.sees == ["both", "forward", "unknown"]


def _leaving(hours: float = 0.0) -> Message:
    depart = (NOON + hours * _HOUR).isoformat()
    return {"route": {**_ROUTE["route"], "depart": depart, "speed_kmh": 30}}


async def test_in_force_when_reached(town: Town, driver: Driver) -> None:
    """With a departure a works counts only if it is in force while the driver gets there."""
    night = Window(days=tuple(Day), start="21:00", end="06:00")
    town.publish_works("on", _on(2.31, schedule=Schedule(start=NOON - _HOUR, end=NOON + _HOUR)))
    town.publish_works("tomorrow", _planned(2.312, 24 * _HOUR))
    town.publish_works("tonight", _on(2.314, status=Status.PAUSED, schedule=Schedule(start=NOON, windows=(night,))))
    town.publish_works("over by then", _on(2.339, schedule=Schedule(start=NOON - _HOUR, end=NOON + _HOUR / 60)))
    driver.ask(_leaving())
    assert driver.sees == ["on"]
    driver.ask(_leaving(hours=10))
    assert driver.sees == ["tonight"]
    driver.ask(_leaving(hours=25))
    assert driver.sees == ["tomorrow"]
    driver.ask(_ROUTE)
    assert len(driver.sees) == 4


async def test_arrival_is_reckoned_from_where_the_driver_is(town: Town, driver: Driver) -> None:
    """Who is further along than planned, or later, is told what is in force when they get there now."""
    town.publish_works("soon", _planned(2.339, _HOUR))
    driver.ask(_leaving())
    assert driver.sees == []
    town.clock.advance(_HOUR)
    await town.hub.follow_clock()
    driver.drive_to(2.335)
    assert driver.sees == ["soon"]


_LOW_BRIDGE = Impact(
    vehicle_impact=VehicleImpact.ALL_LANES_OPEN,
    restrictions=(Restriction(RestrictionType.REDUCED_HEIGHT, 3.5, Unit.METRE),),
)
_FOOTWAY = Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, footway=WayState.CLOSED)


@pytest.mark.parametrize(
    ("vehicle", "sees"),
    [
        ({}, ["closed", "unknown"]),
        ({"class": "car"}, ["closed", "unknown"]),
        ({"class": "car", "height_m": 3.6}, ["bridge", "closed", "unknown"]),
        ({"class": "hgv"}, ["bridge", "closed", "unknown"]),
        ({"class": "hgv", "height_m": 3.4}, ["closed", "unknown"]),
        ({"class": "pedestrian"}, ["bridge", "closed", "footway", "unknown"]),
        ({"class": "emergency"}, ["closed", "unknown"]),
    ],
)
async def test_vehicle(town: Town, driver: Driver, vehicle: Message, sees: list[str]) -> None:
    """A works is told to those whom it hinders; what nobody knows is told to everybody."""
    for id_, impact in (("bridge", _LOW_BRIDGE), ("footway", _FOOTWAY), ("closed", _CLOSED), ("unknown", Impact())):
        town.publish_works(id_, Look(impact=impact))
    driver.ask({"everywhere": True}, vehicle=vehicle)
    assert driver.sees == sees


async def test_severity_is_that_for_the_vehicle(town: Town, driver: Driver) -> None:
    """With a vehicle the least severity counts for it, not for a car."""
    town.publish_works("bridge", Look(impact=_LOW_BRIDGE))
    town.publish_works("may pass", Look(impact=msgspec.structs.replace(_CLOSED, emergency_passage=Passage.YES)))
    driver.ask({"everywhere": True}, vehicle={"class": "emergency"}, min_severity="high")
    assert driver.sees == []
    driver.ask({"everywhere": True}, vehicle={"class": "hgv"}, min_severity="blocked")
    assert driver.sees == ["bridge", "may pass"]


async def test_change_that_hinders_the_vehicle_no_more_is_a_removal(town: Town, driver: Driver) -> None:
    """When a limit is lifted, those it stopped are told that the works matters no more."""
    town.publish_works("bridge", Look(impact=_LOW_BRIDGE))
    driver.ask({"everywhere": True}, vehicle={"class": "hgv"})
    town.publish_works(
        "bridge", Look(impact=Impact(vehicle_impact=VehicleImpact.ALL_LANES_OPEN, footway=WayState.OPEN))
    )
    assert [(one["type"], one["reason"]) for one in driver.hear()] == [("remove", "moved-out")]


async def test_horizon(town: Town, driver: Driver) -> None:
    """What begins beyond the horizon is told when the clock brings it into sight, without a place in the log."""
    town.publish_works("now", _on(2.31))
    town.publish_works("later", _planned(2.31, 20 * _HOUR))
    driver.ask({"everywhere": True}, horizon="PT12H")
    assert driver.sees == ["now"]
    town.publish_works("even later", _planned(2.31, 21 * _HOUR))
    assert driver.hear() == []
    town.clock.advance(8 * _HOUR - timedelta(seconds=1))
    await town.hub.follow_clock()
    assert driver.hear() == []
    town.clock.advance(timedelta(seconds=1))
    await town.hub.follow_clock()
    assert _changes(driver.hear()) == [("put", None, "later")]
    await town.hub.follow_clock()
    assert driver.hear() == []
    town.clock.advance(_HOUR)
    await town.hub.follow_clock()
    assert _changes(driver.hear()) == [("put", None, "even later")]
    assert driver.held.cursor == "epoch1.2"


async def test_what_the_clock_brings_waits_for_slow_clients(tasks: Work) -> None:
    """Who does not read while the clock brings something is told when they read again."""
    town = Town(settings=Stream(high_water_bytes=500))
    town.publish_works("later", _planned(2.31, 20 * _HOUR))
    driver = Driver(town, tasks)
    driver.ask({"everywhere": True}, horizon="PT12H")
    for number in range(20):
        town.publish_works(f"{number}", _on(2.31))
    town.hub.flush()
    assert driver.session.waiting
    town.clock.advance(9 * _HOUR)
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
    town.publish_works("on", _planned(2.31, _HOUR))
    town.publish_works(
        "off", Look(status=Status.PLANNED, place=shapely.Point(2.31, 48.7), schedule=Schedule(NOON + _HOUR))
    )
    assert _notices(driver.ask(_ROUTE)) == []
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
    town.publish_works("known", _planned(2.31, timedelta(minutes=5)))
    assert [one["feature"] for one in _notices(driver.ask(_ROUTE))] == ["known"]
    town.publish_works("posted", _planned(2.32, timedelta(minutes=10)))
    assert [one["type"] for one in driver.hear()] == ["put", "notice"]
    town.publish_works("posted", _planned(2.32, timedelta(minutes=10), title="Autre titre"))
    assert [one["type"] for one in driver.hear()] == ["put"]


@pytest.mark.parametrize("asked", [{"horizon": "PT12H"}, {"area": {"around_me": {"radius_m": 100}}}])
async def test_what_moves_begins_anew(town: Town, tasks: Work, driver: Driver, asked: Message) -> None:
    """A subscription that follows the clock or the driver cannot be resumed: the answer is a resync and snapshots."""
    town.publish_works("a", _on(2.31))
    wanted = {"id": "me", "area": {"everywhere": True}, **asked}
    driver.send("subscribe", **wanted)
    driver.hear()
    again = Driver(town, tasks)
    again.send("resume", since=driver.held.cursor, filters=driver.held.filters, subscriptions=[wanted])
    _, resync, snapshot, caught_up = again.hear()
    assert (resync["type"], resync["id"], resync["reason"]) == ("resync", None, "moving")
    assert (snapshot["type"], caught_up["type"]) == ("snapshot", "caught_up")


async def test_route_is_resumed_until_a_position_is_told(town: Town, tasks: Work, driver: Driver) -> None:
    """A route is resumed like any place; once the driver has said how far along they are, it begins anew."""
    wanted = {"id": "me", "area": _ROUTE}
    driver.send("subscribe", **wanted)
    driver.hear()
    town.publish_works("a", _on(2.31))
    again = Driver(town, tasks)
    again.send("resume", since=driver.held.cursor, filters=driver.held.filters, subscriptions=[wanted])
    assert [one["type"] for one in again.hear()] == ["hello", "put", "caught_up"]
    again.drive_to(2.305)
    third = Driver(town, tasks)
    third.send("resume", since=again.held.cursor, filters=again.held.filters, subscriptions=[wanted])
    assert [one["type"] for one in third.hear()] == ["hello", "resync", "snapshot", "caught_up"]


async def test_posted_area(town: Town, driver: Driver) -> None:
    """An area that was posted is asked about by its id, until it is kept no more."""
    town.publish_works("in", _on(2.31))
    id_, expires = town.hub.shelf.put(Shape(shapely.to_wkb(shapely.box(2.305, 48.63, 2.315, 48.64))))
    assert expires - town.clock.now() == timedelta(hours=12)
    driver.ask({"area_id": id_})
    assert driver.sees == ["in"]
    town.clock.advance(timedelta(hours=12))
    (error,) = driver.ask({"area_id": id_})
    assert (error["code"], error["id"]) == (Code.AREA_UNKNOWN.number, "me")
    town.publish_works("in", _on(2.312))
    assert [one["type"] for one in driver.hear()] == ["put"]
