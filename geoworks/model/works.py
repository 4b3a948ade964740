"""A works: one job at one place with its schedule and impact."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.model.impact import Impact
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity


class TypeOfWork(StrEnum):
    """What is done (WZDx `WorkTypeName`)."""

    MAINTENANCE = "maintenance"
    MINOR_ROAD_DEFECT_REPAIR = "minor-road-defect-repair"
    ROADSIDE_WORK = "roadside-work"
    OVERHEAD_WORK = "overhead-work"
    BELOW_ROAD_WORK = "below-road-work"
    BARRIER_WORK = "barrier-work"
    SURFACE_WORK = "surface-work"
    PAINTING = "painting"
    ROADWAY_RELOCATION = "roadway-relocation"
    ROADWAY_CREATION = "roadway-creation"


class Direction(StrEnum):
    """Which travel direction is touched; `forward` is the order of the coordinates."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"
    UNKNOWN = "unknown"


class Visibility(StrEnum):
    """Whether a works is on the public doors; a draft takes part in conflicts only."""

    PUBLIC = "public"
    DRAFT = "draft"


class Status(StrEnum):
    """Where a works is in its schedule; derived from schedule and clock, never typed by hand."""

    PLANNED = "planned"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing will come of it any more."""
        return self in {Status.COMPLETED, Status.CANCELLED}


# The impact of a works that says none: of thousands it is one and the same.
UNSAID_IMPACT: Final = Impact()


class Works(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="works", tag_field="kind", gc=False):
    """The given fields of a works; `geometry` in lon/lat degrees (EPSG:4326), 6 decimals."""

    title: str
    geometry: BaseGeometry
    schedule: Schedule
    description: str = ""
    reference: str = ""
    types_of_work: tuple[TypeOfWork, ...] = ()
    promoter: str = ""
    road_authority: str = ""
    road_names: tuple[str, ...] = ()
    direction: Direction = Direction.UNKNOWN
    project: str = ""
    impact: Impact = UNSAID_IMPACT
    visibility: Visibility = Visibility.PUBLIC
    cancelled_at: datetime | None = None


class Effect(Struct, frozen=True, gc=False):
    """A works on a zone: what lies inside it, of a line its length, of a polygon its area.

    `length_m` (geodesic metres) or `area_m2` is None where the geometry has none; `share` is 0 to 1 of the
    whole geometry (a point inside has share 1). Rounded to 0.1 and 0.001, so noise writes nothing.
    """

    zone: str
    share: float
    length_m: float | None = None
    area_m2: float | None = None


class WorksDerived(Struct, frozen=True, tag="works", gc=False):
    """What schedule, clock and zones make of a works.

    `severity` is the car's: of the impact in force while active, else of the worst the works will have.
    """

    status: Status = Status.PLANNED
    severity: Severity = Severity.MEDIUM
    next_transition: datetime | None = None
    effects: tuple[Effect, ...] = ()
