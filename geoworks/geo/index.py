"""Which features lie somewhere: an index of places that changes one feature at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.measure import box_around, distances_m
from geoworks.geo.types import Flags, Geometries, Numbers, Places

# Fresh features are looked through one by one (26 ns each); a shard is rebuilt in about 2 ms, so that no change
# holds the loop longer, however many features there are.
_FRESH_MOST = 1024
_SHARD_MOST = 8192


class FeatureIndex:
    """Feature ids by place; geometries in lon/lat degrees.

    A tree cannot change once built, so features are kept in several: what is put waits among the fresh until
    there are enough of them for a shard, what is discarded from a shard is only marked. Not safe across threads:
    an index belongs to the event loop's.
    """

    def __init__(self) -> None:
        self._fresh: dict[str, BaseGeometry] = {}
        self._fresh_array: Geometries | None = None
        self._fresh_boxes: Numbers | None = None
        self._shards: list[_Shard] = []

    def __len__(self) -> int:
        return len(self._fresh) + sum(map(len, self._shards))

    def put(self, feature_id: str, geometry: BaseGeometry) -> None:
        """Take in a feature, or move it."""
        self.discard(feature_id)
        self._fresh[feature_id] = geometry

    def discard(self, feature_id: str) -> None:
        """Drop a feature, if it is there."""
        self._fresh_array = self._fresh_boxes = None
        if self._fresh.pop(feature_id, None) is None:
            any(shard.discard(feature_id) for shard in self._shards)

    def intersecting(self, geometry: BaseGeometry) -> list[str]:
        """Return the ids of the features that share a point with a geometry, in no set order."""
        return [hit for ids, _ in self._hits(geometry) for hit in ids]

    def in_box(self, west: float, south: float, east: float, north: float) -> list[str]:
        """Return the ids of the features that share a point with a box in degrees, in no set order."""
        return self.intersecting(shapely.box(west, south, east, north))

    def in_bounds(self, bounds: tuple[float, float, float, float]) -> tuple[list[str], list[BaseGeometry]]:
        """Return the features whose own bounds meet some (west, south, east, north), in no set order.

        Their ids come first, then the geometry of each.
        """
        self._settle_many()
        ids: list[str] = []
        geometries: list[BaseGeometry] = []
        if self._shards:
            west, south, east, north = bounds
            # For a tree only the bounds count, and a line is made sooner than a box; an array of one is asked sooner.
            across: Geometries = np.asarray(shapely.linestrings([[(west, south), (east, north)]]), dtype=np.object_)
            for shard in self._shards:
                shard.add_in_bounds(across, ids, geometries)
        if self._fresh:
            fresh = list(self._fresh.items())
            for place in np.flatnonzero(_meet(self._fresh_bounds(), bounds)).tolist():
                ids.append(fresh[place][0])
                geometries.append(fresh[place][1])
        return ids, geometries

    def near(self, lon: float, lat: float, *, radius_m: float) -> list[tuple[str, float]]:
        """Return the features within a radius and their distances in metres, the nearest first."""
        west, south, east, north = box_around(lon, lat, radius_m=radius_m)
        # What sticks out beyond the antimeridian comes in again on the other side.
        turns = [turn for turn in (-360, 0, 360) if west + turn <= 180 and east + turn >= -180]  # noqa: PLR2004
        around = shapely.MultiPolygon([shapely.box(west + turn, south, east + turn, north) for turn in turns])
        found: list[tuple[str, float]] = []
        for ids, geometries in self._hits(around):
            metres = distances_m(lon, lat, geometries).tolist()
            found += [hit for hit in zip(ids, metres, strict=True) if hit[1] <= radius_m]
        return sorted(found, key=lambda hit: (hit[1], hit[0]))

    def _hits(self, geometry: BaseGeometry) -> Iterator[tuple[list[str], Geometries]]:
        self._settle_many()
        if self._fresh:
            yield self._fresh_hits(geometry)
        for shard in self._shards:
            yield shard.hits(geometry)

    def _fresh_hits(self, geometry: BaseGeometry) -> tuple[list[str], Geometries]:
        if self._fresh_array is None:
            self._fresh_array = as_array(self._fresh)
        places = np.flatnonzero(shapely.intersects(self._fresh_array, geometry))
        ids = list(self._fresh)
        return [ids[place] for place in places], self._fresh_array[places]

    def _fresh_bounds(self) -> Numbers:
        if self._fresh_boxes is None:
            self._fresh_boxes = shapely.bounds(as_array(self._fresh))
        return self._fresh_boxes

    def _settle_many(self) -> None:
        if len(self._fresh) > _FRESH_MOST:
            self._settle()

    def _settle(self) -> None:
        """Move the fresh into shards: into the one with most room if they fit, else into new ones."""
        roomiest = min(self._shards, key=len, default=None)
        if roomiest is not None and len(roomiest) + len(self._fresh) <= _SHARD_MOST:
            self._shards.remove(roomiest)
            self._fresh = dict(roomiest.members()) | self._fresh
        waiting = iter(self._fresh.items())
        while members := dict(islice(waiting, _SHARD_MOST)):
            self._shards.append(_Shard(members))
        self._fresh = {}
        self._fresh_array = self._fresh_boxes = None


class _Shard:
    """A tree over some features that only loses members."""

    def __init__(self, members: Mapping[str, BaseGeometry]) -> None:
        self._ids = np.array(list(members), dtype=np.object_)
        self._place = {member: place for place, member in enumerate(members)}
        self._geometries = as_array(members)
        self._alive = np.ones(len(members), dtype=np.bool_)
        self._tree = STRtree(self._geometries)

    def __len__(self) -> int:
        return len(self._place)

    def members(self) -> Iterator[tuple[str, BaseGeometry]]:
        """Yield what is still alive."""
        return ((member, self._geometries[place]) for member, place in self._place.items())

    def discard(self, feature_id: str) -> bool:
        """Mark a member as gone; tell whether it was here."""
        place = self._place.pop(feature_id, None)
        if place is not None:
            self._alive[place] = False
        return place is not None

    def add_in_bounds(self, across: Geometries, ids: list[str], geometries: list[BaseGeometry]) -> None:
        """Add the members whose bounds meet those of the one geometry given."""
        places: Places = self._tree.query(across)[1]
        alive = places[self._alive[places]]
        ids += self._ids[alive].tolist()
        geometries += self._geometries[alive].tolist()

    def hits(self, geometry: BaseGeometry) -> tuple[list[str], Geometries]:
        """Return the members that share a point with a geometry (the tree prepares a copy, not the geometry)."""
        places: Places = self._tree.query(geometry, predicate="intersects")
        places = places[self._alive[places]]
        ids: list[str] = self._ids[places].tolist()
        return ids, self._geometries[places]


def _meet(boxes: Numbers, bounds: tuple[float, float, float, float]) -> Flags:
    """Tell which boxes, a row each, meet some bounds."""
    west, south, east, north = bounds
    meet: Flags = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    return meet


def as_array(members: Mapping[str, BaseGeometry]) -> Geometries:
    """Return the geometries as an array of shapely's."""
    return np.array(list(members.values()), dtype=np.object_)
