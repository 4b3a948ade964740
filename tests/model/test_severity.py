"""The severity table: complete, and saying what the design says."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from geoworks.model.impact import (
    Exemption,
    Impact,
    ParkingState,
    Passage,
    Restriction,
    RestrictionType,
    Unit,
    VehicleImpact,
    WayState,
)
from geoworks.model.severity import (
    TABLE,
    UNKNOWN_LIMIT,
    USUAL_SIZE,
    Severity,
    TravelMode,
    headline,
    severities,
    severity_for,
)
from tests.model import strategies

OPEN = Impact(
    vehicle_impact=VehicleImpact.ALL_LANES_OPEN,
    parking=ParkingState.OPEN,
    footway=WayState.OPEN,
    cycleway=WayState.OPEN,
    emergency_passage=Passage.YES,
)


@pytest.mark.parametrize(
    ("field", "vocabulary"),
    [
        ("vehicle_impact", VehicleImpact),
        ("restrictions", RestrictionType),
        ("footway", WayState),
        ("cycleway", WayState),
        ("parking", ParkingState),
    ],
)
def test_the_table_has_a_row_for_every_word_and_a_column_for_every_mode(field: str, vocabulary: type[StrEnum]) -> None:
    """No word of a closed vocabulary is forgotten."""
    assert set(TABLE[field]) == set(vocabulary)
    assert {len(row) for row in TABLE[field].values()} == {len(TravelMode)}


def test_sizes_have_a_column_for_every_mode() -> None:
    """The usual sizes and the unknown limit have the columns of the table."""
    assert {len(sizes) for sizes in [*USUAL_SIZE.values(), UNKNOWN_LIMIT]} == {len(TravelMode)}


@pytest.mark.parametrize(
    ("impact", "expected"),
    [
        (VehicleImpact.ALL_LANES_CLOSED, Severity.BLOCKED),
        (VehicleImpact.ALTERNATING_ONE_WAY, Severity.HIGH),
        (VehicleImpact.FLAGGING, Severity.HIGH),
        (VehicleImpact.TEMPORARY_TRAFFIC_SIGNAL, Severity.HIGH),
        (VehicleImpact.SOME_LANES_CLOSED, Severity.MEDIUM),
        (VehicleImpact.SOME_LANES_CLOSED_MERGE_LEFT, Severity.MEDIUM),
        (VehicleImpact.SOME_LANES_CLOSED_MERGE_RIGHT, Severity.MEDIUM),
        (VehicleImpact.SOME_LANES_CLOSED_SPLIT, Severity.MEDIUM),
        (VehicleImpact.ALL_LANES_OPEN_SHIFT_LEFT, Severity.LOW),
        (VehicleImpact.ALL_LANES_OPEN_SHIFT_RIGHT, Severity.LOW),
        (VehicleImpact.UNKNOWN, Severity.MEDIUM),
        (VehicleImpact.ALL_LANES_OPEN, Severity.NONE),
    ],
)
def test_the_headline_is_what_the_design_says_of_cars(impact: VehicleImpact, expected: Severity) -> None:
    """The vehicle impact alone gives the car's severity of the design."""
    assert headline(Impact(vehicle_impact=impact)) is expected


def test_an_impact_that_nobody_told_is_medium_for_everyone() -> None:
    """Unknown is never supposed open, for no mode."""
    assert set(severities(Impact()).values()) == {Severity.MEDIUM}


def test_everything_open_hinders_nobody() -> None:
    """Where all is known to be open no mode is hindered."""
    assert set(severities(OPEN).values()) == {Severity.NONE}


def test_a_closed_footway_stops_wheelchairs_and_hinders_pedestrians_only() -> None:
    """Closed is blocked on wheels, high on foot, nothing for the others."""
    told = severities(structs.replace(OPEN, footway=WayState.CLOSED))
    assert told[TravelMode.WHEELCHAIR] is Severity.BLOCKED
    assert told[TravelMode.PEDESTRIAN] is Severity.HIGH
    assert {told[mode] for mode in TravelMode if mode not in {"wheelchair", "pedestrian"}} == {Severity.NONE}


@pytest.mark.parametrize(
    ("restriction", "stopped"),
    [
        (Restriction(RestrictionType.NO_TRUCKS), {"hgv"}),
        (Restriction(RestrictionType.REDUCED_WIDTH, 2.3, Unit.METRE), {"hgv", "bus", "emergency"}),
        (Restriction(RestrictionType.REDUCED_WIDTH, 3.0, Unit.METRE), set()),
        (Restriction(RestrictionType.REDUCED_WIDTH, 2.55, Unit.METRE), set()),
        (Restriction(RestrictionType.REDUCED_HEIGHT, 1.9, Unit.METRE), {"car", "hgv", "bus", "emergency"}),
        (Restriction(RestrictionType.GROSS_WEIGHT_LIMIT, 3.5, Unit.TONNE), {"hgv", "bus", "emergency"}),
        (Restriction(RestrictionType.GROSS_WEIGHT_LIMIT, 20.0, Unit.TONNE), {"hgv"}),
        (Restriction(RestrictionType.REDUCED_LENGTH, 10.0, Unit.METRE), {"hgv", "bus"}),
    ],
)
def test_a_restriction_blocks_those_it_stops(restriction: Restriction, stopped: set[str]) -> None:
    """A ban names its mode, a limit stops the modes whose usual vehicle is above it."""
    told = severities(
        structs.replace(OPEN, restrictions=(restriction,), emergency_passage=Passage.UNKNOWN, cycleway=WayState.UNKNOWN)
    )
    assert {mode.value for mode, severity in told.items() if severity is Severity.BLOCKED} == stopped


def test_a_limit_without_value_warns_those_it_may_stop() -> None:
    """Nobody is blocked by a number nobody knows, large vehicles are warned."""
    told = severities(structs.replace(OPEN, restrictions=(Restriction(RestrictionType.REDUCED_HEIGHT),)))
    assert told[TravelMode.HGV] is told[TravelMode.BUS] is Severity.HIGH
    assert told[TravelMode.CAR] is Severity.NONE


def test_local_access_only_hinders_through_traffic() -> None:
    """Drivers who only pass through are hindered, though residents get in."""
    impact = structs.replace(OPEN, restrictions=(Restriction(RestrictionType.LOCAL_ACCESS_ONLY),))
    assert headline(impact) is Severity.HIGH


@pytest.mark.parametrize(
    ("exemption", "mode"),
    [
        (Exemption.BUS, TravelMode.BUS),
        (Exemption.BICYCLE, TravelMode.BICYCLE),
        (Exemption.EMERGENCY, TravelMode.EMERGENCY),
    ],
)
def test_who_is_exempt_passes_with_low_hindrance(exemption: Exemption, mode: TravelMode) -> None:
    """An exemption eases its own mode and no other."""
    closed = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
    before, after = severities(closed), severities(structs.replace(closed, exempt=(exemption,)))
    assert after == {**before, mode: Severity.LOW}


@pytest.mark.parametrize("exemption", [Exemption.RESIDENTS, Exemption.DELIVERY])
def test_an_exemption_of_some_drivers_eases_no_mode(exemption: Exemption) -> None:
    """Residents and deliveries are not all cars or lorries."""
    closed = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
    assert severities(structs.replace(closed, exempt=(exemption,))) == severities(closed)


@pytest.mark.parametrize(
    ("passage", "expected"),
    [(Passage.YES, Severity.LOW), (Passage.NO, Severity.BLOCKED), (Passage.UNKNOWN, Severity.HIGH)],
)
def test_emergency_passage_has_the_last_word(passage: Passage, expected: Severity) -> None:
    """Yes lets emergency vehicles pass, no stops them, unknown leaves them what the lanes say."""
    impact = Impact(vehicle_impact=VehicleImpact.FLAGGING, emergency_passage=passage)
    assert severity_for(impact, TravelMode.EMERGENCY) is expected


def test_a_closed_passage_is_not_opened_by_an_exemption() -> None:
    """Where two fields contradict each other the worse is told."""
    impact = Impact(emergency_passage=Passage.NO, exempt=(Exemption.EMERGENCY,))
    assert severity_for(impact, TravelMode.EMERGENCY) is Severity.BLOCKED


def test_cyclists_with_a_way_of_their_own_pass_a_closed_road() -> None:
    """An open cycleway counts before the lanes; a closed one adds to them."""
    closed = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
    assert severity_for(structs.replace(closed, cycleway=WayState.OPEN), TravelMode.BICYCLE) is Severity.NONE
    assert severity_for(closed, TravelMode.BICYCLE) is Severity.BLOCKED
    shut = structs.replace(OPEN, cycleway=WayState.CLOSED)
    assert severity_for(shut, TravelMode.BICYCLE) is Severity.HIGH


@given(strategies.impacts, st.sampled_from(RestrictionType))
def test_another_restriction_never_eases(impact: Impact, kind: RestrictionType) -> None:
    """Adding a restriction makes it worse or leaves it, for every mode."""
    more = structs.replace(impact, restrictions=(*impact.restrictions, Restriction(kind)))
    for mode in TravelMode:
        assert severity_for(more, mode).rank >= severity_for(impact, mode).rank


def test_ranks_order_the_severities() -> None:
    """From none to blocked."""
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
