"""What drivers are told by where they are, and where they are going."""

from __future__ import annotations

from datetime import timedelta

import pytest
import shapely

from geoworks.hub.areas import Shape
from geoworks.hub.codes import Code
from geoworks.model.works import Direction
from tests.hub.client import Message, Work
from tests.hub.driver import LAT, ROUTE, Driver, changes, on
from tests.hub.town import Look, Town, report_record, zone_record


@pytest.fixture
async def town() -> Town:
    """A town where nothing happens yet."""
    return Town()


@pytest.mark.parametrize("heading", [0, 90, 270])
async def test_around_me_whichever_way(town: Town, driver: Driver, heading: float) -> None:
    """Works of either direction are around a driver on whatever heading: the next bend may lead to them."""
    for direction in Direction:
        town.publish_works(direction, on(2.301, direction=direction))
    driver.ask({"around_me": {"radius_m": 300}})
    driver.drive_to(2.30, speed_kmh=50, heading=heading)
    assert driver.sees == sorted(Direction)
    assert driver.drive_to(2.3005, speed_kmh=50, heading=180) == []


async def test_around_me(town: Town, driver: Driver) -> None:
    """Nothing is around who has not said where they are; then what is near comes, goes, and changes live."""
    town.publish_works("near", on(2.301))
    town.publish_works("far", on(2.33))
    driver.ask({"around_me": {"radius_m": 300}})
    assert driver.sees == []
    assert changes(driver.drive_to(2.30)) == [("put", None, "near")]
    assert driver.drive_to(2.3005) == []
    assert driver.drive_to(2.318) == []
    assert changes(driver.drive_to(2.319)) == [("remove", None, "near")]
    assert changes(driver.drive_to(2.328)) == [("put", None, "far")]
    town.publish_works("appears", on(2.3285))
    town.publish_works("elsewhere", on(2.30))
    assert changes(driver.hear()) == [("put", "epoch1.3", "appears")]
    town.publish_works("appears", on(2.30))
    assert [(one["type"], one["reason"]) for one in driver.hear()] == [("remove", "moved-out")]
    assert driver.sees == ["far"]


async def test_what_is_passed_between_two_positions_is_told(town: Town, driver: Driver) -> None:
    """Who drives past a works between two positions is told of it once, and that it is behind with the next."""
    town.publish_works("between", on(2.31))
    driver.ask({"around_me": {"radius_m": 100}})
    assert driver.drive_to(2.305) == []
    assert changes(driver.drive_to(2.315)) == [("put", None, "between")]
    assert changes(driver.drive_to(2.316)) == [("remove", None, "between")]


async def test_a_leap_passes_nothing(town: Town, driver: Driver) -> None:
    """Somebody who is suddenly 500 km away has not driven past what lies between."""
    town.publish_works("between", Look(place=shapely.Point(4.0, 47.0)))
    driver.ask({"around_me": {"radius_m": 50_000}})
    driver.drive_to(2.30)
    assert driver.drive_to(5.4, 43.3) == []


async def test_two_subscriptions_hold_a_feature_together(town: Town, driver: Driver) -> None:
    """Driving on removes nothing that another subscription asks for, and tells nothing that it has told."""
    town.publish_works("near", on(2.301))
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
    town.publish_works("on", on(2.315))
    crossing = shapely.LineString([(2.316, LAT - 0.001), (2.316, LAT + 0.001)])
    town.publish_works("crossing", Look(place=crossing))
    town.put(zone_record("crossed", shapely.box(2.31, 48.63, 2.32, 48.64)))
    town.put(zone_record("beside", shapely.box(2.31, 48.64, 2.32, 48.65)))
    town.put(report_record("hole", shapely.Point(2.32, LAT + 0.0002)))
    town.put(report_record("distant", shapely.Point(2.32, LAT + 0.002)))
    town.publish()
    driver.ask(ROUTE)
    assert driver.sees == ["crossed", "hole", "on"]
    town.publish_works("new", on(2.305))
    town.publish_works("on", Look(place=crossing))
    assert changes(driver.hear()) == [("put", "epoch1.7", "new"), ("remove", "epoch1.8", "on")]


async def test_what_lies_behind_on_a_route_is_removed(town: Town, driver: Driver) -> None:
    """Positions tell how far along the driver is; who leaves the route is told all that lay ahead."""
    for number, lon in enumerate((2.302, 2.312, 2.335)):
        town.publish_works(f"{number}", on(lon))
    driver.ask(ROUTE)
    first = driver.drive_to(2.3005)
    assert [one["type"] for one in first] == ["caught_up"]
    assert changes(driver.drive_to(2.308)) == [("remove", None, "0")]
    assert driver.drive_to(2.308, 48.66) == []
    assert driver.sees == ["1", "2"]
    assert changes(driver.drive_to(2.3005)) == [("put", None, "0")]


async def test_opposite_direction_is_not_told(town: Town, driver: Driver) -> None:
    """Works that touch the other direction only are left out; those of ours, of both and of no known one are not."""
    for direction in Direction:
        town.publish_works(direction.value, on(2.31, direction=direction))
    driver.ask(ROUTE)
    assert driver.sees == ["both", "forward", "unknown"]


@pytest.mark.parametrize("asked", [{"horizon": "PT12H"}, {"area": {"around_me": {"radius_m": 100}}}])
async def test_what_moves_begins_anew(town: Town, tasks: Work, driver: Driver, asked: Message) -> None:
    """A subscription that follows the clock or the driver cannot be resumed: the answer is a resync and snapshots."""
    town.publish_works("a", on(2.31))
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
    wanted = {"id": "me", "area": ROUTE}
    driver.send("subscribe", **wanted)
    driver.hear()
    town.publish_works("a", on(2.31))
    again = Driver(town, tasks)
    again.send("resume", since=driver.held.cursor, filters=driver.held.filters, subscriptions=[wanted])
    assert [one["type"] for one in again.hear()] == ["hello", "put", "caught_up"]
    again.drive_to(2.305)
    third = Driver(town, tasks)
    third.send("resume", since=again.held.cursor, filters=again.held.filters, subscriptions=[wanted])
    assert [one["type"] for one in third.hear()] == ["hello", "resync", "snapshot", "caught_up"]


async def test_posted_area(town: Town, driver: Driver) -> None:
    """An area that was posted is asked about by its id, until it is kept no more."""
    town.publish_works("in", on(2.31))
    id_, expires = town.hub.shelf.put(Shape(shapely.to_wkb(shapely.box(2.305, 48.63, 2.315, 48.64))))
    assert expires - town.clock.now() == timedelta(hours=12)
    driver.ask({"area_id": id_})
    assert driver.sees == ["in"]
    town.clock.advance(timedelta(hours=12))
    (error,) = driver.ask({"area_id": id_})
    assert (error["code"], error["id"]) == (Code.AREA_UNKNOWN.number, "me")
    town.publish_works("in", on(2.312))
    assert [one["type"] for one in driver.hear()] == ["put"]
