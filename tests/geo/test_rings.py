"""Polygons asked together by their numbers alone, against asking each."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoworks.geo.rings import RING_VERTICES, ring_of, touching

# Places on a grid, so that many lie on borders and at corners.
_STEPS = st.integers(0, 8)
_PLACES = st.tuples(_STEPS, _STEPS)
_POLYGONS = (
    st.lists(_PLACES, min_size=3, max_size=9, unique=True)
    .map(shapely.Polygon)
    .filter(lambda polygon: polygon.is_valid and polygon.area > 0)
)
_GEOMETRIES = st.one_of(
    _PLACES.map(shapely.Point), st.lists(_PLACES, min_size=2, max_size=4, unique=True).map(shapely.LineString)
)


@given(polygons=st.lists(_POLYGONS, min_size=1, max_size=6), geometry=_GEOMETRIES)
def test_what_is_certain_is_so(polygons: list[shapely.Polygon], geometry: BaseGeometry) -> None:
    """What certainly holds a geometry does, and what neither does nor has to be asked has no point of it."""
    rings = [ring_of(polygon) for polygon in polygons]
    certain, doubtful = touching(np.array(rings, dtype=float), geometry.bounds)
    for polygon, is_certain, is_doubtful in zip(polygons, certain, doubtful, strict=True):
        if not is_doubtful:
            assert is_certain == polygon.intersects(geometry)


def test_most_are_told_without_asking() -> None:
    """What is well inside or well outside has not to be asked."""
    ring = ring_of(shapely.Point(0, 0).buffer(1, quad_segs=8))
    found = [touching(np.array([ring]), shapely.Point(x, 0.1).bounds) for x in (0.0, 0.6, 2.0)]
    assert [(bool(certain[0]), bool(doubtful[0])) for certain, doubtful in found] == [
        (True, False),
        (True, False),
        (False, False),
    ]


def test_some_polygons_have_no_row() -> None:
    """A polygon with a hole, several parts or very many vertices is asked itself."""
    box = shapely.box(0, 0, 3, 3)
    assert ring_of(box.difference(shapely.box(1, 1, 2, 2))) is None
    assert ring_of(shapely.MultiPolygon([box, shapely.box(5, 5, 6, 6)])) is None
    assert ring_of(shapely.Point(0, 0).buffer(1, quad_segs=RING_VERTICES)) is None
