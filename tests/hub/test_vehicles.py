"""What drivers are told by what they drive."""

from __future__ import annotations

import msgspec
import pytest

from geoworks.model.impact import (
    Impact,
    Passage,
    Restriction,
    RestrictionType,
    Unit,
    VehicleImpact,
    WayState,
)
from tests.hub.client import Message
from tests.hub.driver import CLOSED, Driver
from tests.hub.town import Look, Town


@pytest.fixture
async def town() -> Town:
    """A town where nothing happens yet."""
    return Town()


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
    for id_, impact in (("bridge", _LOW_BRIDGE), ("footway", _FOOTWAY), ("closed", CLOSED), ("unknown", Impact())):
        town.publish_works(id_, Look(impact=impact))
    driver.ask({"everywhere": True}, vehicle=vehicle)
    assert driver.sees == sees


async def test_severity_is_that_for_the_vehicle(town: Town, driver: Driver) -> None:
    """With a vehicle the least severity counts for it, not for a car."""
    town.publish_works("bridge", Look(impact=_LOW_BRIDGE))
    town.publish_works("may pass", Look(impact=msgspec.structs.replace(CLOSED, emergency_passage=Passage.YES)))
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
