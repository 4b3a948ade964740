"""Many routes asked at once what lies on them: of most the answer is certain, the others have to be asked themselves.

What lies on a route is told by `geoworks.geo.trace`, here for the segments of all routes together. A works that is one
line, or a place, is judged so; of an area it is only told which routes come near.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
# Longer by a rounding than what shows no direction, and shorter than any segment.
_SURELY_LONG_M, _HARDLY_M = SHORT_M * (1 + 1e-9), 1e-9


class Bundle(NamedTuple):
    """Pieces of routes: which rows of these columns they are.

    The columns hold the vertices in degrees, how far along its route each is, and whose the route is, a row for a
    piece; a piece with less segments repeats its last vertex. The corridor is in a column by owner.
    """

    lonlat: Numbers
    at_m: Numbers
    owner: Places
    corridor_m: Numbers
    piece: Places


class Lying(NamedTuple):
    """The owners of routes a works lies on, and of those on which it may lie."""

    certain: Places
    doubtful: Places


NOTHING = Lying(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))


class _Near(NamedTuple):
    """Segments (rows of the columns of a bundle, and which of the piece) that may be near, in metres around a middle.

    They are measured quickly: a degree has the same metres everywhere. What that moves their ends by is below
    `slack_m`, and what it turns them by, in radians, below `turn`.
    """

    piece: Places
    step: Places
    begin: Numbers
    vectors: Numbers
    slack_m: Numbers
    turn: Numbers


class _Line(NamedTuple):
    """A line in metres: its vertices, and from each to the next the vector and the length."""

    vertices: Numbers
    vectors: Numbers
    lengths_m: Numbers


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
    line = _line_of(middle.vertices)
    length_m = float(line.lengths_m.sum())
    is_line = middle.geometry.geom_type == "LineString" and length_m > _SURELY_LONG_M
    near = _near(middle, bundle, OFF_M if is_line else _FURTHEST_M)
    if not is_line:
        return Lying(NOTHING.certain, np.unique(bundle.owner[near.piece]))
    sense = sense_of(direction)
    along = _may_be_along(line, near, sense)
    if not len(along):
        return NOTHING
    segments = _measured(middle, bundle, near.piece[along], near.step[along])
    steps = steps_of(middle.placed)
    return _judge(segments, steps, enough_m=min(ENOUGH_M, ENOUGH_SHARE * length_m), sense=sense)


def near_to(middle: Middle, bundle: Bundle) -> Lying:
    """Tell which routes have a feature within their corridor."""
    near = _near(middle, bundle, float(bundle.corridor_m[bundle.owner[bundle.piece]].max(initial=0.0)))
    if middle.geometry.geom_type != "Point":
        return Lying(NOTHING.certain, np.unique(bundle.owner[near.piece]))
    segments = _measured(middle, bundle, near.piece, near.step)
    _, across_m, past_m = _feet(segments, middle.vertices)
    off_m = np.hypot(across_m[:, 0], past_m[:, 0])
    return Lying(np.unique(segments.owner[off_m <= segments.corridor_m]), NOTHING.doubtful)


def _near(middle: Middle, bundle: Bundle, within_m: float) -> _Near:
    """Return the segments whose bounds come so near to the bounds of a feature."""
    places = (bundle.lonlat[bundle.piece] - middle.center) * middle.degree_m
    furthest_m = np.abs(places).max(axis=(1, 2))
    turn = furthest_m * (2 * middle.bend)
    slack_m = furthest_m * turn + 1.0
    reach_m = slack_m[:, None, None] + (np.array(middle.half_m) + within_m)
    near = _between(places, reach_m)
    piece, step = np.nonzero(near[..., 0] & near[..., 1])
    begin = places[piece, step]
    vectors = places[piece, step + 1] - begin
    return _Near(bundle.piece[piece], step, begin, vectors, slack_m[piece], turn[piece])


def _between(at_m: Numbers, half_m: Numbers) -> Flags:
    """Tell between which neighbours of a row there is something between `-half_m` and `half_m`."""
    begin, end = at_m[:, :-1], at_m[:, 1:]
    between: Flags = (np.minimum(begin, end) <= half_m) & (np.maximum(begin, end) >= -half_m)
    return between


def _line_of(vertices: Numbers) -> _Line:
    vectors = vertices[1:] - vertices[:-1]
    return _Line(vertices, vectors, np.hypot(vectors[:, 0], vectors[:, 1]))


def _may_be_along(line: _Line, near: _Near, sense: int) -> Places:
    """Return which segments some part of a line is in parallel with and beside: most only cross it or run elsewhere."""
    if len(line.vertices) * len(near.piece) > _MOST_PAIRS:
        return np.arange(len(near.piece))
    # The last vertex of a piece may be there more than once: what has no length is in parallel with nothing.
    lengths_m = np.hypot(near.vectors[:, 0], near.vectors[:, 1]) + _HARDLY_M
    grown = near.vectors @ line.vectors.T
    grown = grown * sense if sense else np.abs(grown)
    parallel = grown >= (lengths_m * (PARALLEL - near.turn))[:, None] * line.lengths_m
    some = np.flatnonzero(parallel.any(axis=1))
    east, north = (near.vectors[some] / lengths_m[some, None]).T[..., None]
    begin_x, begin_y = near.begin[some].T[..., None]
    x, y = line.vertices.T
    off_m = (x - begin_x) * north - (y - begin_y) * east
    beside = _between(off_m, (OFF_M + near.slack_m[some])[:, None])
    beside &= parallel[some]
    along: Places = some[beside.any(axis=1)]
    return along


def _measured(middle: Middle, bundle: Bundle, piece: Places, step: Places) -> _Segments:
    """Return segments of pieces, those of one route in a row, in metres around the middle."""
    owner = bundle.owner[piece]
    order = np.argsort(owner, kind="stable")
    piece, step, owner = piece[order], step[order], owner[order]
    ends = np.concatenate([bundle.lonlat[piece, step], bundle.lonlat[piece, step + 1]])
    places = middle.metric(Lonlat(ends))
    begin = places[: len(piece)]
    vectors = places[len(piece) :] - begin
    lengths_m = np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), 1e-9)
    at_m = bundle.at_m[piece, step]
    grown_m = bundle.at_m[piece, step + 1] - at_m
    headings = vectors / lengths_m[:, None]
    return _Segments(begin, lengths_m, headings, at_m, grown_m, bundle.corridor_m[owner], owner)


def _judge(segments: _Segments, steps: Steps, *, enough_m: float, sense: int) -> Lying:
    """Tell on which routes enough of some steps lies."""
    segment, step, at_m = _beside(segments, steps, sense)
    if not len(segment):
        return NOTHING
    owner = segments.owner[segment]
    begins = np.ones(len(owner), dtype=np.bool_)
    np.not_equal(owner[1:], owner[:-1], out=begins[1:])
    first = np.flatnonzero(begins)
    on_route = np.zeros((len(first), len(steps.lengths_m)), dtype=np.bool_)
    on_route[begins.cumsum() - 1, step] = True
    # A little less is enough to be asked: sums differ in their last digits by their order.
    enough = on_route @ steps.lengths_m >= enough_m * (1 - 1e-9)
    # Only what is met in one pass is certain: of several each has to be enough.
    together = np.maximum.reduceat(at_m, first) - np.minimum.reduceat(at_m, first) <= PASS_GAP_M
    for place in np.flatnonzero(enough & ~together).tolist():
        its = at_m[owner == owner[first[place]]]
        together[place] = np.diff(np.sort(its)).max() <= PASS_GAP_M
    owner = owner[first]
    return Lying(owner[enough & together], owner[enough & ~together])


def _beside(segments: _Segments, steps: Steps, sense: int) -> tuple[Places, Places, Numbers]:
    """Return which segments have which steps on them, segment by segment, and how far along its route each is there."""
    foot_m, across_m, past_m = _feet(segments, steps.middles)
    cosine = segments.headings @ steps.headings.T
    on = (cosine * sense if sense else np.abs(cosine)) >= PARALLEL
    on &= np.abs(past_m) <= BEYOND_M
    off_m = np.minimum(OFF_M, segments.corridor_m)
    on &= np.abs(across_m) <= off_m[:, None]
    segment, step = np.nonzero(on)
    near = np.hypot(across_m[segment, step], past_m[segment, step]) <= off_m[segment]
    segment, step = segment[near], step[near]
    grown = (segments.grown_m / segments.lengths_m)[segment]
    return segment, step, segments.at_m[segment] + foot_m[segment, step] * grown


def _feet(segments: _Segments, places: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return where on each segment (rows) each place (columns) is nearest, how far across and how far past its ends."""
    from_x = places[:, 0] - segments.begin[:, :1]
    from_y = places[:, 1] - segments.begin[:, 1:]
    east, north = segments.headings.T[..., None]
    along = from_x * east + from_y * north
    foot = np.minimum(np.maximum(along, 0.0), segments.lengths_m[:, None])
    return foot, from_x * north - from_y * east, along - foot
