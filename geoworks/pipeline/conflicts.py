"""Conflicts: two works that overlap in space and time, or one that stands on another's detour; drafts take part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import local_metric
from geoworks.geo.measure import box_around
from geoworks.geo.types import Flags, Geometries, Lonlat, Metric
from geoworks.model import overlay
from geoworks.model.change import Kind, Record
from geoworks.model.status import status_at
from geoworks.model.windows import period
from geoworks.model.works import Visibility, Works
from geoworks.pipeline.draft import works_key
from geoworks.state import State

# Works drawn this close share the road: plans are drawn on kerbs or axes, and a road is some metres wide.
NEAR_M = 5.0


class ConflictKind(StrEnum):
    """How two works are in each other's way."""

    OVERLAP = "overlap"
    ON_ITS_DETOUR = "on-its-detour"
    ITS_DETOUR_HERE = "its-detour-here"


class Found(Struct, frozen=True):
    """One conflict of a works with another: how, and when both are on (half-open; `end` None when open)."""

    works: str
    title: str
    kind: ConflictKind
    start: datetime
    end: datetime | None
    draft: bool


class _Ground(NamedTuple):
    """What finds the works near a geometry: the town, and metres around the works in question."""

    state: State
    to_metres: Callable[[Lonlat], Metric]

    def near(self, geometry: BaseGeometry) -> set[str]:
        """Return the ids of the works within `NEAR_M` of a geometry."""
        ids = self.state.index(Kind.WORKS).in_box(*_box_around(geometry))
        entries = [entry for id_ in ids if (entry := self.state.get(works_key(id_)))]
        places = np.array([entry.keys.geometry for entry in entries], dtype=np.object_)
        close = self.within(places, geometry)
        return {entry.record.key.id for entry, hit in zip(entries, close, strict=True) if hit}

    def within(self, places: Geometries, geometry: BaseGeometry) -> Flags:
        """Tell which places lie within `NEAR_M` of a geometry."""
        close: Flags = shapely.dwithin(self._in_metres(places), self._in_metres(geometry), NEAR_M)
        return close

    def _in_metres(self, places: Any) -> Any:  # noqa: ANN401 - one geometry or an array, as shapely.transform takes them
        return shapely.transform(places, lambda lonlat: self.to_metres(Lonlat(lonlat)))


def find_conflicts(state: State, record: Record, *, now: datetime) -> list[Found]:
    """Return the conflicts of a works with all others that are not over, in the order of their beginning.

    `on-its-detour`: the other stands on the detour of this one; `its-detour-here`: the other's detour leads through
    this one. Schedules are compared by their overall periods.
    """
    works: Works = overlay.effective(record)
    if status_at(works, now).over:
        return []
    middle = works.geometry.centroid
    ground = _Ground(state, local_metric(middle.x, middle.y))
    near = [(ConflictKind.OVERLAP, ground.near(works.geometry))]
    near += [(ConflictKind.ON_ITS_DETOUR, ground.near(line)) for line in _detours(works)]
    near += [(ConflictKind.ITS_DETOUR_HERE, _led_through(ground, works))]
    pairs = {(id_, kind) for kind, ids in near for id_ in ids if id_ != record.key.id}
    found = [conflict for id_, kind in pairs if (conflict := _meet(state, works, id_, kind=kind, now=now))]
    return sorted(found, key=lambda conflict: (conflict.start, conflict.works, conflict.kind))


def _led_through(ground: _Ground, works: Works) -> set[str]:
    """Return the ids of the works whose detour leads through this one."""
    detours = [(entry.record.key.id, line) for entry in ground.state.of_kind(Kind.WORKS) for line in _led(entry.record)]
    lines = np.array([line for _, line in detours], dtype=np.object_)
    close = ground.within(lines, works.geometry)
    return {id_ for (id_, _), hit in zip(detours, close, strict=True) if hit}


def _led(record: Record) -> Sequence[BaseGeometry]:
    return _detours(overlay.effective(record)) if isinstance(record.given, Works) else ()


def _detours(works: Works) -> Sequence[BaseGeometry]:
    return [detour.geometry for detour in works.impact.detours if detour.geometry is not None]


def _meet(state: State, works: Works, id_: str, *, kind: ConflictKind, now: datetime) -> Found | None:
    """Return the conflict of two works that meet in space, if they also meet in time."""
    entry = state.get(works_key(id_))
    if entry is None:
        return None
    other: Works = overlay.effective(entry.record)
    (start, end), (other_start, other_end) = period(works.schedule), period(other.schedule)
    begin = max(start, other_start)
    stop = min((moment for moment in (end, other_end) if moment), default=None)
    if status_at(other, now).over or (stop is not None and stop <= begin):
        return None
    return Found(id_, other.title, kind, begin, stop, other.visibility is Visibility.DRAFT)


def _box_around(geometry: BaseGeometry) -> tuple[float, float, float, float]:
    west, south, east, north = geometry.bounds
    sides = box_around(west, south, radius_m=NEAR_M), box_around(east, north, radius_m=NEAR_M)
    return (
        min(side[0] for side in sides),
        min(side[1] for side in sides),
        max(side[2] for side in sides),
        max(side[3] for side in sides),
    )
