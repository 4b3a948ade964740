"""Which zones a works lies in, and how much of it: the spatial join."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.clip import LineClip
from geoworks.geo.measure import AREA, LINE, dimension_of, extent, extents
from geoworks.geo.types import Geometries, Numbers, Places
from geoworks.model.works import Effect

# Up to so many works are joined one by one: for few, calls on arrays take longer than what they do.
_FEW = 16
# More are joined in blocks: it bounds the memory, larger ones bring no speed.
_BLOCK = 16_384
_SHARES, _EXTENTS = 1000, 10


class ZoneJoin:
    """Zones made ready to be joined with works.

    Its geometries are copies, prepared: two threads that use the same prepared geometry crash, so one thread
    builds this and asks it. It never changes; other zones are another join.
    """

    def __init__(self, zones: Sequence[tuple[str, BaseGeometry]]) -> None:
        """Take the zones: id and polygon or multipolygon in lon/lat degrees with 6 decimals."""
        ordered = sorted(zones, key=lambda zone: zone[0])
        self._ids = np.array([zone for zone, _ in ordered], dtype=np.object_)
        given = np.array([geometry for _, geometry in ordered], dtype=np.object_)
        self._zones: Geometries = shapely.from_wkb(shapely.to_wkb(given))
        shapely.prepare(self._zones)
        # For one works alone: a list gives its members quicker than an array.
        self._each: list[tuple[str, BaseGeometry]] = list(zip(self._ids.tolist(), self._zones.tolist(), strict=True))
        self._tree = STRtree(self._zones)
        # A tree that is asked for one geometry spends as long on making it an array as on the search.
        self._asked = np.empty(1, dtype=np.object_)
        self._clip = LineClip(self._zones)

    def effects(self, geometries: Sequence[BaseGeometry] | Geometries) -> list[tuple[Effect, ...]]:
        """Return the effects of each works, the largest share first, then by zone.

        A line counts where it has length in a zone, a polygon where it has area, a point where it is inside; what
        lies on the border of a zone is inside. What rounds to nothing is no effect.
        """
        if len(geometries) <= _FEW:
            return [self._effects_of_one(works) for works in geometries]
        works = np.asarray(geometries, dtype=np.object_)
        blocks = (works[first : first + _BLOCK] for first in range(0, len(works), _BLOCK))
        return [effects for block in blocks for effects in self._effects_of_block(block)]

    def _effects_of_one(self, works: BaseGeometry) -> tuple[Effect, ...]:
        dimension = dimension_of(works)
        whole = extent(works, dimension)
        overlaps = []
        self._asked[0] = works
        for place in self._tree.query(self._asked)[1].tolist():
            id_, zone = self._each[place]
            if zone.contains_properly(works):
                inside = whole
            elif zone.intersects(works):
                inside = self._cut_one(place, zone, works, dimension)
            else:
                continue
            # Rounded as arrays are: `round(x, 3)` goes another way at some halves.
            share = round(min(inside / whole, 1.0) * _SHARES) / _SHARES
            inside = round(inside * _EXTENTS) / _EXTENTS
            if share or inside:
                length_m, area_m2 = inside if dimension == LINE else None, inside if dimension == AREA else None
                overlaps.append((-share, place, Effect(id_, share, length_m, area_m2)))
        if len(overlaps) > 1:
            overlaps.sort()
        return tuple([effect for _, _, effect in overlaps])

    def _cut_one(self, place: int, zone: BaseGeometry, works: BaseGeometry, dimension: int) -> float:
        """Return how much of a works is inside a zone whose border it meets."""
        # An intersection holds once what a line passes twice (to the end of a dead end and back).
        if dimension == LINE and not works.is_simple:
            inside, _ = self._clip.metres(np.array([works], dtype=np.object_), np.array([0]), np.array([place]))
            return float(inside[0])
        return extent(zone.intersection(works), dimension)

    def _effects_of_block(self, works: Geometries) -> list[tuple[Effect, ...]]:
        work, zone = self._tree.query(works)
        dimension = shapely.get_dimensions(works)[work]
        inside, whole = np.empty(len(work)), np.empty(len(work))
        for some, measure in ((dimension == LINE, self._clip.metres), (dimension != LINE, self._cut)):
            inside[some], whole[some] = measure(works, work[some], zone[some])
        share = np.minimum(inside / whole, 1.0)
        overlaps = _Overlaps(work, zone, dimension, _rounded(share, _SHARES), _rounded(inside, _EXTENTS))
        return self._tell(overlaps.in_order(), len(works))

    def _cut(self, works: Geometries, work: Places, zone: Places) -> tuple[Numbers, Numbers]:
        """Return for pairs of places, of points or polygons and of zones, how much is inside and how much in all."""
        whole = extents(works[work], shapely.get_dimensions(works[work]))
        inside = whole.copy()
        # What is inside and touches no border needs no cutting.
        rest = np.flatnonzero(~shapely.contains_properly(self._zones[zone], works[work]))
        cut = shapely.intersection(self._zones[zone[rest]], works[work[rest]])
        inside[rest] = extents(cut, shapely.get_dimensions(works[work[rest]]))
        return inside, whole

    def _tell(self, overlaps: _Overlaps, works: int) -> list[tuple[Effect, ...]]:
        """Return the effects of each of so many works."""
        nothing = np.full(len(overlaps.work), None, dtype=np.object_)
        lengths = np.where(overlaps.dimension == LINE, overlaps.inside.astype(np.object_), nothing)
        areas = np.where(overlaps.dimension == AREA, overlaps.inside.astype(np.object_), nothing)
        columns = (self._ids[overlaps.zone], overlaps.share, lengths, areas)
        effects = list(map(Effect, *(column.tolist() for column in columns)))
        ends = np.searchsorted(overlaps.work, np.arange(works + 1)).tolist()
        return [tuple(effects[begin:end]) for begin, end in pairwise(ends)]


class _Overlaps(NamedTuple):
    """Pairs of a works and a zone by their places: the share inside, and how much it is in the works' dimension."""

    work: Places
    zone: Places
    dimension: Places
    share: Numbers
    inside: Numbers

    def in_order(self) -> Self:
        """Return those that are any, by works, the largest share first, then by zone."""
        some = np.flatnonzero((self.share > 0) | (self.inside > 0))
        order = some[np.lexsort((self.zone[some], -self.share[some], self.work[some]))]
        work, zone, dimension = self.work[order], self.zone[order], self.dimension[order]
        return type(self)(work, zone, dimension, self.share[order], self.inside[order])


def _rounded(numbers: Numbers, parts: int) -> Numbers:
    """Round to a part of one, just as for one works alone."""
    rounded: Numbers = np.rint(numbers * parts) / parts
    return rounded
