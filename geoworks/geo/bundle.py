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
    lengths_m: Numbers
    headings: Numbers
    at_m: Numbers
    grown_m: Numbers
    corridor_m: Numbers
    owner: Places

    def some(self, which: Flags) -> _Segments:
        """Return some of them."""
        return _Segments(
            self.begin[which],
            self.lengths_m[which],
            self.headings[which],
            self.at_m[which],
            self.grown_m[which],
            self.corridor_m[which],
            self.owner[which],
        )


def lying_on(middle: Middle, bundle: Bundle, direction: Direction | None) -> Lying:
    """Tell on which routes a works lies."""
    placed = middle.placed
    is_line = placed.geom_type == "LineString" and placed.length >= SHORT_M
    segments = _near(middle, bundle, OFF_M if is_line else _FURTHEST_M)
    if not len(segments.owner):
        return NOTHING
    if not is_line:
        return Lying(NOTHING.certain, np.unique(segments.owner))
    sense = sense_of(direction)
    steps = steps_of(placed)
    # Most only cross it: that is seen before anything is measured.
    along: Flags = np.any(_parallel(steps.headings, segments.headings, sense), axis=0)
    segments = segments.some(along)
    if not len(segments.owner):
        return NOTHING
    return _judge(segments, steps, enough_m=min(ENOUGH_M, ENOUGH_SHARE * placed.length), sense=sense)


def near_to(middle: Middle, bundle: Bundle) -> Lying:
    """Tell which routes have a feature within their corridor."""
    segments = _near(middle, bundle, float(bundle.corridor_m.max(initial=0.0)))
    if middle.placed.geom_type != "Point":
        return Lying(NOTHING.certain, np.unique(segments.owner))
    _, off, _ = _feet(segments, shapely.get_coordinates(middle.placed))
    return Lying(np.unique(segments.owner[off[0] <= segments.corridor_m]), NOTHING.doubtful)


def _near(middle: Middle, bundle: Bundle, within_m: float) -> _Segments:
    """Return the segments that come about so near, in metres around the middle."""
    piece, step = np.nonzero(_may_be_near(middle, bundle, within_m))
    ends = np.concatenate([bundle.lonlat[piece, step], bundle.lonlat[piece, step + 1]])
    begin, end = np.split(middle.metric(Lonlat(ends)), 2)
    vectors = end - begin
    lengths_m = np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), 1e-9)
    at_m = bundle.at_m[piece, step]
    grown_m = bundle.at_m[piece, step + 1] - at_m
    headings = vectors / lengths_m[:, None]
    return _Segments(begin, lengths_m, headings, at_m, grown_m, bundle.corridor_m[piece], bundle.owner[piece])


def _may_be_near(middle: Middle, bundle: Bundle, within_m: float) -> Flags:
    """Tell which segments of the pieces (rows) may come so near.

    No straight line passes between the others and the bounds of what is asked about. Here a degree has the same
    metres everywhere, which is quick; what that bends the longer lines is allowed for.
    """
    west, south, east, north = middle.placed.bounds
    places = (bundle.lonlat - (middle.lon, middle.lat)) * middle.degree_m
    x, y = places[..., 0], places[..., 1]
    half_east, half_north = max(east, -west) + within_m, max(north, -south) + within_m
    begin_x, begin_y = x[:, :-1], y[:, :-1]
    step_x, step_y = x[:, 1:] - begin_x, y[:, 1:] - begin_y
    square = x * x + y * y
    slack = np.maximum(square[:, :-1], square[:, 1:]) * middle.bend + 1.0
    size_x, size_y = np.abs(step_x), np.abs(step_y)
    near = np.abs(begin_x + step_x / 2) <= half_east + size_x / 2 + slack
    near &= np.abs(begin_y + step_y / 2) <= half_north + size_y / 2 + slack
    near &= np.abs(step_x * begin_y - step_y * begin_x) <= size_x * (half_north + slack) + size_y * (half_east + slack)
    # The last vertex of a route may be there more than once.
    near &= (step_x != 0) | (step_y != 0)
    return near


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
    foot = np.clip(along, 0.0, segments.lengths_m)
    past = along - foot
    return foot, np.hypot(from_x * north - from_y * east, past), past
