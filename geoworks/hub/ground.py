"""An index of the places that questions ask about: it tells which of them a feature touches.

Trees cannot change once built, so places live in shards: a small fresh one, looked through at once as arrays of
bounds, and trees of bounded size, from which members are only struck out. It holds pieces, not buffered outlines
(a circle is a centre and a radius), which is six times faster to ask.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import islice
from typing import Generic, TypeVar

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Flags, Lonlat, Places
from geoworks.hub.areas import DiscPlace, ShapePlace, within_discs

T = TypeVar("T", bound=Hashable)

# A rebuild stays near 5 ms, and the fresh are compared in about 10 µs.
_FRESH_MOST = 1024
_SHARD_MOST = 16_384


class Ground(Generic[T]):
    """Questions by the place they ask about; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._fresh: dict[T, ShapePlace | DiscPlace] = {}
        self._fresh_shard: _Shard[T] | None = None
        self._shards: list[_Shard[T]] = []

    def __len__(self) -> int:
        """Return how many questions it holds."""
        return len(self._fresh) + sum(map(len, self._shards))

    def add(self, question: T, place: ShapePlace | DiscPlace) -> None:
        """Take in a question that is not there yet."""
        self._fresh[question] = place
        self._fresh_shard = None
        if len(self._fresh) > _FRESH_MOST:
            self._settle()

    def discard(self, question: T) -> None:
        """Drop a question, if it is there."""
        if self._fresh.pop(question, None) is not None:
            self._fresh_shard = None
        else:
            any(shard.discard(question) for shard in self._shards)

    def touched(self, geometry: BaseGeometry) -> Iterator[T]:
        """Yield the questions whose place shares a point with a geometry."""
        if self._fresh:
            self._fresh_shard = self._fresh_shard or _Shard(self._fresh)
            yield from self._fresh_shard.touched(geometry)
        for shard in self._shards:
            yield from shard.touched(geometry)

    def _settle(self) -> None:
        """Move the fresh into trees: into the one with most room if they fit, else into new ones."""
        roomiest = min(self._shards, key=len, default=None)
        if roomiest is not None and len(roomiest) + len(self._fresh) <= _SHARD_MOST:
            self._shards.remove(roomiest)
            self._fresh = dict(roomiest.members()) | self._fresh
        waiting = iter(self._fresh.items())
        while members := dict(islice(waiting, _SHARD_MOST)):
            self._shards.append(_Shard(members, tree=True))
        self._fresh, self._fresh_shard = {}, None


class _Shard(Generic[T]):
    """Some questions that only become fewer, as arrays."""

    def __init__(self, members: Mapping[T, ShapePlace | DiscPlace], *, tree: bool = False) -> None:
        self._questions = list(members)
        self._places = list(members.values())
        self._at = {question: at for at, question in enumerate(self._questions)}
        self._alive: Flags = np.ones(len(members), dtype=np.bool_)
        self._bounds = np.array([place.bounds for place in self._places])
        self._tree = STRtree(shapely.box(*self._bounds.T)) if tree else None
        # A disc has no shape and a shape no radius: what is missing is None and NaN.
        self._shapes = np.array([getattr(place, "geometry", None) for place in self._places], dtype=np.object_)
        self._radii_m = np.array([getattr(place, "radius_m", np.nan) for place in self._places])
        self._centers = np.array([_center(place) for place in self._places])

    def __len__(self) -> int:
        return len(self._at)

    def members(self) -> Iterator[tuple[T, ShapePlace | DiscPlace]]:
        """Yield what is still there."""
        return ((question, self._places[at]) for question, at in self._at.items())

    def discard(self, question: T) -> bool:
        """Strike a question out; tell whether it was here."""
        at = self._at.pop(question, None)
        if at is not None:
            self._alive[at] = False
        return at is not None

    def touched(self, geometry: BaseGeometry) -> Iterator[T]:
        """Yield the questions whose place shares a point with a geometry."""
        near = self._near(geometry)
        near = near[self._alive[near]]
        discs = ~np.isnan(self._radii_m[near])
        shapes = near[~discs]
        yield from self._chosen(shapes[shapely.intersects(self._shapes[shapes], geometry)])
        if discs.any():
            round_ = near[discs]
            centers = Lonlat(self._centers[round_])
            yield from self._chosen(round_[within_discs(centers, self._radii_m[round_], geometry)])

    def _near(self, geometry: BaseGeometry) -> Places:
        """Return where the bounds meet those of a geometry."""
        if self._tree is not None:
            near: Places = self._tree.query(geometry)
            return near
        west, south, east, north = geometry.bounds
        box = self._bounds
        meets = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        return np.flatnonzero(meets)

    def _chosen(self, places: Places) -> Iterator[T]:
        return (self._questions[at] for at in places)


def _center(place: ShapePlace | DiscPlace) -> tuple[float, float]:
    if isinstance(place, DiscPlace):
        lon, lat = place.center[0]
        return float(lon), float(lat)
    return np.nan, np.nan
