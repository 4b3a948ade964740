"""Many routes asked at once, against asking each, on a real street network."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoworks.geo.bundle import Bundle, Lying, lying_on, near_to
from geoworks.geo.frame import middle_of
from geoworks.geo.route import RouteLine
from geoworks.model.works import Direction
from tests.geo.street_cases import cases

_CORRIDOR_M = 50.0
_CASES = cases(60, seed=3)
_ROUTES = [RouteLine(case.route, corridor_m=_CORRIDOR_M) for case in _CASES]


def _bundle(geometry: BaseGeometry) -> Bundle:
    """Return the pieces of all routes whose boxes meet a geometry, as the index gives them."""
    west, south, east, north = geometry.bounds
    lonlat, at_m, owner = [], [], []
    for number, route in enumerate(_ROUTES):
        box = route.boxes
        meets = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        assert route.pieces is not None
        lonlat.append(route.pieces[0][meets])
        at_m.append(route.pieces[1][meets])
        owner.append(np.full(int(meets.sum()), number))
    owners = np.concatenate(owner)
    corridors_m = np.full(len(_ROUTES), _CORRIDOR_M)
    return Bundle(np.concatenate(lonlat), np.concatenate(at_m), owners, corridors_m, np.arange(len(owners)))


def _sets(lying: Lying) -> tuple[set[int], set[int]]:
    return set(lying.certain.tolist()), set(lying.doubtful.tolist())


@pytest.mark.parametrize("direction", [None, Direction.FORWARD, Direction.BACKWARD])
def test_works_lie_on_the_same_routes(direction: Direction | None) -> None:
    """What is certain is on the route, what is neither certain nor doubtful is not; of lines hardly any is doubtful."""
    judged = doubted = 0
    for case in _CASES:
        on = {number for number, route in enumerate(_ROUTES) if route.stretches(case.works, direction)}
        certain, doubtful = _sets(lying_on(middle_of(case.works), _bundle(case.works), direction))
        assert certain <= on <= certain | doubtful, case.name
        if case.works.geom_type == "LineString":
            judged += len(certain)
            doubted += len(doubtful)
    assert judged > 10 * doubted


def test_reports_are_near_the_same_routes() -> None:
    """A place is within the corridors of the same routes, certainly."""
    found = 0
    for case in _CASES:
        place = case.works.centroid
        certain, doubtful = _sets(near_to(middle_of(place), _bundle(place)))
        assert (certain, doubtful) == ({n for n, route in enumerate(_ROUTES) if route.near(place)}, set())
        found += len(certain)
    assert found > len(_CASES)


@given(steps_m=st.lists(st.floats(1, 3_000), min_size=1, max_size=200))
def test_pieces_follow_one_another_and_are_short(steps_m: list[float]) -> None:
    """The pieces of a route are all of it; with more than one segment a piece is at most a kilometre long."""
    lats = 48.0 + np.concatenate([[0.0], np.cumsum(steps_m)]) / 111_200
    route = RouteLine(shapely.LineString(np.column_stack([np.full(len(lats), 2.3), lats])), corridor_m=50.0)
    assert route.pieces is not None
    lonlat, at_m = route.pieces
    drawn = [np.unique(piece[:, 1]) for piece in lonlat]
    assert np.concatenate([drawn[0][:1], *(piece[1:] for piece in drawn)]).tolist() == lats.tolist()
    assert all(first[-1] == second[0] for first, second in pairwise(drawn))
    for vertices, along_m in zip(drawn, at_m, strict=True):
        assert len(vertices) == 2 or along_m[-1] - along_m[0] <= max(1_000.0, route.length_m / 250)


def test_route_of_very_many_vertices_has_no_pieces() -> None:
    """A route that would have more pieces than are kept in columns is asked by itself, in a bounded number of boxes."""
    lats = 48.0 + np.arange(100_001) * 1e-5
    route = RouteLine(shapely.LineString(np.column_stack([np.full(len(lats), 2.3), lats])), corridor_m=50.0)
    assert route.pieces is None
    assert len(route.boxes) <= 500
