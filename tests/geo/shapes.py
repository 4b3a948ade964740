"""Made-up geometries for the tests of `geoworks.geo`: valid, lon/lat degrees, 6 decimals."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

# A small town, so that much of it overlaps.
WEST, SOUTH = 2.3, 48.6

# Few places on a coarse grid make touching, shared and collinear borders common; fine ones make them odd.
_coarse = st.tuples(*(st.integers(0, 8).map(lambda n: n * 500) for _ in range(2)))
_fine = st.tuples(*(st.integers(0, 4000) for _ in range(2)))


def _lonlat(micro: tuple[int, int]) -> tuple[float, float]:
    return round(WEST + micro[0] / 1e6, 6), round(SOUTH + micro[1] / 1e6, 6)


def _join(parts: list[shapely.LineString]) -> BaseGeometry:
    return shapely.MultiLineString(parts)


positions = st.one_of(_coarse, _fine).map(_lonlat)


@st.composite
def lines(draw: st.DrawFn) -> shapely.LineString:
    """Draw a line that may cross and repeat itself."""
    return shapely.LineString(draw(st.lists(positions, min_size=2, max_size=8).filter(lambda line: len(set(line)) > 1)))


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    """Draw a polygon: a box, or the ring round some places."""
    corners = draw(st.lists(positions, min_size=3, max_size=7, unique=True))
    if draw(st.booleans()):
        ring = shapely.box(*shapely.MultiPoint(corners).bounds)
    else:
        middle = np.mean(corners, axis=0)
        ring = shapely.Polygon(sorted(corners, key=lambda at: np.arctan2(at[1] - middle[1], at[0] - middle[0])))
    return ring if ring.is_valid and ring.area > 0 else draw(polygons())


multilines = st.lists(lines(), min_size=1, max_size=3).map(_join)
points = positions.map(shapely.Point)
multipoints = st.lists(positions, min_size=1, max_size=4, unique=True).map(shapely.MultiPoint)


@st.composite
def multipolygons(draw: st.DrawFn) -> BaseGeometry:
    """Draw two polygons that do not overlap."""
    first, second = draw(polygons()), draw(polygons())
    both = shapely.MultiPolygon([first, second])
    return both if both.is_valid else first


geometries = st.one_of(points, multipoints, lines(), multilines, polygons(), multipolygons())
