"""The index of places against asking every feature."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from geoworks.geo import index
from geoworks.geo.index import FeatureIndex
from tests.geo.shapes import SOUTH, WEST, geometries, polygons, positions

IDS = st.sampled_from([f"w{number}" for number in range(30)])
GEOD = Geod(ellps="WGS84")


class IndexMachine(RuleBasedStateMachine):
    """Whatever is put and discarded, the index answers as a plain dictionary searched through would."""

    def __init__(self) -> None:
        super().__init__()
        self.index = FeatureIndex()
        self.features: dict[str, BaseGeometry] = {}

    @rule(feature=IDS, geometry=geometries)
    def put(self, feature: str, geometry: BaseGeometry) -> None:
        """Put or move a feature."""
        self.index.put(feature, geometry)
        self.features[feature] = geometry

    @rule(feature=IDS)
    def discard(self, feature: str) -> None:
        """Discard a feature that may not be there."""
        self.index.discard(feature)
        self.features.pop(feature, None)

    @rule(area=polygons())
    def ask_for_an_area(self, area: BaseGeometry) -> None:
        """Features that share a point with the area are found, each once."""
        expected = sorted(id_ for id_, geometry in self.features.items() if geometry.intersects(area))
        assert sorted(self.index.intersecting(area)) == expected
        assert sorted(self.index.in_box(*area.bounds)) == sorted(
            id_ for id_, geometry in self.features.items() if geometry.intersects(shapely.box(*area.bounds))
        )

    @rule(place=positions, radius_m=st.floats(1, 500))
    def ask_for_what_is_near(self, place: tuple[float, float], radius_m: float) -> None:
        """What is near comes nearest first, and nothing is left out."""
        found = self.index.near(*place, radius_m=radius_m)
        assert found == sorted(found, key=lambda hit: hit[1])
        farther = {id_: flat_distance_m(place, geometry) for id_, geometry in self.features.items()}
        assert {id_ for id_, far_m in farther.items() if far_m < radius_m - 1} <= dict(found).keys()
        assert {id_ for id_, _ in found} <= {id_ for id_, far_m in farther.items() if far_m < radius_m + 1}

    @invariant()
    def counts(self) -> None:
        """The index holds as many as were put and not discarded."""
        assert len(self.index) == len(self.features)


def flat_distance_m(place: tuple[float, float], geometry: BaseGeometry) -> float:
    """Measure on a plane touching the town, good to 0.1 % there."""
    scale = np.array([GEOD.inv(WEST, SOUTH, WEST + 0.01, SOUTH)[2], GEOD.inv(WEST, SOUTH, WEST, SOUTH + 0.01)[2]]) * 100
    flat = shapely.transform(geometry, lambda lonlat: (lonlat - place) * scale)
    return float(shapely.distance(flat, shapely.Point(0, 0)))


def test_the_index_answers_as_searching_through_all_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """With trees of a few features, built, worn and built anew all the time, every answer is right."""
    monkeypatch.setattr(index, "_FRESH_MOST", 3)
    monkeypatch.setattr(index, "_SHARD_MOST", 6)
    run_state_machine_as_test(IndexMachine, settings=settings(max_examples=40, stateful_step_count=40, deadline=None))


def test_many_features_are_found_after_a_bulk_load() -> None:
    """Thirty thousand features put at once fill several trees and are all found once."""
    rng = np.random.default_rng(1)
    places = list(map(shapely.Point, rng.uniform((2.0, 48.0), (3.0, 49.0), (30_000, 2))))
    town = FeatureIndex()
    for number, place in enumerate(places):
        town.put(str(number), place)
    west_half = shapely.box(2.0, 48.0, 2.5, 49.0)
    expected = np.flatnonzero(shapely.intersects(places, west_half))
    assert sorted(map(int, town.intersecting(west_half))) == expected.tolist()


@given(lon=st.floats(-180, 180), lat=st.floats(-80, 80), bearing=st.floats(0, 360), far_m=st.floats(1, 50_000))
def test_a_point_within_the_radius_is_near_with_its_geodesic_distance(
    lon: float, lat: float, bearing: float, far_m: float
) -> None:
    """A point at a geodesic distance is told at that distance to 0.1 %, also across the antimeridian."""
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, bearing, far_m)
    town = FeatureIndex()
    town.put("p", shapely.Point(there_lon, there_lat))
    ((id_, metres),) = town.near(lon, lat, radius_m=far_m * 1.001 + 0.01)
    assert id_ == "p"
    assert metres == pytest.approx(far_m, rel=1e-3, abs=0.001)
    assert town.near(lon, lat, radius_m=far_m * 0.999 - 0.01) == []


def test_asking_leaves_the_geometry_unprepared() -> None:
    """Geometries are shared with other threads, so the index prepares neither what it holds nor what it is asked."""
    held, asked = shapely.box(2, 48, 3, 49), shapely.box(2.5, 48.5, 4, 50)
    town = FeatureIndex()
    town.put("z", held)
    assert town.intersecting(asked) == ["z"]
    assert not shapely.is_prepared([held, asked]).any()
