"""Who asks about what in the made-up region: of 20 subscriptions 8 boxes, 5 circles, 3 polygons and 4 routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import msgspec
import numpy as np
import shapely
from msgspec import structs
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import metres_of_degree
from geoworks.geo.types import Geometries, Numbers
from geoworks.hub.matcher import Matcher
from geoworks.hub.messages import Wanted
from geoworks.hub.question import Question, Sieve, read_question, sieve_of
from geoworks.model.change import Kind
from geoworks.model.severity import Severity
from tests.bench.bench_join import EAST, NORTH, SOUTH, WEST

Area = dict[str, Any]
# A way to work or to school has a vertex every 24 m, as streets have: 23.7 m is the average of the 3 315 segments of
# the real network in `../shared/data/streets_maisons_laffitte.geojson`.
STREET_M = 24.0
_ROUTE_M, _DEGREE_M = 10_000.0, 111_200.0
# So much a route turns on the square root of a metre, in radians: about a quarter of a turn in 2 km.
_ROUTE_TURN = 0.016
_CORRIDOR_M = 50.0
# Who asks more or less about the same places; every one of these asks for the works.
_VARIANTS = tuple(product(((Kind.WORKS,), (Kind.WORKS, Kind.REPORT)), (Severity.NONE, Severity.LOW)))


def make_areas(count: int, *, step_m: float = STREET_M) -> list[Area]:
    """Return what so many subscriptions are about, always the same; the sorts are mixed.

    `step_m` is from one vertex of a route to the next.
    """
    rng = np.random.default_rng(20261126)
    sorts = ((_boxes, 8), (_circles, 5), (_polygons, 3), (partial(_routes, step_m=step_m), 4))
    each = [sort(rng, count * share // 20) for sort, share in sorts]
    areas = [area for areas in each for area in areas]
    return [areas[place] for place in rng.permutation(len(areas)).tolist()]


def _somewhere(rng: np.random.Generator, count: int) -> Numbers:
    return rng.uniform((WEST, SOUTH), (EAST, NORTH), (count, 2))


def _boxes(rng: np.random.Generator, count: int) -> Iterator[Area]:
    """Yield boxes of 0.5 to 3 km: what a map on a small screen shows."""
    corners = _somewhere(rng, count)
    ends = corners + rng.uniform((0.007, 0.0045), (0.04, 0.027), (count, 2))
    return ({"bbox": box} for box in np.hstack((corners, ends)).round(6).tolist())


def _circles(rng: np.random.Generator, count: int) -> Iterator[Area]:
    """Yield what is 200 m to 2 km around a home."""
    homes, radii_m = _somewhere(rng, count).round(6), rng.integers(200, 2000, count)
    for home, radius_m in zip(homes.tolist(), radii_m.tolist(), strict=True):
        yield {"circle": {"center": home, "radius_m": float(radius_m)}}


def _polygons(rng: np.random.Generator, count: int) -> Iterator[Area]:
    """Yield quarters about 2 km wide, with winding borders of 24 vertices."""
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    border = np.column_stack((np.cos(turn) * 1.5, np.sin(turn))) * rng.uniform(0.006, 0.012, (count, 24, 1))
    rings = (_somewhere(rng, count)[:, np.newaxis] + border).round(6)
    for ring in np.concatenate((rings, rings[:, :1]), axis=1).tolist():
        yield {"polygon": {"type": "Polygon", "coordinates": [ring]}}


def _routes(rng: np.random.Generator, count: int, *, step_m: float) -> Iterator[Area]:
    """Yield routes of about 10 km: the way to work."""
    turns = rng.normal(0, _ROUTE_TURN * step_m**0.5, (count, round(_ROUTE_M / step_m)))
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(turns, axis=1)
    steps = step_m / _DEGREE_M * np.stack((np.cos(heading) * 1.5, np.sin(heading)), axis=2)
    for line in (_somewhere(rng, count)[:, np.newaxis] + np.cumsum(steps, axis=1)).round(6).tolist():
        yield {"route": {"line": {"type": "LineString", "coordinates": line}, "corridor_m": _CORRIDOR_M}}


def make_question(area: Area) -> Question:
    """Read a subscription as the hub does."""
    return read_question(msgspec.convert({"id": "x", "area": area}, Wanted))


def ask(areas: Sequence[Area], *, variants: int = 1) -> Matcher[int]:
    """Return a matcher in which member number n asks about area n; more `variants` share the places."""
    matcher: Matcher[int] = Matcher()
    for number, area in enumerate(areas):
        sieve = sieve_of(make_question(area))
        for variant, (kinds, severity) in enumerate(_VARIANTS[:variants]):
            question = structs.replace(sieve.question, kinds=kinds, min_severity=severity)
            matcher.add(Sieve(question, sieve.place), number + variant * len(areas))
    return matcher


def outlines(areas: Sequence[Area]) -> Geometries:
    """Return each area as a polygon in degrees: a circle with 32 corners, true to half a percent."""
    return np.array([_outline(area) for area in areas], dtype=np.object_)


def _outline(area: Area) -> BaseGeometry:
    ((sort, given),) = area.items()
    if sort == "bbox":
        return shapely.box(*given)
    if sort == "polygon":
        return shapely.geometry.shape(given)
    if sort == "circle":
        return _buffer(shapely.Point(given["center"]), given["radius_m"])
    return _buffer(shapely.geometry.shape(given["line"]), given["corridor_m"])


def _buffer(geometry: BaseGeometry, radius_m: float) -> BaseGeometry:
    """Widen a geometry in degrees by metres, as they are at its middle."""
    scale = np.array(metres_of_degree(geometry.centroid.y))
    metric = shapely.transform(geometry, lambda lonlat: lonlat * scale)
    return shapely.transform(shapely.buffer(metric, radius_m, quad_segs=8), lambda places: places / scale)
