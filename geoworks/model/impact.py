"""What road users meet at a works: the terms of WZDx 4.2, and who they concern."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from shapely.geometry.base import BaseGeometry


class VehicleImpact(StrEnum):
    """What happens to the lanes (WZDx `VehicleImpact`)."""

    ALL_LANES_CLOSED = "all-lanes-closed"
    SOME_LANES_CLOSED = "some-lanes-closed"
    SOME_LANES_CLOSED_MERGE_LEFT = "some-lanes-closed-merge-left"
    SOME_LANES_CLOSED_MERGE_RIGHT = "some-lanes-closed-merge-right"
    SOME_LANES_CLOSED_SPLIT = "some-lanes-closed-split"
    ALL_LANES_OPEN = "all-lanes-open"
    ALL_LANES_OPEN_SHIFT_LEFT = "all-lanes-open-shift-left"
    ALL_LANES_OPEN_SHIFT_RIGHT = "all-lanes-open-shift-right"
    ALTERNATING_ONE_WAY = "alternating-one-way"
    FLAGGING = "flagging"
    TEMPORARY_TRAFFIC_SIGNAL = "temporary-traffic-signal"
    UNKNOWN = "unknown"


class RestrictionType(StrEnum):
    """What is forbidden or limited (WZDx `RestrictionType`)."""

    NO_TRUCKS = "no-trucks"
    TRAVEL_PEAK_HOURS_ONLY = "travel-peak-hours-only"
    HOV_3 = "hov-3"
    HOV_2 = "hov-2"
    NO_PARKING = "no-parking"
    REDUCED_WIDTH = "reduced-width"
    REDUCED_HEIGHT = "reduced-height"
    REDUCED_LENGTH = "reduced-length"
    REDUCED_WEIGHT = "reduced-weight"
    AXLE_LOAD_LIMIT = "axle-load-limit"
    GROSS_WEIGHT_LIMIT = "gross-weight-limit"
    TOWING_PROHIBITED = "towing-prohibited"
    PERMITTED_OVERSIZE_LOADS_PROHIBITED = "permitted-oversize-loads-prohibited"
    LOCAL_ACCESS_ONLY = "local-access-only"
    NO_PASSING = "no-passing"


class Unit(StrEnum):
    """The unit of a restriction's value: metres or tonnes, whatever the source used."""

    METRE = "m"
    TONNE = "t"


class LaneType(StrEnum):
    """What a lane is for (WZDx `LaneType`)."""

    GENERAL = "general"
    EXIT_LANE = "exit-lane"
    EXIT_RAMP = "exit-ramp"
    ENTRANCE_LANE = "entrance-lane"
    ENTRANCE_RAMP = "entrance-ramp"
    SIDEWALK = "sidewalk"
    BIKE_LANE = "bike-lane"
    SHOULDER = "shoulder"
    PARKING = "parking"
    MEDIAN = "median"
    TWO_WAY_CENTER_TURN_LANE = "two-way-center-turn-lane"
    CENTER_LEFT_TURN_LANE = "center-left-turn-lane"


class LaneStatus(StrEnum):
    """What happens to a lane (WZDx `LaneStatus`)."""

    OPEN = "open"
    CLOSED = "closed"
    SHIFT_LEFT = "shift-left"
    SHIFT_RIGHT = "shift-right"
    MERGE_LEFT = "merge-left"
    MERGE_RIGHT = "merge-right"
    ALTERNATING_FLOW = "alternating-flow"


class WayState(StrEnum):
    """What happens to a footway, a cycleway."""

    OPEN = "open"
    NARROWED = "narrowed"
    DIVERTED = "diverted"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class ParkingState(StrEnum):
    """What happens to parking places."""

    OPEN = "open"
    REDUCED = "reduced"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


class Passage(StrEnum):
    """Whether emergency vehicles can pass; `unknown` is never filtered out for them."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Exemption(StrEnum):
    """Who may pass in spite of the impact."""

    RESIDENTS = "residents"
    EMERGENCY = "emergency"
    BUS = "bus"
    BICYCLE = "bicycle"
    DELIVERY = "delivery"


class Restriction(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One restriction; `value` in `unit` (metres or tonnes) where the type needs one."""

    type: RestrictionType
    value: float | None = None
    unit: Unit | None = None


class Lane(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One lane, `order` counted from 1 at the left in the direction of travel (WZDx `Lane`)."""

    order: int
    type: LaneType = LaneType.GENERAL
    status: LaneStatus = LaneStatus.OPEN
    restrictions: tuple[Restriction, ...] = ()


class Detour(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One signed detour: a line (lon/lat degrees, EPSG:4326), a text, or both."""

    text: str = ""
    geometry: BaseGeometry | None = None


class Impact(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False, gc=False):
    """All that road users meet; what nobody told is `unknown`, never supposed open."""

    vehicle_impact: VehicleImpact = VehicleImpact.UNKNOWN
    restrictions: tuple[Restriction, ...] = ()
    lanes: tuple[Lane, ...] = ()
    parking: ParkingState = ParkingState.UNKNOWN
    footway: WayState = WayState.UNKNOWN
    cycleway: WayState = WayState.UNKNOWN
    speed_limit_kmh: int | None = None
    exempt: tuple[Exemption, ...] = ()
    emergency_passage: Passage = Passage.UNKNOWN
    detours: tuple[Detour, ...] = ()
