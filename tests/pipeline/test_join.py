"""The join of works with zones against asking every pair."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from geoworks.geo.repair import Repairer
from geoworks.geo.validate import normalize_many
from geoworks.model.works import Effect
from geoworks.pipeline.join import ZoneJoin
from tests.geo.shapes import geometries, multipolygons, polygons
from tests.shared import shared_data

GEOD = Geod(ellps="WGS84")
WEST = shapely.box(2.30, 48.60, 2.31, 48.61)
EAST = shapely.box(2.31, 48.60, 2.32, 48.61)
TOWN = [("west", WEST), ("east", EAST)]
# Enough works that the join takes the way of many.
MANY = 20


def join_both_ways(zones: Sequence[tuple[str, BaseGeometry]], works: BaseGeometry) -> tuple[Effect, ...]:
    """Join one works alone and among many: the same effects must come."""
    join = ZoneJoin(zones)
    (alone,) = join.effects([works])
    among_many = join.effects([works] * MANY)
    assert among_many == [alone] * MANY
    return alone


def brute_force(zones: Sequence[tuple[str, BaseGeometry]], works: BaseGeometry) -> dict[str, tuple[float, float]]:
    """Return share and extent of each zone, by GEOS and pyproj alone; a step of a line at a time."""
    pieces = [works]
    if works.geom_type.endswith("LineString"):
        pieces = [
            shapely.LineString(ends)
            for part in shapely.get_parts(works)
            for ends in zip(part.coords[:-1], part.coords[1:], strict=True)
            if ends[0] != ends[1]
        ]
    found = {}
    for id_, zone in zones:
        inside = sum(size(piece.intersection(zone), works) for piece in pieces)
        found[id_] = (inside / size(works, works), inside)
    return found


def works_share(works: BaseGeometry) -> float:
    """Return the share of a works that one metre or square metre of it is; nothing for points."""
    return 1 / size(works, works) if shapely.get_dimensions(works) else 0.0


def size(geometry: BaseGeometry, works: BaseGeometry) -> float:
    """Return points, metres or square metres: what the works is made of."""
    dimension = shapely.get_dimensions(works)
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == dimension and part]
    if dimension == 0:
        return len(parts)
    if dimension == 1:
        return sum(GEOD.geometry_length(part) for part in parts)
    return sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in parts)


@given(works=geometries, drawn=st.lists(st.one_of(polygons(), multipolygons()), max_size=5))
def test_effects_are_those_of_every_pair(works: BaseGeometry, drawn: list[BaseGeometry]) -> None:
    """Every works has with every zone the share that GEOS and pyproj find, alone and among many."""
    zones = [(f"z{number}", zone) for number, zone in enumerate(drawn)]
    expected = brute_force(zones, works)
    effects = {effect.zone: effect for effect in join_both_ways(zones, works)}
    # The edges of pyproj's polygons are geodesics, ours are straight in degrees: some square metres here.
    leeway = 5.0 if works.area else 0.1
    for id_, (share, extent) in expected.items():
        effect = effects.get(id_, Effect(id_, 0.0, 0.0, 0.0))
        assert effect.share == pytest.approx(share, abs=0.001 + leeway * works_share(works))
        for measured in (effect.length_m, effect.area_m2):
            assert measured is None or measured == pytest.approx(extent, rel=1e-4, abs=leeway)


@given(works=geometries, drawn=st.lists(polygons(), min_size=1, max_size=5))
def test_effects_are_rounded_sorted_and_worth_telling(works: BaseGeometry, drawn: list[BaseGeometry]) -> None:
    """The largest share comes first, then by zone; what rounds to nothing is left out."""
    effects = join_both_ways([(f"z{number}", zone) for number, zone in enumerate(drawn)], works)
    assert list(effects) == sorted(effects, key=lambda effect: (-effect.share, effect.zone))
    for effect in effects:
        assert 0 <= effect.share <= 1
        assert effect.share == pytest.approx(round(effect.share, 3), abs=1e-12)
        assert effect.share or effect.length_m or effect.area_m2


def test_a_line_tells_length_and_share() -> None:
    """A street with a quarter in the west and the rest in the east."""
    street = shapely.LineString([(2.3075, 48.605), (2.3175, 48.605)])
    first, second = join_both_ways(TOWN, street)
    assert (first.zone, first.share, first.area_m2) == ("east", 0.75, None)
    assert (second.zone, second.share, second.area_m2) == ("west", 0.25, None)
    whole = GEOD.geometry_length(street)
    assert first.length_m == pytest.approx(0.75 * whole, abs=0.06)
    assert second.length_m == pytest.approx(0.25 * whole, abs=0.06)


def test_a_polygon_tells_area_and_share() -> None:
    """A site over the border of two zones, half in each."""
    first, second = join_both_ways(TOWN, shapely.box(2.309, 48.602, 2.311, 48.603))
    assert (first.zone, second.zone) == ("east", "west")
    assert first.share == second.share == 0.5
    assert first.length_m is None
    assert first.area_m2 == pytest.approx(73.7 * 111.2, rel=0.01)


def test_a_point_inside_has_the_whole_share() -> None:
    """A point has no length and no area, and all of it is where it is."""
    assert join_both_ways(TOWN, shapely.Point(2.305, 48.605)) == (Effect("west", 1.0),)


def test_some_of_several_points_are_their_share() -> None:
    """Two of three points in the west, one nowhere."""
    points = shapely.MultiPoint([(2.301, 48.605), (2.302, 48.605), (2.5, 48.605)])
    assert join_both_ways(TOWN, points) == (Effect("west", 0.667),)


def test_touching_a_border_is_no_effect() -> None:
    """A street that ends at a zone's border and a site beside it do nothing to the zone."""
    assert [effect.zone for effect in join_both_ways(TOWN, shapely.LineString([(2.305, 48.605), (2.31, 48.605)]))] == [
        "west"
    ]
    assert join_both_ways([("east", EAST)], shapely.box(2.305, 48.602, 2.31, 48.603)) == ()
    assert join_both_ways([("east", EAST)], shapely.LineString([(2.30, 48.59), (2.31, 48.60), (2.30, 48.60)])) == ()


def test_a_street_on_the_border_is_in_both_zones() -> None:
    """Works along the street that divides two zones concern both; so does a point on it."""
    along = join_both_ways(TOWN, shapely.LineString([(2.31, 48.602), (2.31, 48.604)]))
    assert [(effect.zone, effect.share) for effect in along] == [("east", 1.0), ("west", 1.0)]
    assert join_both_ways(TOWN, shapely.Point(2.31, 48.605)) == (Effect("east", 1.0), Effect("west", 1.0))


def test_a_dead_end_and_back_counts_both_ways() -> None:
    """A line drawn there and back has twice the length, also where it crosses a border."""
    there = shapely.LineString([(2.305, 48.605), (2.315, 48.605)])
    back = shapely.LineString([*there.coords, there.coords[0]])
    for once, twice in zip(join_both_ways(TOWN, there), join_both_ways(TOWN, back), strict=True):
        assert (once.zone, once.share) == (twice.zone, twice.share)
        assert twice.length_m == pytest.approx(2 * (once.length_m or 0), abs=0.11)


def test_without_zones_there_are_no_effects() -> None:
    """A town without zones works: every works has an empty tuple."""
    assert join_both_ways([], shapely.Point(2.3, 48.6)) == ()
    assert ZoneJoin([]).effects([]) == []
    assert ZoneJoin(TOWN).effects([]) == []


def test_many_kinds_of_works_are_joined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points, lines and polygons mixed, in blocks of any size, get what each gets alone."""
    rng = np.random.default_rng(5)
    works: list[BaseGeometry] = []
    for lon, lat in rng.uniform((2.295, 48.595), (2.325, 48.615), (200, 2)).round(6):
        works += [
            shapely.Point(lon, lat),
            shapely.LineString([(lon, lat), (round(lon + 0.004, 6), round(lat + 0.003, 6))]),
            shapely.box(lon, lat, round(lon + 0.002, 6), round(lat + 0.001, 6)),
        ]
    join = ZoneJoin(TOWN)
    alone = [join.effects([one])[0] for one in works]
    assert join.effects(works) == alone
    monkeypatch.setattr("geoworks.pipeline.join._BLOCK", 37)
    assert join.effects(np.array(works, dtype=np.object_)) == alone


def test_the_given_zones_stay_unprepared() -> None:
    """The join prepares copies: the state's zones are read by the loop's thread at the same time."""
    zones = [("west", shapely.box(2.30, 48.60, 2.31, 48.61))]
    works = shapely.LineString([(2.305, 48.605), (2.315, 48.605)])
    ZoneJoin(zones).effects([works] * MANY)
    assert not shapely.is_prepared([zones[0][1], works]).any()


def test_joining_beside_a_thread_that_reads_the_same_geometries() -> None:
    """The geometry thread joins while the loop's thread asks the same works and zones, as in the service."""
    rng = np.random.default_rng(9)
    works = [shapely.LineString(at + rng.normal(0, 0.003, (5, 2))) for at in rng.uniform(2.30, 2.32, (300, 1, 1))]
    zones = [(str(n), shapely.Point(2.30 + n / 1000, 2.31).buffer(0.005)) for n in range(20)]
    with ThreadPoolExecutor(1) as geometry_thread:
        join = geometry_thread.submit(ZoneJoin, zones).result()
        joined = [geometry_thread.submit(join.effects, works) for _ in range(10)]
        tree = shapely.STRtree(works)
        for _ in range(20):
            for _, zone in zones:
                tree.query(zone, predicate="intersects")
        assert all(future.result() == joined[0].result() for future in joined)


@pytest.mark.parametrize(
    ("works_name", "zones_name"),
    [
        ("paris_chantiers_perturbants_2018.geojson", "paris_quartiers.geojson"),
        ("streets_maisons_laffitte.geojson", "communes-ile-de-france.geojson"),
    ],
)
def test_real_works_lie_in_real_zones(works_name: str, zones_name: str) -> None:
    """Districts tile their town: the shares of each published works add up to all of it, alone and among many."""
    works, zones = real(works_name), real(zones_name)
    join = ZoneJoin([(str(number), zone) for number, zone in enumerate(zones)])
    effects = join.effects(works)
    assert effects[:300] == [join.effects([one])[0] for one in works[:300]]
    assert sum(map(len, effects)) >= len(works)
    inside = [sum(effect.share for effect in found) for found in effects]
    # Simplified borders leave slivers between districts, and works run along borders.
    assert np.mean(np.isclose(inside, 1, atol=0.01)) > 0.95


def real(name: str) -> list[BaseGeometry]:
    """Return the geometries of a file of real data in their final form."""
    parts = shapely.get_parts(shapely.from_geojson(shared_data(name).read_bytes()))
    with Repairer(10) as repairer:
        found = normalize_many(parts, repairer, max_vertices=50_000)
    return [geometry for geometry in found if isinstance(geometry, BaseGeometry)]
