"""Values of the model as Hypothesis draws them: any works that intake would accept."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import shapely
from hypothesis import strategies as st

from geoworks.model.impact import (
    Detour,
    Exemption,
    Impact,
    Lane,
    LaneStatus,
    LaneType,
    ParkingState,
    Passage,
    Restriction,
    RestrictionType,
    Unit,
    VehicleImpact,
    WayState,
)
from geoworks.model.schedule import Day, HolidayRule, Schedule, Window
from geoworks.model.works import Direction, TypeOfWork, Visibility, Works

Value = TypeVar("Value")

SIZES = {
    RestrictionType.REDUCED_WIDTH: Unit.METRE,
    RestrictionType.REDUCED_HEIGHT: Unit.METRE,
    RestrictionType.REDUCED_LENGTH: Unit.METRE,
    RestrictionType.REDUCED_WEIGHT: Unit.TONNE,
    RestrictionType.GROSS_WEIGHT_LIMIT: Unit.TONNE,
    RestrictionType.AXLE_LOAD_LIMIT: Unit.TONNE,
}
ZONES = ["Europe/Paris", "America/New_York", "Indian/Reunion", "UTC"]

words = st.text(string.ascii_letters + "éàçÉœ’-0123456789🚧", min_size=1, max_size=12)
phrases = st.lists(words, min_size=1, max_size=4).map(" ".join)
moments = st.integers(0, 40 * 365 * 24 * 60).map(
    lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
coordinates = st.tuples(
    st.integers(-179_000_000, 179_000_000).map(lambda n: n / 1e6),
    st.integers(-80_000_000, 80_000_000).map(lambda n: n / 1e6),
)
points = coordinates.map(shapely.Point)
lines = st.lists(coordinates, min_size=2, max_size=6, unique=True).map(shapely.LineString)
boxes = coordinates.map(lambda at: shapely.box(at[0], at[1], round(at[0] + 0.01, 6), round(at[1] + 0.02, 6)))
geometries = points | lines | boxes


def several(values: st.SearchStrategy[Value], most: int = 3) -> st.SearchStrategy[tuple[Value, ...]]:
    """Draw a tuple of few values."""
    return st.lists(values, max_size=most).map(tuple)


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    """Draw a restriction, with its unit where it has a value."""
    kind = draw(st.sampled_from(RestrictionType))
    value = draw(st.none() | st.floats(0.1, 90)) if kind in SIZES else None
    return Restriction(kind, value, SIZES[kind] if value is not None else None)


@st.composite
def lanes(draw: st.DrawFn) -> tuple[Lane, ...]:
    """Draw the lanes of a road, counted from 1."""
    return tuple(
        Lane(
            order,
            draw(st.sampled_from(LaneType)),
            draw(st.sampled_from(LaneStatus)),
            draw(several(restrictions(), 1)),
        )
        for order in range(1, draw(st.integers(1, 4)))
    )


impacts = st.builds(
    Impact,
    vehicle_impact=st.sampled_from(VehicleImpact),
    restrictions=several(restrictions()),
    lanes=lanes(),
    parking=st.sampled_from(ParkingState),
    footway=st.sampled_from(WayState),
    cycleway=st.sampled_from(WayState),
    speed_limit_kmh=st.none() | st.integers(1, 130),
    exempt=several(st.sampled_from(Exemption)),
    emergency_passage=st.sampled_from(Passage),
    detours=several(st.builds(Detour, text=phrases, geometry=st.none() | lines), 2),
)
windows = st.builds(
    Window,
    days=st.lists(st.sampled_from(Day), min_size=1, unique=True).map(tuple),
    start=clocks,
    end=clocks | st.just("24:00"),
    excluded=several(st.dates(date(2000, 1, 1), date(2040, 1, 1))),
    holidays=st.sampled_from(HolidayRule),
    impact=st.none() | impacts,
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Draw a schedule whose ends come after its starts."""
    start, begun = draw(moments), draw(st.none() | moments)
    later = st.integers(1, 1_000_000).map(lambda minutes: timedelta(minutes=minutes))
    return Schedule(
        start=start,
        end=draw(st.none() | later.map(lambda step: start + step)),
        time_zone=draw(st.sampled_from(ZONES)),
        windows=draw(several(windows)),
        paused_impact=draw(st.none() | impacts),
        actual_start=begun,
        actual_end=draw(st.none() | later.map(lambda step: (begun or start) + step)),
        start_verified=draw(st.booleans()),
        end_verified=draw(st.booleans()),
    )


works = st.builds(
    Works,
    title=phrases,
    geometry=geometries,
    schedule=schedules(),
    description=phrases,
    reference=phrases,
    types_of_work=several(st.sampled_from(TypeOfWork)),
    promoter=phrases,
    road_authority=phrases,
    road_names=several(phrases),
    direction=st.sampled_from(Direction),
    project=phrases,
    impact=impacts,
    visibility=st.just(Visibility.PUBLIC),
    cancelled_at=st.none() | moments,
)
