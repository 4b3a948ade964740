"""Many routes asked at once what lies on them: of most the answer is certain, the others have to be asked themselves.

What lies on a route is told by `geoworks.geo.trace`, here for the segments of all routes together. A works that is one
line, or a place, is judged so; of an area it is only told which routes come near.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import local_metric
from geoworks.geo.route import PIECE_SEGMENTS
from geoworks.geo.trace import (
    BEYOND_M,
    ENOUGH_M,
    ENOUGH_SHARE,
    OFF_M,
    PARALLEL,
    PASS_GAP_M,
    SHORT_M,
    WIDEST_HALF_M,
    Steps,
    sense_of,
    steps_of,
)
from geoworks.geo.types import Flags, Lonlat, Numbers, Places
from geoworks.model.works import Direction

_FURTHEST_M = OFF_M + WIDEST_HALF_M


class Bundle(NamedTuple):
    """Pieces of routes, a row each: vertices in degrees, how far along each is, the corridor, whose it is.

    A piece with less segments repeats its last vertex. The pieces of one route follow one another.
    """

    lonlat: Numbers
    at_m: Numbers
    corridor_m: Numbers
    owner: Places


class Lying(NamedTuple):
    """The owners of routes a works lies on, and of those on which it may lie."""

    certain: Places
    doubtful: Places


NOTHING = Lying(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))


class _Segments(NamedTuple):
    """Segments of routes in metres, those of one route in a row."""

    begin: Numbers
    vectors: Numbers
    at_m: Numbers
    grown_m: Numbers
    corridor_m: Numbers
    owner: Places


def lying_on(geometry: BaseGeometry, bundle: Bundle, direction: Direction | None) -> Lying:
    """Tell on which routes a works lies."""
    placed, segments = _placed(geometry, bundle, _FURTHEST_M)
    if not len(segments.owner):
        return NOTHING
    if placed.geom_type != "LineString" or placed.length < SHORT_M:
        return Lying(NOTHING.certain, np.unique(segments.owner))
    steps = steps_of(placed)
    return _judge(segments, steps, enough_m=min(ENOUGH_M, ENOUGH_SHARE * placed.length), sense=sense_of(direction))


def near_to(geometry: BaseGeometry, bundle: Bundle) -> Lying:
    """Tell which routes have a feature within their corridor."""
    placed, segments = _placed(geometry, bundle, float(bundle.corridor_m.max(initial=0.0)))
    if placed.geom_type != "Point":
        return Lying(NOTHING.certain, np.unique(segments.owner))
    middle = shapely.get_coordinates(placed)
    _, off, _ = _feet(segments, middle)
    return Lying(np.unique(segments.owner[off[0] <= segments.corridor_m]), NOTHING.doubtful)


def _placed(geometry: BaseGeometry, bundle: Bundle, within_m: float) -> tuple[BaseGeometry, _Segments]:
    """Return a geometry in metres around its middle, and the segments that come about so near, likewise."""
    west, south, east, north = geometry.bounds
    metric = local_metric((west + east) / 2, (south + north) / 2)
    placed: BaseGeometry = shapely.transform(geometry, lambda lonlat: metric(Lonlat(lonlat)))
    places = metric(Lonlat(bundle.lonlat.reshape(-1, 2))).reshape(bundle.lonlat.shape)
    return placed, _near(_segments(places, bundle), placed.bounds, within_m)


def _segments(places: Numbers, bundle: Bundle) -> _Segments:
    vectors = np.diff(places, axis=1).reshape(-1, 2)
    grown_m = np.diff(bundle.at_m, axis=1).ravel()
    return _Segments(
        places[:, :-1].reshape(-1, 2),
        vectors,
        bundle.at_m[:, :-1].ravel(),
        grown_m,
        np.repeat(bundle.corridor_m, PIECE_SEGMENTS),
        np.repeat(bundle.owner, PIECE_SEGMENTS),
    )


def _near(segments: _Segments, bounds: tuple[float, float, float, float], within_m: float) -> _Segments:
    """Return the segments that come near some bounds: no straight line passes between the two."""
    west, south, east, north = bounds
    half = np.array([(east - west) / 2 + within_m, (north - south) / 2 + within_m])
    middle = np.array([(west + east) / 2, (south + north) / 2])
    step = segments.vectors
    relative = middle - segments.begin
    centred = relative - step / 2
    beside = (np.abs(centred) <= half + np.abs(step) / 2).all(axis=1)
    across = np.abs(step[:, 0] * relative[:, 1] - step[:, 1] * relative[:, 0])
    beside &= across <= np.abs(step[:, 0]) * half[1] + np.abs(step[:, 1]) * half[0]
    beside &= segments.grown_m > 0
    near = np.flatnonzero(beside)
    return _Segments(
        segments.begin[near],
        segments.vectors[near],
        segments.at_m[near],
        segments.grown_m[near],
        segments.corridor_m[near],
        segments.owner[near],
    )


def _judge(segments: _Segments, steps: Steps, *, enough_m: float, sense: int) -> Lying:
    at_m, on = _beside(segments, steps, sense)
    first = np.flatnonzero(np.diff(segments.owner, prepend=-1))
    on_route = np.logical_or.reduceat(on, first, axis=1)
    # A little less is enough to be asked: sums differ in their last digits by their order.
    enough = steps.lengths_m @ on_route >= enough_m * (1 - 1e-9)
    begin = np.minimum.reduceat(np.where(on, at_m, np.inf).min(axis=0), first)
    end = np.maximum.reduceat(np.where(on, at_m, -np.inf).max(axis=0), first)
    # Only what is met in one pass is certain: of several each has to be enough.
    together = end - begin <= PASS_GAP_M
    owner = segments.owner[first]
    return Lying(owner[enough & together], owner[enough & ~together])


def _beside(segments: _Segments, steps: Steps, sense: int) -> tuple[Numbers, Flags]:
    """Return how far along its route each segment (columns) passes each step (rows), and whether it lies on it."""
    lengths, headings = _headings(segments)
    foot, off, past = _feet(segments, steps.middles)
    cosine = steps.headings @ headings.T
    parallel = (cosine * sense if sense else np.abs(cosine)) >= PARALLEL
    on = (off <= np.minimum(OFF_M, segments.corridor_m)) & (np.abs(past) <= BEYOND_M) & parallel
    return segments.at_m + foot * (segments.grown_m / lengths), on


def _feet(segments: _Segments, places: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return where on each segment (columns) each place (rows) is nearest, how far off, and how far past its ends."""
    lengths, headings = _headings(segments)
    from_x = places[:, :1] - segments.begin[:, 0]
    from_y = places[:, 1:] - segments.begin[:, 1]
    east, north = headings.T
    along = from_x * east + from_y * north
    foot = np.clip(along, 0.0, lengths)
    past = along - foot
    return foot, np.hypot(from_x * north - from_y * east, past), past


def _headings(segments: _Segments) -> tuple[Numbers, Numbers]:
    lengths = np.maximum(np.hypot(*segments.vectors.T), 1e-9)
    return lengths, segments.vectors / lengths[:, None]
