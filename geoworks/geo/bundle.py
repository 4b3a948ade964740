"""Many routes asked at once what lies on them: of most the answer is certain, the others have to be asked themselves.

What lies on a route is told by `geoworks.geo.trace`, here for the segments of all routes together. A works that is one
line, or a place, is judged so; of an area it is only told which routes come near.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from geoworks.geo.frame import Middle
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
# Of more pairs of vertices and segments it is not told first which may be along one another.
_MOST_PAIRS = 100_000


class Bundle(NamedTuple):
    """Pieces of routes: which rows of these columns they are, and of each the corridor and whose it is.

    The columns hold the vertices in degrees and how far along its route each is, a row for a piece; a piece with less
    segments repeats its last vertex.
    """

    lonlat: Numbers
    at_m: Numbers
    piece: Places
    corridor_m: Numbers
    owner: Places


class Lying(NamedTuple):
    """The owners of routes a works lies on, and of those on which it may lie."""

    certain: Places
    doubtful: Places


NOTHING = Lying(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))


class _Near(NamedTuple):
    """Segments of pieces (places in a bundle) that may be near, in metres around a middle.

    They are measured quickly: a degree has the same metres everywhere. What that moves their ends by is below
    `slack_m`, and what it turns them by, in radians, below `turn`.
    """

    piece: Places
    step: Places
    begin: tuple[Numbers, Numbers]
    vectors: tuple[Numbers, Numbers]
    slack_m: Numbers
    turn: Numbers


class _Segments(NamedTuple):
    """Segments of routes in metres, those of one route in a row."""

    begin: Numbers
    lengths_m: Numbers
    headings: Numbers
    at_m: Numbers
    grown_m: Numbers
    corridor_m: Numbers
    owner: Places


def lying_on(middle: Middle, bundle: Bundle, direction: Direction | None) -> Lying:
    """Tell on which routes a works lies."""
    placed = middle.placed
    is_line = placed.geom_type == "LineString" and placed.length >= SHORT_M
    near = _near(middle, bundle, OFF_M if is_line else _FURTHEST_M)
    if not is_line:
        return Lying(NOTHING.certain, np.unique(bundle.owner[near.piece]))
    sense = sense_of(direction)
    along = _may_be_along(shapely.get_coordinates(placed), near, sense)
    if not along.any():
        return NOTHING
    segments = _measured(middle, bundle, near.piece[along], near.step[along])
    return _judge(segments, steps_of(placed), enough_m=min(ENOUGH_M, ENOUGH_SHARE * placed.length), sense=sense)


def near_to(middle: Middle, bundle: Bundle) -> Lying:
    """Tell which routes have a feature within their corridor."""
    near = _near(middle, bundle, float(bundle.corridor_m.max(initial=0.0)))
    if middle.placed.geom_type != "Point":
        return Lying(NOTHING.certain, np.unique(bundle.owner[near.piece]))
    segments = _measured(middle, bundle, near.piece, near.step)
    _, off, _ = _feet(segments, shapely.get_coordinates(middle.placed))
    return Lying(np.unique(segments.owner[off[0] <= segments.corridor_m]), NOTHING.doubtful)


def _near(middle: Middle, bundle: Bundle, within_m: float) -> _Near:
    """Return the segments whose bounds come so near to the bounds of a feature."""
    west, south, east, north = middle.placed.bounds
    lonlat = bundle.lonlat[bundle.piece]
    parallel_m, meridian_m = middle.degree_m
    x, y = (lonlat[..., 0] - middle.lon) * parallel_m, (lonlat[..., 1] - middle.lat) * meridian_m
    furthest_m = np.maximum(np.abs(x), np.abs(y)).max(axis=1)
    slack_m = furthest_m * furthest_m * (2 * middle.bend) + 1.0
    near = _between(x, (max(east, -west) + within_m + slack_m)[:, None])
    near &= _between(y, (max(north, -south) + within_m + slack_m)[:, None])
    # The last vertex of a piece may be there more than once.
    near &= (x[:, :-1] != x[:, 1:]) | (y[:, :-1] != y[:, 1:])
    piece, step = np.nonzero(near)
    begin = x[piece, step], y[piece, step]
    vectors = x[piece, step + 1] - begin[0], y[piece, step + 1] - begin[1]
    return _Near(piece, step, begin, vectors, slack_m[piece], furthest_m[piece] * (2 * middle.bend))


def _between(at_m: Numbers, half_m: Numbers) -> Flags:
    """Tell between which neighbours of a row there is something between `-half_m` and `half_m`."""
    begin, end = at_m[:, :-1], at_m[:, 1:]
    between: Flags = (np.minimum(begin, end) <= half_m) & (np.maximum(begin, end) >= -half_m)
    return between


def _may_be_along(line: Numbers, near: _Near, sense: int) -> Flags:
    """Tell which segments some part of a line is beside and in parallel with: most only cross it, or run elsewhere."""
    if len(line) * len(near.piece) > _MOST_PAIRS:
        return np.ones(len(near.piece), dtype=np.bool_)
    (begin_x, begin_y), (vector_x, vector_y) = near.begin, near.vectors
    lengths_m = np.hypot(vector_x, vector_y)
    east, north = (vector_x / lengths_m)[:, None], (vector_y / lengths_m)[:, None]
    from_x, from_y = line[:, 0] - begin_x[:, None], line[:, 1] - begin_y[:, None]
    off_m, at_m = from_x * north - from_y * east, from_x * east + from_y * north
    grown_m, drawn = at_m[:, 1:] - at_m[:, :-1], line[1:] - line[:-1]
    least_m = np.hypot(drawn[:, 0], drawn[:, 1]) * (PARALLEL - near.turn)[:, None]
    parallel = (grown_m * sense if sense else np.abs(grown_m)) >= least_m
    beside = _between(off_m, (OFF_M + near.slack_m)[:, None])
    half_m = lengths_m / 2
    beside &= _between(at_m - half_m[:, None], (half_m + BEYOND_M + near.slack_m)[:, None])
    along: Flags = np.any(parallel & beside, axis=1)
    return along


def _measured(middle: Middle, bundle: Bundle, which: Places, step: Places) -> _Segments:
    """Return segments of pieces, those of one route in a row, in metres around the middle."""
    order = np.argsort(bundle.owner[which], kind="stable")
    which, step = which[order], step[order]
    piece = bundle.piece[which]
    ends = np.concatenate([bundle.lonlat[piece, step], bundle.lonlat[piece, step + 1]])
    places = middle.metric(Lonlat(ends))
    begin = places[: len(piece)]
    vectors = places[len(piece) :] - begin
    lengths_m = np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), 1e-9)
    at_m = bundle.at_m[piece, step]
    grown_m = bundle.at_m[piece, step + 1] - at_m
    headings = vectors / lengths_m[:, None]
    return _Segments(begin, lengths_m, headings, at_m, grown_m, bundle.corridor_m[which], bundle.owner[which])


def _judge(segments: _Segments, steps: Steps, *, enough_m: float, sense: int) -> Lying:
    at_m, on = _beside(segments, steps, sense)
    begins = np.ones(len(segments.owner), dtype=np.bool_)
    np.not_equal(segments.owner[1:], segments.owner[:-1], out=begins[1:])
    first = np.flatnonzero(begins)
    on_route = np.logical_or.reduceat(on, first, axis=1)
    # A little less is enough to be asked: sums differ in their last digits by their order.
    enough = steps.lengths_m @ on_route >= enough_m * (1 - 1e-9)
    begin = np.minimum.reduceat(np.where(on, at_m, np.inf).min(axis=0), first)
    end = np.maximum.reduceat(np.where(on, at_m, -np.inf).max(axis=0), first)
    # Only what is met in one pass is certain: of several each has to be enough.
    together = end - begin <= PASS_GAP_M
    owner = segments.owner[first]
    for place in np.flatnonzero(enough & ~together).tolist():
        its = segments.owner == owner[place]
        gaps = np.diff(np.sort(at_m[:, its][on[:, its]]))
        together[place] = gaps.max() <= PASS_GAP_M
    return Lying(owner[enough & together], owner[enough & ~together])


def _beside(segments: _Segments, steps: Steps, sense: int) -> tuple[Numbers, Flags]:
    """Return how far along its route each segment (columns) passes each step (rows), and whether it lies on it."""
    foot, off, past = _feet(segments, steps.middles)
    on = (off <= np.minimum(OFF_M, segments.corridor_m)) & (np.abs(past) <= BEYOND_M)
    on &= _parallel(steps.headings, segments.headings, sense)
    return segments.at_m + foot * (segments.grown_m / segments.lengths_m), on


def _parallel(steps: Numbers, segments: Numbers, sense: int) -> Flags:
    """Tell which headings of segments (columns) are in parallel with which of steps (rows)."""
    cosine = steps @ segments.T
    parallel: Flags = (cosine * sense if sense else np.abs(cosine)) >= PARALLEL
    return parallel


def _feet(segments: _Segments, places: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return where on each segment (columns) each place (rows) is nearest, how far off, and how far past its ends."""
    from_x = places[:, :1] - segments.begin[:, 0]
    from_y = places[:, 1:] - segments.begin[:, 1]
    east, north = segments.headings.T
    along = from_x * east + from_y * north
    foot = np.minimum(np.maximum(along, 0.0), segments.lengths_m)
    past = along - foot
    return foot, np.hypot(from_x * north - from_y * east, past), past
