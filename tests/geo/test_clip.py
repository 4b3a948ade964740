"""Lines inside polygons by arithmetic, against GEOS' intersections."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geoworks.geo.clip import LineClip
from geoworks.geo.measure import length_m, lengths_m
from geoworks.geo.types import Geometries
from tests.geo.shapes import SOUTH, WEST, lines, multilines, multipolygons, polygons

COUNTRY = shapely.box(WEST - 1, SOUTH - 1, WEST + 1, SOUTH + 1)


def array(shapes: Sequence[BaseGeometry]) -> Geometries:
    """Return geometries as an array."""
    return np.array(shapes, dtype=np.object_)


def clip(drawn_lines: Sequence[BaseGeometry], drawn_polygons: Sequence[BaseGeometry]) -> NDArray[Any]:
    """Return the metres of each line (row) in each polygon (column), by arithmetic."""
    zones = array(drawn_polygons)
    shapely.prepare(zones)
    line, polygon = np.indices((len(drawn_lines), len(zones))).reshape(2, -1)
    inside, whole = LineClip(zones).metres(array(drawn_lines), line, polygon)
    assert whole.tolist() == pytest.approx(lengths_m(array(drawn_lines))[line].tolist())
    return inside.reshape(len(drawn_lines), len(zones))


def steps(line: BaseGeometry) -> list[BaseGeometry]:
    """Return the steps of a line or multiline: intersecting the whole, GEOS counts once what is passed twice."""
    parts = shapely.get_parts(line)
    return [shapely.LineString(ends) for part in parts for ends in pairwise(part.coords) if ends[0] != ends[1]]


def cut(line: BaseGeometry, polygon: BaseGeometry) -> float:
    """Return the metres of a line in a polygon by GEOS."""
    return sum(length_m(step.intersection(polygon)) for step in steps(line))


def shared(step: BaseGeometry, ring: BaseGeometry) -> float:
    """Return the metres of a step that run along a ring: exact in millionths of a degree, where GEOS rounds."""
    (start, end), corners = millionths(step), millionths(ring)
    parts = (overlap(start, end, one, other) for one, other in pairwise(corners))
    return float(sum(parts)) * length_m(step)


def runs_along_a_slanted_border(line: BaseGeometry, polygon: BaseGeometry) -> bool:
    """Tell whether a step lies on a border that is neither a parallel nor a meridian."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    return any(shared(step, ring) > 0 for step in steps(line) if not is_level(step) for ring in rings)


def is_level(step: BaseGeometry) -> bool:
    """Tell whether a step follows a parallel or a meridian."""
    (west, south), (east, north) = millionths(step)
    return west == east or south == north


def millionths(line: BaseGeometry) -> list[tuple[int, int]]:
    """Return the coordinates of a line as whole millionths of a degree."""
    return [(round(lon * 1e6), round(lat * 1e6)) for lon, lat in line.coords]


def overlap(start: tuple[int, int], end: tuple[int, int], one: tuple[int, int], other: tuple[int, int]) -> Fraction:
    """Return the part of a step, 0 to 1, that lies on an edge in the same line."""
    east, north = end[0] - start[0], end[1] - start[1]
    if any(east * (at[1] - start[1]) != north * (at[0] - start[0]) for at in (one, other)):
        return Fraction(0)
    axis, whole = (0, east) if abs(east) >= abs(north) else (1, north)
    begin, stop = sorted(Fraction(at[axis] - start[axis], whole) for at in (one, other))
    return max(min(stop, Fraction(1)) - max(begin, Fraction(0)), Fraction(0))


@given(
    st.lists(st.one_of(lines(), multilines), min_size=1, max_size=4),
    st.lists(st.one_of(polygons(), multipolygons()), min_size=1, max_size=4),
)
def test_it_agrees_with_geos(drawn_lines: list[BaseGeometry], drawn_polygons: list[BaseGeometry]) -> None:
    """Every line in every polygon has the length of GEOS' intersection, borders and corners touched included."""
    found = clip(drawn_lines, drawn_polygons)
    for line, row in zip(drawn_lines, found, strict=True):
        for polygon, metres in zip(drawn_polygons, row, strict=True):
            # There GEOS itself is off: its crossings are a rounding away from the border. The next test is exact.
            if not runs_along_a_slanted_border(line, polygon):
                assert metres == pytest.approx(cut(line, polygon), rel=1e-6, abs=1e-3)


@given(st.one_of(lines(), multilines), polygons())
def test_the_parts_add_up_to_the_whole(line: BaseGeometry, polygon: shapely.Polygon) -> None:
    """What is inside a polygon and what is in the country around it make the line, and what runs along is in both."""
    around = shapely.Polygon(COUNTRY.exterior, [polygon.exterior])
    inside, outside = clip([line], [polygon, around])[0]
    along = sum(shared(step, polygon.exterior) for step in steps(line))
    assert inside + outside == pytest.approx(length_m(line) + along, rel=1e-6, abs=1e-3)


def test_what_runs_along_a_border_is_inside() -> None:
    """A street that is the border of two zones lies in both, also along a slanted border."""
    corners = [(2.3, 48.6), (2.300_7, 48.600_3), (2.301_4, 48.600_6), (2.302_1, 48.600_9)]
    left = shapely.Polygon([*corners, (2.3, 48.61)])
    right = shapely.Polygon([*corners, (2.31, 48.6)])
    street = shapely.LineString(corners[:3])
    between = shapely.LineString([(2.300_35, 48.600_15), (2.301_05, 48.600_45)])
    found = clip([street, between], [left, right])
    assert found.tolist() == pytest.approx(np.array([[length_m(street)] * 2, [length_m(between)] * 2]))


def test_a_way_through_a_corner_is_cut_there() -> None:
    """A line that enters exactly at a corner of the polygon is cut exactly there."""
    zone = shapely.Polygon([(2.3, 48.6), (2.302, 48.602), (2.3, 48.604), (2.298, 48.602)])
    way = shapely.LineString([(2.3, 48.596), (2.3, 48.602), (2.301, 48.602)])
    inside = length_m(shapely.LineString([(2.3, 48.6), (2.3, 48.602), (2.301, 48.602)]))
    assert clip([way], [zone])[0, 0] == pytest.approx(inside)


def test_what_is_passed_twice_counts_twice() -> None:
    """To the end of a dead end and back is twice its length."""
    zone = shapely.box(2.3, 48.6, 2.31, 48.61)
    there = shapely.LineString([(2.295, 48.605), (2.305, 48.605)])
    back = shapely.LineString([*there.coords, there.coords[0]])
    once, twice = clip([there, back], [zone])[:, 0]
    assert twice == pytest.approx(2 * once)


def test_a_polygon_of_two_parts_is_both() -> None:
    """Each part of a multipolygon takes its share."""
    zone = shapely.MultiPolygon([shapely.box(2.3, 48.6, 2.302, 48.61), shapely.box(2.306, 48.6, 2.307, 48.61)])
    way = shapely.LineString([(2.3, 48.605), (2.31, 48.605)])
    assert clip([way], [zone])[0, 0] == pytest.approx(length_m(way) * 0.3, rel=1e-6)


def test_a_hole_is_outside() -> None:
    """What crosses a hole is not inside there."""
    ring = shapely.box(2.3, 48.6, 2.31, 48.61).difference(shapely.box(2.304, 48.604, 2.306, 48.606))
    way = shapely.LineString([(2.3, 48.605), (2.31, 48.605)])
    assert clip([way], [ring])[0, 0] == pytest.approx(length_m(way) * 0.8, rel=1e-6)


def test_long_lines_and_winding_borders_agree_with_geos() -> None:
    """Lines of hundreds of vertices across borders of thousands are measured as GEOS does."""
    rng = np.random.default_rng(11)
    turn = np.linspace(0, 2 * np.pi, 3_000, endpoint=False)
    radius = 0.01 + 0.002 * np.sin(40 * turn)
    border = np.column_stack((2.3 + radius * np.cos(turn), 48.6 + radius * np.sin(turn))).round(6)
    zone = shapely.Polygon(border)
    walks = [
        shapely.LineString((rng.normal(0, 4e-4, (400, 2)).cumsum(axis=0) + start).round(6))
        for start in np.array([2.3, 48.6]) + rng.normal(0, 0.01, (20, 2))
    ]
    found = clip(walks, [zone])[:, 0]
    assert found == pytest.approx(np.array([cut(walk, zone) for walk in walks]), rel=1e-6, abs=1e-3)
    assert found.any()


def test_no_lines_and_no_polygons_are_no_lengths() -> None:
    """Nothing to measure gives nothing."""
    assert clip([], [COUNTRY]).size == 0
    assert clip([shapely.LineString([(2, 48), (3, 49)])], []).size == 0
