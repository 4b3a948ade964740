"""Many routes asked at once, against asking each, on a real street network."""

from __future__ import annotations

import numpy as np
import pytest
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
    return Bundle(np.concatenate(lonlat), np.concatenate(at_m), np.full(len(owners), _CORRIDOR_M), owners)


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
