"""The ground that areas cover: what of the town is there, and when a driver gets to it.

Prepared geometries belong to the event loop's thread, as does all here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import shapely
from msgspec import structs
from shapely.geometry.base import BaseGeometry

from geoworks.geo.frame import frame_at
from geoworks.geo.measure import box_around
from geoworks.geo.route import Pieces, RouteLine, Stretch, arrival
from geoworks.geo.types import Box, Flags, Geometries, Numbers
from geoworks.hub.areas import Area, Around, Disc, Everywhere, InZones, Shape, Way
from geoworks.hub.ground import ANYTIME, Ground, Meeting, Place, overlap
from geoworks.hub.outlines import DiscPlace, ShapePlace
from geoworks.model.change import Key, Kind, MatchKeys
from geoworks.state import Entry

# What is so far behind a driver is passed; nearer it may be the place the driver is at.
_BEHIND_M = 50.0
# Further off than this a driver is not on the route (any more): all that lies ahead stays told.
_OFF_ROUTE_M = 150.0
# So far nobody travels between two positions: the driver is somewhere else, and what lies between was not passed.
_LEAP_M = 5_000.0
_MOST_PASSES = 4_096


class Anywhere(Place):
    """The whole town."""

    def meet(self, key: Key, keys: MatchKeys) -> Meeting:  # noqa: ARG002 - everything is here
        """Tell that it is here."""
        return ANYTIME


class Zones(Place):
    """Some zones: what has an effect in one of them, and the zones themselves."""

    def __init__(self, zones: Sequence[str]) -> None:
        """Keep their ids."""
        self._zones = frozenset(zones)

    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:
        """Tell whether a version of a feature has an effect in one of them."""
        itself = key.kind is Kind.ZONE and key.id in self._zones
        return ANYTIME if itself or any(zone in self._zones for zone in keys.zones) else None


class AroundPlace(Ground):
    """What is within a radius of a driver, and of the way since the position before."""

    def __init__(self, around: Around) -> None:
        """Measure in the frame that neighbours share."""
        self._around = around
        self._radius_m = around.radius_m
        if around.path:
            self._frame = frame_at(*around.path[-1])
            self._box = _box_of([box_around(*at, radius_m=self._radius_m) for at in around.path])
            places = [self._frame.point(*at) for at in around.path]
            self._path = shapely.Point(places[0]) if len(places) == 1 else shapely.linestrings(places)

    @property
    def boxes(self) -> Numbers:
        """Return the box that holds it, or none before there is a position."""
        return np.array([self._box]) if self._around.path else np.empty((0, 4))

    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:  # noqa: ARG002 - every kind is treated alike
        """Tell whether a feature's geometry comes within the radius."""
        if not self._around.path or not overlap(self._box, keys.geometry.bounds):
            return None
        return ANYTIME if self._frame.place(keys.geometry).dwithin(self._path, self._radius_m) else None

    def meetings(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Meeting]]:
        """Yield which of many are here, all measured at once."""
        near = self.near([entry.keys.geometry for entry in entries])
        yield from ((entries[place], ANYTIME) for place in np.flatnonzero(near).tolist())

    def near(self, geometries: Sequence[BaseGeometry]) -> Flags:
        """Tell which geometries come within the radius."""
        if not self._around.path or not geometries:
            return np.zeros(len(geometries), dtype=np.bool_)
        return self._reach(np.array(self._frame.place_all(geometries), dtype=np.object_))

    def box_with(self, other: AroundPlace) -> Box:
        """Return the box, once the driver has told a position, that holds this and another one."""
        return _box_of([self._box, other._box]) if other.is_known else self._box

    def passed(self, before: AroundPlace, geometries: Sequence[BaseGeometry]) -> tuple[Flags, Flags]:
        """Tell which geometries have come within the radius since a place before, and which have left it."""
        if not before.is_known or before._frame is not self._frame:
            was, now = before.near(geometries), self.near(geometries)
        else:
            placed = np.array(self._frame.place_all(geometries), dtype=np.object_)
            paths = np.array([[before._path], [self._path]], dtype=np.object_)
            was, now = shapely.dwithin(placed, paths, self._radius_m)
        return now & ~was, was & ~now

    @property
    def is_known(self) -> bool:
        """Tell whether the driver has told a position."""
        return bool(self._around.path)

    def _reach(self, placed: Geometries) -> Flags:
        near: Flags = shapely.dwithin(placed, self._path, self._radius_m)
        return near

    def moved(self, at: tuple[float, float]) -> Around:
        """Return the area when the driver is at another place."""
        before = self._around.path[-1:]
        if not before or before == (at,):
            return Around(self._radius_m, (at,))
        leap_m = math.dist(self._frame.point(*before[0]), self._frame.point(*at))
        return Around(self._radius_m, (at,) if leap_m > _LEAP_M else (*before, at))


Passes = dict[int, tuple[BaseGeometry, Sequence[Stretch]]]


class WayPlace(Ground):
    """A route: works on it, zones it crosses, reports beside it, as far as they lie ahead."""

    def __init__(self, way: Way, line: RouteLine | None = None, passes: Passes | None = None) -> None:
        """Read the line, or take what is known of the same route with the driver elsewhere."""
        self._way = way
        self._line = line or RouteLine(shapely.from_wkb(way.wkb), corridor_m=way.corridor_m)
        # By identity: while a geometry is kept here nothing else can have its place in memory.
        self._passes: Passes = {} if passes is None else passes

    @property
    def boxes(self) -> Numbers:
        """Return boxes that hold the pieces of the line with their corridors."""
        return self._line.boxes

    @property
    def pieces(self) -> Pieces | None:
        """Return the same pieces for a bundle of routes, if they fit into one."""
        return self._line.pieces

    @property
    def is_plain(self) -> bool:
        """Tell whether all that lies on the route counts, wherever the driver is and whenever."""
        return self._way.depart is None and self._way.passed_m is None

    @property
    def corridor_m(self) -> float:
        """Return how far beside the route a feature may be."""
        return self._way.corridor_m

    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:
        """Tell whether a works is on the route, or another feature within the corridor, and when it is reached."""
        if key.kind is not Kind.WORKS:
            return ANYTIME if self._line.near(keys.geometry) else None
        ahead = [stretch for stretch in self._stretches(keys) if self._is_ahead(stretch)]
        if not ahead:
            return None
        depart = self._way.depart
        return ANYTIME if depart is None else Meeting(self._times(ahead[0], depart))

    def moved(self, at: tuple[float, float], moment: datetime) -> Way:
        """Return the area when the driver is at a place; of somebody who is not on the route it stays the same."""
        along_m, off_m = self._line.along(*at, hint_m=self._way.passed_m)
        if off_m > self._way.corridor_m + _OFF_ROUTE_M:
            return self._way
        depart = None if self._way.depart is None else moment
        return structs.replace(self._way, passed_m=along_m, depart=depart)

    def again(self, way: Way) -> WayPlace:
        """Return the place of the same route with the driver elsewhere."""
        return WayPlace(way, self._line, self._passes)

    def _stretches(self, keys: MatchKeys) -> Sequence[Stretch]:
        """Return where on the route a works lies; a driver asks it of the same works at every position."""
        found = self._passes.get(id(keys.geometry))
        if found is None:
            if len(self._passes) >= _MOST_PASSES:
                self._passes.clear()
            direction = keys.terms.works.direction if keys.terms else None
            found = (keys.geometry, self._line.stretches(keys.geometry, direction))
            self._passes[id(keys.geometry)] = found
        return found[1]

    def _is_ahead(self, stretch: Stretch) -> bool:
        return stretch.to_m >= (self._way.passed_m or 0.0) - _BEHIND_M

    def _times(self, stretch: Stretch, depart: datetime) -> tuple[datetime, datetime]:
        earliest_s, latest_s = arrival(stretch, self._way.speed_kmh, from_m=self._way.passed_m or 0.0)
        return depart + timedelta(seconds=earliest_s), depart + timedelta(seconds=latest_s)


def place_of(area: Area) -> Place:
    """Return the ground an area covers."""
    match area:
        case Everywhere():
            return Anywhere()
        case InZones(zones):
            return Zones(zones)
        case Shape():
            return ShapePlace(area)
        case Disc():
            return DiscPlace(area)
        case Around():
            return AroundPlace(area)
        case Way():
            return WayPlace(area)


def _box_of(boxes: Sequence[Box]) -> Box:
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return min(wests), min(souths), max(easts), max(norths)
