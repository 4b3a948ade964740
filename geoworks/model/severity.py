"""How much an impact hinders each way to travel, from one documented table.

The rules, for one impact and one mode of travel:

1. Every field of the impact that the mode meets counts by its row of `TABLE`, and the worst row decides. `lanes` are
   the detail of `vehicle_impact` and detours ease nothing: neither has a row.
2. A limit of size or weight blocks a mode whose usual vehicle (`USUAL_SIZE`), or the vehicle that is told of, is
   above it; a limit that nobody gave a value counts as `UNKNOWN_LIMIT`.
3. Cyclists who are told of a way of their own (open, narrowed or diverted) do not meet what happens to the lanes.
4. Who is exempt (bus, bicycle, emergency) is hindered `low` at most. Residents and deliveries are some of the drivers
   only, so their exemption eases no mode.
5. `emergency_passage` has the last word for emergency vehicles: `yes` is `low` at most, `no` is `blocked`.

What nobody told is `medium`, never supposed open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from geoworks.model.impact import (
    Exemption,
    Impact,
    ParkingState,
    Passage,
    Restriction,
    RestrictionType,
    VehicleImpact,
    WayState,
)


class TravelMode(StrEnum):
    """A way to travel."""

    CAR = "car"
    HGV = "hgv"
    BUS = "bus"
    BICYCLE = "bicycle"
    PEDESTRIAN = "pedestrian"
    WHEELCHAIR = "wheelchair"
    EMERGENCY = "emergency"


class Severity(StrEnum):
    """How much road users are hindered; `rank` orders it."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """Return 0 for none to 4 for blocked."""
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}

_N, _L, _M, _H, _B = Severity

# One severity for each mode, in the order of TravelMode: car, hgv, bus, bicycle, pedestrian, wheelchair, emergency.
Row = tuple[Severity, Severity, Severity, Severity, Severity, Severity, Severity]

VEHICLE_IMPACT: Mapping[StrEnum, Row] = {
    VehicleImpact.ALL_LANES_CLOSED: (_B, _B, _B, _B, _N, _N, _B),
    VehicleImpact.SOME_LANES_CLOSED: (_M, _M, _M, _L, _N, _N, _M),
    VehicleImpact.SOME_LANES_CLOSED_MERGE_LEFT: (_M, _M, _M, _L, _N, _N, _M),
    VehicleImpact.SOME_LANES_CLOSED_MERGE_RIGHT: (_M, _M, _M, _L, _N, _N, _M),
    VehicleImpact.SOME_LANES_CLOSED_SPLIT: (_M, _M, _M, _L, _N, _N, _M),
    VehicleImpact.ALL_LANES_OPEN: (_N, _N, _N, _N, _N, _N, _N),
    VehicleImpact.ALL_LANES_OPEN_SHIFT_LEFT: (_L, _L, _L, _L, _N, _N, _L),
    VehicleImpact.ALL_LANES_OPEN_SHIFT_RIGHT: (_L, _L, _L, _L, _N, _N, _L),
    VehicleImpact.ALTERNATING_ONE_WAY: (_H, _H, _H, _M, _N, _N, _H),
    VehicleImpact.FLAGGING: (_H, _H, _H, _M, _N, _N, _H),
    VehicleImpact.TEMPORARY_TRAFFIC_SIGNAL: (_H, _H, _H, _M, _N, _N, _H),
    VehicleImpact.UNKNOWN: (_M, _M, _M, _M, _N, _N, _M),
}

FOOTWAY: Mapping[StrEnum, Row] = {
    WayState.OPEN: (_N, _N, _N, _N, _N, _N, _N),
    WayState.NARROWED: (_N, _N, _N, _N, _L, _M, _N),
    WayState.DIVERTED: (_N, _N, _N, _N, _M, _H, _N),
    WayState.CLOSED: (_N, _N, _N, _N, _H, _B, _N),
    WayState.UNKNOWN: (_N, _N, _N, _N, _M, _M, _N),
}

# Most streets have no cycleway, so an unknown one leaves cyclists to the row of the lanes.
CYCLEWAY: Mapping[StrEnum, Row] = {
    WayState.OPEN: (_N, _N, _N, _N, _N, _N, _N),
    WayState.NARROWED: (_N, _N, _N, _L, _N, _N, _N),
    WayState.DIVERTED: (_N, _N, _N, _M, _N, _N, _N),
    WayState.CLOSED: (_N, _N, _N, _H, _N, _N, _N),
    WayState.UNKNOWN: (_N, _N, _N, _N, _N, _N, _N),
}

PARKING: Mapping[StrEnum, Row] = {
    ParkingState.OPEN: (_N, _N, _N, _N, _N, _N, _N),
    ParkingState.REDUCED: (_L, _L, _N, _N, _N, _N, _N),
    ParkingState.SUSPENDED: (_L, _L, _N, _N, _N, _N, _N),
    ParkingState.UNKNOWN: (_N, _N, _N, _N, _N, _N, _N),
}

UNKNOWN_LIMIT: Row = (_N, _H, _H, _N, _N, _N, _M)

# The row of a limit is for those it stops; `USUAL_SIZE` says who that is.
_STOPPED: Row = (_B, _B, _B, _B, _N, _N, _B)

RESTRICTIONS: Mapping[StrEnum, Row] = {
    RestrictionType.NO_TRUCKS: (_N, _B, _N, _N, _N, _N, _N),
    RestrictionType.TRAVEL_PEAK_HOURS_ONLY: (_M, _M, _M, _N, _N, _N, _N),
    RestrictionType.HOV_3: (_M, _M, _N, _N, _N, _N, _N),
    RestrictionType.HOV_2: (_M, _M, _N, _N, _N, _N, _N),
    RestrictionType.NO_PARKING: (_L, _L, _N, _N, _N, _N, _N),
    RestrictionType.REDUCED_WIDTH: _STOPPED,
    RestrictionType.REDUCED_HEIGHT: _STOPPED,
    RestrictionType.REDUCED_LENGTH: _STOPPED,
    RestrictionType.REDUCED_WEIGHT: _STOPPED,
    RestrictionType.AXLE_LOAD_LIMIT: _STOPPED,
    RestrictionType.GROSS_WEIGHT_LIMIT: _STOPPED,
    RestrictionType.TOWING_PROHIBITED: (_L, _M, _N, _N, _N, _N, _N),
    RestrictionType.PERMITTED_OVERSIZE_LOADS_PROHIBITED: (_N, _L, _N, _N, _N, _N, _N),
    RestrictionType.LOCAL_ACCESS_ONLY: (_H, _H, _M, _L, _N, _N, _L),
    RestrictionType.NO_PASSING: (_L, _L, _L, _N, _N, _N, _N),
}

TABLE: Mapping[str, Mapping[StrEnum, Row]] = {
    "vehicle_impact": VEHICLE_IMPACT,
    "restrictions": RESTRICTIONS,
    "footway": FOOTWAY,
    "cycleway": CYCLEWAY,
    "parking": PARKING,
}

# Metres or tonnes of a usual vehicle of each mode, in the order of a row: a family car, a lorry at the limits of the
# French Code de la route (R312-4 to R312-11), a town bus, a fire engine. Who has none is stopped by no limit.
USUAL_SIZE: Mapping[RestrictionType, tuple[float, ...]] = {
    RestrictionType.REDUCED_WIDTH: (2.0, 2.55, 2.55, 0.8, 0.0, 0.0, 2.5),
    RestrictionType.REDUCED_HEIGHT: (2.0, 4.0, 3.3, 0.0, 0.0, 0.0, 3.3),
    RestrictionType.REDUCED_LENGTH: (5.0, 16.5, 13.5, 0.0, 0.0, 0.0, 8.5),
    RestrictionType.REDUCED_WEIGHT: (2.5, 44.0, 19.5, 0.0, 0.0, 0.0, 16.0),
    RestrictionType.GROSS_WEIGHT_LIMIT: (2.5, 44.0, 19.5, 0.0, 0.0, 0.0, 16.0),
    RestrictionType.AXLE_LOAD_LIMIT: (1.5, 11.5, 11.5, 0.0, 0.0, 0.0, 10.0),
}

# Metres or tonnes of one vehicle, where they are known.
Sizes = Mapping[RestrictionType, float]
_USUAL: Sizes = {}

_COLUMN = {mode: column for column, mode in enumerate(TravelMode)}
_EXEMPTION = {
    TravelMode.BUS: Exemption.BUS,
    TravelMode.BICYCLE: Exemption.BICYCLE,
    TravelMode.EMERGENCY: Exemption.EMERGENCY,
}
_OWN_WAY = {WayState.OPEN, WayState.NARROWED, WayState.DIVERTED}


def severities(impact: Impact) -> Mapping[TravelMode, Severity]:
    """Return how much an impact hinders each mode of travel."""
    return {mode: severity_for(impact, mode) for mode in TravelMode}


def headline(impact: Impact) -> Severity:
    """Return the severity that stands for an impact where only one is shown: the car's."""
    return severity_for(impact, TravelMode.CAR)


def severity_for(impact: Impact, mode: TravelMode, sizes: Sizes = _USUAL) -> Severity:
    """Return how much an impact hinders one mode of travel, in a usual vehicle or one of these `sizes`."""
    worst = max(_counted(impact, mode, sizes), key=_RANK.__getitem__)
    if mode is TravelMode.EMERGENCY and impact.emergency_passage is Passage.NO:
        return Severity.BLOCKED
    return _at_most_low(worst) if _passes(impact, mode) else worst


def _counted(impact: Impact, mode: TravelMode, sizes: Sizes) -> Iterator[Severity]:
    """Yield the severity of every row that a mode meets."""
    column = _COLUMN[mode]
    if mode is not TravelMode.BICYCLE or impact.cycleway not in _OWN_WAY:
        yield VEHICLE_IMPACT[impact.vehicle_impact][column]
        for restriction in impact.restrictions:
            yield _restricted(restriction, column, sizes)
    yield FOOTWAY[impact.footway][column]
    yield CYCLEWAY[impact.cycleway][column]
    yield PARKING[impact.parking][column]


def _restricted(restriction: Restriction, column: int, sizes: Sizes) -> Severity:
    usual = USUAL_SIZE.get(restriction.type)
    if usual is None:
        return RESTRICTIONS[restriction.type][column]
    size = sizes.get(restriction.type, usual[column])
    if restriction.value is None:
        return UNKNOWN_LIMIT[column]
    return RESTRICTIONS[restriction.type][column] if size > restriction.value else Severity.NONE


def _passes(impact: Impact, mode: TravelMode) -> bool:
    if mode is TravelMode.EMERGENCY and impact.emergency_passage is Passage.YES:
        return True
    return _EXEMPTION.get(mode) in impact.exempt


def _at_most_low(severity: Severity) -> Severity:
    return min(severity, Severity.LOW, key=_RANK.__getitem__)
