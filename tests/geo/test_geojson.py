"""GeoJSON geometries: round trips, and every fault told by its path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.geojson import encode_geometry, parse_geometry
from tests.geo.shapes import geometries

RING = [[2, 48], [3, 48], [3, 49], [2, 48]]


@given(geometries)
def test_what_is_encoded_parses_to_the_same(geometry: BaseGeometry) -> None:
    """A geometry written as GeoJSON and read again is the same, coordinate for coordinate."""
    assert parse_geometry(json.loads(encode_geometry(geometry)), max_vertices=1000).equals_exact(geometry, 0)


def test_third_ordinates_are_dropped() -> None:
    """A height, and whatever else follows it, is no part of a place."""
    line = parse_geometry({"type": "LineString", "coordinates": [[2, 48, 35.0], [3, 49, 1, 2]]}, max_vertices=10)
    assert list(line.coords) == [(2, 48), (3, 49)]


@pytest.mark.parametrize(
    ("value", "where", "what"),
    [
        (None, "geometry", "got None"),
        ([], "geometry", "got an array"),
        ({}, "geometry.type", "None is not taken"),
        ({"type": ["Point"]}, "geometry.type", "an array is not taken"),
        ({"type": "Circle", "coordinates": [2, 48]}, "geometry.type", "'Circle' is not taken"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry.type", "not taken"),
        ({"type": "Point"}, "geometry.coordinates", "missing"),
        ({"type": "Point", "coordinates": None}, "geometry.coordinates", "expected a position, got None"),
        ({"type": "Point", "coordinates": []}, "geometry.coordinates", "expected a position"),
        ({"type": "Point", "coordinates": ["2", 48]}, "geometry.coordinates", "expected a position"),
        ({"type": "Point", "coordinates": [True, 48]}, "geometry.coordinates", "expected a position"),
        ({"type": "Point", "coordinates": [float("nan"), 48]}, "geometry.coordinates", "NaN"),
        ({"type": "Point", "coordinates": [2, float("inf")]}, "geometry.coordinates", "infinite"),
        ({"type": "Point", "coordinates": [10**400, 48]}, "geometry.coordinates", "infinite"),
        ({"type": "LineString", "coordinates": [[2, 48]]}, "geometry.coordinates", "a line of 1 position"),
        ({"type": "LineString", "coordinates": [[2, 48], [3]]}, "geometry.coordinates[1]", "expected a position"),
        ({"type": "LineString", "coordinates": [[2, 48], {}]}, "geometry.coordinates[1]", "got an object"),
        ({"type": "MultiPoint", "coordinates": []}, "geometry.coordinates", "empty"),
        ({"type": "MultiLineString", "coordinates": [[[2, 48]]]}, "geometry.coordinates[0]", "a line of 1"),
        ({"type": "MultiLineString", "coordinates": 3}, "geometry.coordinates", "expected an array, got 3"),
        ({"type": "Polygon", "coordinates": []}, "geometry.coordinates", "empty"),
        ({"type": "Polygon", "coordinates": [RING[:3]]}, "geometry.coordinates[0]", "a ring of 3"),
        ({"type": "Polygon", "coordinates": [RING, [*RING[:3], [2, 47]]]}, "geometry.coordinates[1]", "not closed"),
        ({"type": "MultiPolygon", "coordinates": [[RING], [[2]]]}, "geometry.coordinates[1][0][0]", "got 2"),
    ],
)
def test_a_fault_is_told_by_its_path_with_a_mend(value: Any, where: str, what: str) -> None:  # noqa: ANN401 - any JSON
    """Whatever is wrong, the problem names where, what and how to mend it."""
    with pytest.raises(Invalid) as caught:
        parse_geometry(value, max_vertices=100)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert what in problem.what
    assert problem.mend


def test_too_many_vertices_are_refused_before_they_are_read() -> None:
    """The count alone is enough to refuse; it is told with the bound."""
    with pytest.raises(TooLarge, match="10001 vertices, at most 10000"):
        parse_geometry({"type": "LineString", "coordinates": [[2, "x"]] * 10_001}, max_vertices=10_000)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(["type", "coordinates", "x"]), inner, max_size=3),
        ),
        max_leaves=20,
    ),
    st.sampled_from(["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]),
)
def test_any_json_is_a_geometry_or_invalid(value: Any, kind: str) -> None:  # noqa: ANN401 - any JSON
    """No JSON makes the parser fail in another way than by saying what is wrong."""
    faults: Sequence[Problem] = ()
    try:
        assert parse_geometry({"type": kind, "coordinates": value}, max_vertices=100).geom_type == kind
    except Invalid as error:
        faults = error.problems
    assert all(fault.where.startswith("geometry") and fault.mend for fault in faults)


def test_deep_nesting_is_refused_without_being_followed() -> None:
    """Ten thousand arrays in each other are no coordinates, and nothing recurses into them."""
    value: Any = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(Invalid):
        parse_geometry({"type": "MultiPolygon", "coordinates": value}, max_vertices=100)
