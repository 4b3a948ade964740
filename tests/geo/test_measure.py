"""Lengths, areas and distances against pyproj's geodesics."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from geoworks.geo.measure import (
    area_m2,
    areas_m2,
    box_around,
    dimension_of,
    distance_m,
    extent,
    extents,
    length_m,
    lengths_m,
)
from tests.geo.shapes import geometries, lines, multilines, multipolygons, polygons

GEOD = Geod(ellps="WGS84")


def some(*shapes: BaseGeometry) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    """Return geometries as an array."""
    return np.array(shapes, dtype=np.object_)


@given(st.lists(st.one_of(lines(), multilines), min_size=1, max_size=4))
def test_lengths_are_geodesic(drawn: list[BaseGeometry]) -> None:
    """Lines and multilines have pyproj's length, to far better than 0.1 %, alone and among others."""
    expected = [GEOD.geometry_length(line) for line in drawn]
    assert lengths_m(some(*drawn)).tolist() == pytest.approx(expected, rel=1e-5)
    assert [length_m(line) for line in drawn] == pytest.approx(expected, rel=1e-5)


@given(lon=st.floats(-170, 170), lat=st.floats(-75, 75), bearing=st.floats(0, 360), far_m=st.floats(1, 100_000))
def test_long_segments_stay_within_a_thousandth(lon: float, lat: float, bearing: float, far_m: float) -> None:
    """One segment up to 100 km, anywhere but at the poles, is right to 0.1 %."""
    there = GEOD.fwd(lon, lat, bearing, far_m)[:2]
    assume(abs(there[0] - lon) < 90)
    line = shapely.LineString([(lon, lat), there])
    assert length_m(line) == pytest.approx(far_m, rel=1e-3)
    assert lengths_m(some(line)).tolist() == pytest.approx([length_m(line)], rel=1e-12)


def test_a_line_of_many_vertices_has_the_same_length_both_ways() -> None:
    """Long lines go through arrays, short ones through numbers; the sum is the same."""
    steps = np.random.default_rng(3).normal(0, 1e-4, (5_000, 2))
    steps = np.array([2.3, 48.6]) + steps.cumsum(axis=0)
    whole = shapely.LineString(steps)
    pieces = sum(length_m(shapely.LineString(steps[first : first + 11])) for first in range(0, 4_999, 10))
    assert length_m(whole) == pytest.approx(pieces, rel=1e-9)


@given(st.one_of(polygons(), multipolygons()))
def test_areas_are_geodesic(polygon: BaseGeometry) -> None:
    """Polygons have pyproj's area, but for its edges being geodesics and ours straight in degrees."""
    expected = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(polygon))[0])
    assert areas_m2(some(polygon)).tolist() == pytest.approx([expected], rel=1e-4, abs=2)
    assert area_m2(polygon) == pytest.approx(expected, rel=1e-4, abs=2)


@pytest.mark.parametrize("size_deg", [0.01, 0.1, 1.0, 2.0])
@pytest.mark.parametrize("lat", [-60, 0, 48.6, 65])
def test_large_areas_stay_within_a_thousandth(lat: float, size_deg: float) -> None:
    """A polygon as large as a region is right to 0.1 %."""
    square = shapely.segmentize(shapely.box(2, lat, 2 + size_deg, lat + size_deg), size_deg / 50)
    assert area_m2(square) == pytest.approx(abs(GEOD.geometry_area_perimeter(square)[0]), rel=1e-3)


def test_a_hole_is_no_area() -> None:
    """What is cut out does not count."""
    outer, hole = shapely.box(2, 48, 2.1, 48.1), shapely.box(2.02, 48.02, 2.08, 48.08)
    assert area_m2(outer.difference(hole)) == pytest.approx(area_m2(outer) - area_m2(hole), rel=1e-6)


@given(st.lists(geometries, min_size=1, max_size=5))
def test_extents_of_many_are_those_of_each(drawn: list[BaseGeometry]) -> None:
    """Points are counted, lines and polygons measured, the same in arrays and alone."""
    found = extents(some(*drawn), shapely.get_dimensions(some(*drawn)))
    assert found.tolist() == pytest.approx([extent(shape, dimension_of(shape)) for shape in drawn], rel=1e-9)


def test_the_distance_to_a_line_is_to_its_nearest_point() -> None:
    """Beside the middle of a line the distance is the perpendicular, inside a polygon it is 0."""
    street = shapely.LineString([(2.30, 48.6), (2.32, 48.6)])
    expected = GEOD.inv(2.31, 48.6, 2.31, 48.601)[2]
    assert distance_m(2.31, 48.601, street) == pytest.approx(expected, rel=1e-3)
    assert distance_m(2.31, 48.601, street.buffer(0.01)) == 0


@given(lon=st.floats(-180, 180), lat=st.floats(-85, 85), bearing=st.floats(0, 360), radius_m=st.floats(0.1, 100_000))
def test_the_box_around_holds_the_circle(lon: float, lat: float, bearing: float, radius_m: float) -> None:
    """Every point at the radius is in the box, which may go on beyond 180 degrees."""
    there_lon, there_lat = GEOD.fwd(lon, lat, bearing, radius_m)[:2]
    west, south, east, north = box_around(lon, lat, radius_m=radius_m)
    assert south <= there_lat <= north
    assert any(west <= there_lon + turn <= east for turn in (-360, 0, 360))
