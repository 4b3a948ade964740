"""The boxes inside places, by which most of what a place meets is told without asking its geometry."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoworks.geo.frame import middle_of
from geoworks.geo.near import within_discs
from geoworks.geo.types import Lonlat
from geoworks.hub.areas import Shape
from geoworks.hub.outlines import ShapePlace
from geoworks.model.change import Key, Kind, MatchKeys
from geoworks.model.severity import Severity

_KEY = Key(Kind.WORKS, "x")
_RINGS = st.lists(st.floats(0.2, 1.0), min_size=3, max_size=12)


def _around(radii: list[float]) -> shapely.Polygon:
    """Return a shape whose corners are so far from its middle."""
    turn = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return shapely.Polygon(np.column_stack([2.3 + np.cos(turn) * radii, 48.6 + np.sin(turn) * radii]))


def _holds(place: ShapePlace, shares: tuple[float, float]) -> bool | None:
    """Tell whether a place holds what lies at such shares of its inside; None: it has none."""
    west, south, east, north = place.inside
    if west > east:
        return None
    at = shapely.Point(west + (east - west) * shares[0], south + (north - south) * shares[1])
    return place.meet(_KEY, MatchKeys(at, visible=True, severity=Severity.LOW)) is not None


@given(radii=_RINGS, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_inside_of_a_shape_is_in_it(radii: list[float], shares: tuple[float, float]) -> None:
    """What lies in the box inside a shape meets the shape."""
    assert _holds(ShapePlace(Shape(shapely.to_wkb(_around(radii)))), shares) is not False


@pytest.mark.parametrize("radii", [[1.0] * 4, [1.0, 0.9] * 6])
def test_most_shapes_have_an_inside(radii: list[float]) -> None:
    """The inside of a shape that is not all corners is a good part of it."""
    shape = _around(radii)
    inside = ShapePlace(Shape(shapely.to_wkb(shape))).inside
    assert shapely.box(*inside).area > shape.area / 3


def test_inside_of_a_box_is_all_of_it() -> None:
    """A box is its own inside, however it is drawn; what has its corners and is no box is not."""
    box = shapely.box(2.0, 48.0, 3.0, 49.0, ccw=False)
    assert ShapePlace(Shape(shapely.to_wkb(box))).inside == box.bounds
    triangle = shapely.Polygon([(2.0, 48.0), (3.0, 48.0), (3.0, 49.0), (2.5, 48.5)])
    assert ShapePlace(Shape(shapely.to_wkb(triangle))).inside != triangle.bounds


def test_ring_without_a_middle_has_no_inside() -> None:
    """A shape whose middle is a hole holds no box around it."""
    ring = shapely.Polygon(shapely.box(2.0, 48.0, 3.0, 49.0).exterior, [shapely.box(2.1, 48.1, 2.9, 48.9).exterior])
    place = ShapePlace(Shape(shapely.to_wkb(ring)))
    assert _holds(place, (0.5, 0.5)) is None


@given(
    line=st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=6),
    place=st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)),
    radius_m=st.floats(1, 1500),
)
def test_short_lines_are_near_discs_as_long_ones_are(
    line: list[tuple[float, float]], place: tuple[float, float], radius_m: float
) -> None:
    """A line of few vertices is measured like the same line with so many that shapely measures it."""
    drawn = shapely.LineString([(2.3 + x * 1e-5, 48.6 + y * 1e-5) for x, y in line])
    if drawn.length < 1e-6:
        return
    centers = Lonlat(np.array([[2.3 + place[0], 48.6 + place[1]]]))
    dense = shapely.segmentize(drawn, drawn.length / 40)
    metric = middle_of(drawn).metric
    off_m = shapely.distance(
        shapely.LineString(metric(Lonlat(shapely.get_coordinates(drawn)))), shapely.Point(metric(centers)[0])
    )
    if abs(off_m - radius_m) > 0.05:
        radii = np.array([radius_m])
        assert within_discs(centers, radii, middle_of(drawn)) == within_discs(centers, radii, middle_of(dense))
