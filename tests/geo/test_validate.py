"""What a request may send, and what an import keeps."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.repair import Repairer
from geoworks.geo.validate import check_geometry, normalize_many
from tests.geo.shapes import geometries
from tests.shared import shared_data

BOW_TIE = shapely.Polygon([(2.0, 48.0), (2.1, 48.1), (2.1, 48.0), (2.0, 48.1)])
CIRCLE = shapely.LinearRing(0.1 * np.exp(2j * np.pi * np.arange(100_000) / 100_000).view(float).reshape(-1, 2) + 48)


def normalize(*shapes: BaseGeometry | None, repair_s: float = 10.0) -> list[BaseGeometry | Problem]:
    """Normalise as an import does."""
    with Repairer(repair_s) as repairer:
        return normalize_many(np.array(shapes, dtype=np.object_), repairer, max_vertices=50_000)


@given(geometries)
def test_a_good_request_is_kept(geometry: BaseGeometry) -> None:
    """Valid geometry with 6 decimals comes back as the same places."""
    final = check_geometry(geometry, max_vertices=1000)
    assert final.normalize() == shapely.orient_polygons(geometry).normalize()


@given(geometries.map(lambda g: shapely.transform(g, lambda lonlat: lonlat + 1.23456789e-7)))
def test_the_final_form_is_final(geometry: BaseGeometry) -> None:
    """What went through once goes through again unchanged, on either way in, so reading twice writes nothing."""
    (once,) = normalize(geometry)
    assert isinstance(once, BaseGeometry)
    assert normalize(once) == [once]
    assert check_geometry(once, max_vertices=1000) == once
    assert np.array_equal(shapely.get_coordinates(once), shapely.get_coordinates(once).round(6))


def test_rings_turn_as_rfc_7946_says() -> None:
    """Outer rings run against the clock, holes with it, whatever was sent."""
    outer, hole = shapely.box(2, 48, 3, 49, ccw=False), shapely.box(2.4, 48.4, 2.6, 48.6, ccw=True)
    final = check_geometry(shapely.Polygon(outer.exterior, [hole.exterior]), max_vertices=100)
    assert isinstance(final, shapely.Polygon)
    assert final.exterior.is_ccw
    assert not final.interiors[0].is_ccw


def test_minus_zero_is_zero() -> None:
    """A coordinate just west of Greenwich is 0, not -0: the same place has one text."""
    assert shapely.to_geojson(check_geometry(shapely.Point(-1e-9, 48), max_vertices=1)) == (
        '{"type":"Point","coordinates":[0.0,48.0]}'
    )


REFUSED = [
    (None, "missing or empty"),
    (shapely.Point(), "missing or empty"),
    (shapely.MultiPolygon(), "missing or empty"),
    (shapely.GeometryCollection([shapely.Point(2, 48)]), "GeometryCollection is not taken"),
    (shapely.LinearRing([(2, 48), (3, 48), (3, 49)]), "LinearRing is not taken"),
    (shapely.from_wkt("POINT (nan 48)"), "not finite"),
    (shapely.from_wkt("LINESTRING (2 48, inf 49)"), "not finite"),
    (shapely.Point(200, 48), "[200, 48] is not on the globe"),
    (shapely.Point(2, 90.000001), "is not on the globe"),
    (shapely.Point(652_381.5, 6_862_305.2), "metres, likely Lambert-93 (EPSG:2154)"),
    (shapely.Polygon(CIRCLE), "100001 vertices, at most 50000"),
]


@pytest.mark.parametrize(("geometry", "what"), REFUSED)
def test_what_cannot_be_a_place_is_refused_on_both_ways_in(geometry: BaseGeometry | None, what: str) -> None:
    """A request raises what an import reports: the same problem, with a mend."""
    with pytest.raises(Invalid) as caught:
        check_geometry(geometry, max_vertices=50_000)
    (problem,) = caught.value.problems
    assert what in problem.what
    assert problem.mend
    assert isinstance(caught.value, TooLarge) == ("vertices" in what)
    assert normalize(geometry) == [problem]


def test_a_request_may_ask_for_some_kinds_only() -> None:
    """A zone is a polygon: a line is refused with the kinds that are taken."""
    with pytest.raises(Invalid, match="LineString is not taken here") as caught:
        check_geometry(shapely.LineString([(2, 48), (3, 49)]), max_vertices=10, kinds=("Polygon", "MultiPolygon"))
    assert "MultiPolygon, Polygon" in caught.value.problems[0].mend


@pytest.mark.parametrize(
    ("geometry", "what"),
    [
        (BOW_TIE, "Self-intersection at [2.05, 48.05]"),
        (shapely.LineString([(2, 48), (2.0000001, 48)]), "Too few points"),
        (shapely.Polygon([(2, 48), (2.0000001, 48), (2, 48.0000001)]), "not valid with 6 decimals"),
        (shapely.MultiPolygon([shapely.box(2, 48, 3, 49), shapely.box(2.5, 48, 4, 49)]), "Self-intersection"),
    ],
)
def test_a_request_is_judged_not_repaired(geometry: BaseGeometry, what: str) -> None:
    """What crosses itself, or is nothing with 6 decimals, is refused with the place."""
    with pytest.raises(Invalid) as caught:
        check_geometry(geometry, max_vertices=100)
    assert what in caught.value.problems[0].what


def test_an_import_repairs_what_it_can_and_keeps_the_dimension() -> None:
    """Crossing polygons become valid ones, lines lose parts without length; each result is in its place."""
    line = shapely.MultiLineString([[(2, 48), (2.0000001, 48)], [(3, 48), (3, 49)]])
    spike = shapely.Polygon([(2, 48), (3, 48), (3, 49), (3, 50), (3, 49), (2, 49)])
    point, tie, lone, cut = normalize(shapely.Point(2, 48), BOW_TIE, line, spike)
    assert point == shapely.Point(2, 48)
    assert isinstance(tie, shapely.MultiPolygon)
    assert tie.is_valid
    assert tie.area == pytest.approx(0.005)
    assert lone == shapely.LineString([(3, 48), (3, 49)])
    assert isinstance(cut, shapely.Polygon)
    assert cut.equals(shapely.box(2, 48, 3, 49))


def test_what_is_nothing_after_repair_is_a_problem() -> None:
    """A polygon without area and a line without length cannot be kept."""
    flat, still = normalize(
        shapely.Polygon([(2, 48), (3, 49), (4, 50)]), shapely.LineString([(2, 48), (2.0000001, 48)])
    )
    assert isinstance(flat, Problem)
    assert isinstance(still, Problem)
    assert "not valid with 6 decimals" in flat.what


def test_multi_geometries_of_one_part_become_the_part() -> None:
    """Formats differ in how they write one line; imports make it the same."""
    line = shapely.LineString([(2, 48), (3, 49)])
    assert normalize(shapely.MultiLineString([line]), line) == [line, line]


def test_many_are_checked_at_once() -> None:
    """Among thousands each fault is found at its own place."""
    shapes: list[BaseGeometry | None] = [shapely.Point(lon, 48) for lon in np.linspace(0, 3, 5_000).round(6)]
    shapes[10], shapes[4_000], shapes[4_999] = None, BOW_TIE, shapely.Point(500, 0)
    found = normalize(*shapes)
    assert [place for place, result in enumerate(found) if isinstance(result, Problem)] == [10, 4_999]
    assert found[11] == shapes[11]
    assert isinstance(found[4_000], shapely.MultiPolygon)


def test_no_geometries_are_no_results() -> None:
    """An empty import is fine."""
    assert normalize() == []


@pytest.mark.parametrize(
    "name",
    [
        "paris_chantiers_perturbants_2018.geojson",
        "paris_quartiers.geojson",
        "communes-91-essonne.geojson",
        "communes-ile-de-france.geojson",
        "litteralis_mel_emprises.geojson",
    ],
)
def test_every_real_geometry_is_kept(name: str) -> None:
    """Published works and zones all come through valid, with nearly the area they had."""
    given_ones = shapely.get_parts(shapely.from_geojson(shared_data(name).read_bytes()))
    found = normalize(*given_ones)
    assert [result for result in found if isinstance(result, Problem)] == []
    kept = np.array(found, dtype=np.object_)
    assert shapely.is_valid(kept).all()
    assert shapely.area(kept).sum() == pytest.approx(shapely.area(shapely.make_valid(given_ones)).sum(), rel=1e-3)
