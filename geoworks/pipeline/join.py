"""Which zones a works lies in, and how much of it: the spatial join."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.clip import LineClip
from geoworks.geo.measure import areas_m2, lengths_m
from geoworks.geo.types import Geometries, Numbers, Places
from geoworks.model.works import Effect

# So many works are joined at once: it bounds the memory, more brings no speed.
_BLOCK = 16_384
# Below so many lines on a border GEOS is quicker than arithmetic over arrays.
_FEW = 16
_POINT, _LINE, _AREA = 0, 1, 2


class ZoneJoin:
    """Zones made ready to be joined with works.

    Its geometries are copies, prepared: prepared geometries crash when two threads use them, so one thread
    builds it and asks it. It never changes; other zones are another join.
    """

    def __init__(self, zones: Sequence[tuple[str, BaseGeometry]]) -> None:
        """Take the zones: id and polygon or multipolygon in lon/lat degrees with 6 decimals."""
        ordered = sorted(zones, key=lambda zone: zone[0])
        self._ids = [zone for zone, _ in ordered]
        given = np.array([geometry for _, geometry in ordered], dtype=np.object_)
        self._zones: Geometries = shapely.from_wkb(shapely.to_wkb(given))
        shapely.prepare(self._zones)
        self._tree = STRtree(self._zones)
        self._clip = LineClip(self._zones)

    def effects(self, geometries: Sequence[BaseGeometry] | Geometries) -> list[tuple[Effect, ...]]:
        """Return what each works does to the zones, the largest share first.

        A line counts where it has length in a zone, a polygon where it has area, a point where it is inside or on
        the border. What rounds to nothing in share and measure is no effect.
        """
        works = np.asarray(geometries, dtype=np.object_)
        blocks = (works[first : first + _BLOCK] for first in range(0, len(works), _BLOCK))
        return [effects for block in blocks for effects in self._block_effects(block)]

    def _block_effects(self, works: Geometries) -> list[tuple[Effect, ...]]:
        work, zone = self._tree.query(works)
        dimension = shapely.get_dimensions(works)
        whole = _measures(works, dimension)
        part = self._parts(works, (work, zone), whole)
        share = np.minimum(part / whole[work], 1.0)
        return self._tell(_Overlaps(work, zone, dimension[work], share.round(3), part.round(1)), len(works))

    def _parts(self, works: Geometries, pairs: tuple[Places, Places], whole: Numbers) -> Numbers:
        """Return for pairs of a works and a zone the measure of what lies inside; `whole` is by works."""
        work, zone = pairs
        clipped = shapely.get_dimensions(works)[work] == _LINE
        if np.count_nonzero(clipped) > _FEW:
            part = np.empty(len(work))
            part[clipped] = self._clip.lengths_inside(works, work[clipped], zone[clipped])
            part[~clipped] = self._cut(works, (work[~clipped], zone[~clipped]), whole)
            return part
        return self._cut(works, pairs, whole)

    def _cut(self, works: Geometries, pairs: tuple[Places, Places], whole: Numbers) -> Numbers:
        """Do so with GEOS: what touches no border of the zone is whole, only the rest is cut."""
        work, zone = pairs
        part = whole[work]
        rest = np.flatnonzero(~shapely.contains_properly(self._zones[zone], works[work]))
        inside = shapely.intersection(self._zones[zone[rest]], works[work[rest]])
        part[rest] = _measures(inside, shapely.get_dimensions(works[work[rest]]))
        return part

    def _tell(self, overlaps: _Overlaps, works: int) -> list[tuple[Effect, ...]]:
        """Make the effects of each of so many works."""
        told = overlaps.in_order()
        effects = [
            Effect(
                self._ids[zone], share, measure if dimension == _LINE else None, measure if dimension == _AREA else None
            )
            for zone, dimension, share, measure in zip(*(column.tolist() for column in told[1:]), strict=True)
        ]
        ends = np.searchsorted(told.work, np.arange(works + 1)).tolist()
        return [tuple(effects[begin:end]) for begin, end in pairwise(ends)]


class _Overlaps(NamedTuple):
    """Pairs of a works and a zone, one row each; the measure in metres, square metres or points."""

    work: Places
    zone: Places
    dimension: Places
    share: Numbers
    measure: Numbers

    def in_order(self) -> Self:
        """Return those worth telling, by works, the largest share first, then by zone."""
        worth = np.flatnonzero((self.share > 0) | (self.measure > 0))
        order = worth[np.lexsort((self.zone[worth], -self.share[worth], self.work[worth]))]
        work, zone, dimension = self.work[order], self.zone[order], self.dimension[order]
        return type(self)(work, zone, dimension, self.share[order], self.measure[order])


def _measures(geometries: Geometries, dimension: Places) -> Numbers:
    """Return the metres of lines, square metres of polygons and number of points, each counting that alone."""
    measures = np.zeros(len(geometries))
    for kind, measure in _MEASURE.items():
        places = np.flatnonzero(dimension == kind)
        if len(places):
            measures[places] = measure(geometries[places])
    return measures


_MEASURE: dict[int, Callable[[Geometries], Numbers | Places]] = {
    _POINT: shapely.get_num_coordinates,
    _LINE: lengths_m,
    _AREA: areas_m2,
}
