"""What of a geometry lies on a route: how it is told from what crosses it or runs beside it.

A driver on a street meets works in that street, not those in the street that crosses it, even when their lines touch.
So a line is looked at step by step: a step is on the route when it is no further off than a works is drawn beside the
middle of its street, *and* runs in parallel with the route there, *and* the route passes beside it (does not end or
turn away before). It lies on the route when enough of its steps do. An area is looked at by its outline: the long
sides of a footprint are in parallel with the street it lies in. An area that holds a good length of the route lies on
it whatever its form, and a place that is near enough does.

All coordinates are metres in a plane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Flags, Metric, Numbers, Places
from geoworks.model.works import Direction

# How far beside the middle of its street a works may be drawn.
OFF_M = 9.0
_POINT_OFF_M = 12.0
PARALLEL = np.cos(np.radians(25.0))
_STEP_M = 4.0
_MOST_STEPS = 512
# Of a long works so much has to be on the route, of a short one half.
ENOUGH_M = 18.0
ENOUGH_SHARE = 0.5
_ENOUGH_OUTLINE = 0.42
# Parts of a works further apart than this along the route are met in different passes.
PASS_GAP_M = 150.0
# Shorter, a line shows no direction.
SHORT_M = 3.0
# Beyond the end of a segment by so much it still passes beside a place: lines bend.
BEYOND_M = 1.5
# The widest street whose middle a footprint may lie beside.
WIDEST_HALF_M = 12.0
# An area holds the route when so much of it is inside, or less, but half of the area's length.
_HOLDS_M = 50.0
_HOLDS_SMALL_M = 25.0


class Run(Struct, frozen=True):
    """A part of a route: its vertices in metres, and how far along the route each is."""

    places: Metric
    at_m: Numbers


class Traces(Struct, frozen=True):
    """Where one part of a geometry is on a route.

    `at_m` is how far along the route, `sample` which step of the part that is, `lengths_m` how long each step is;
    `enough_m` is how many metres of steps make it lie on the route.
    """

    at_m: Numbers
    sample: Places
    lengths_m: Numbers
    enough_m: float


class Steps(Struct, frozen=True):
    """A line cut into short steps: the middle of each, its unit direction, its length."""

    middles: Numbers
    headings: Numbers
    lengths_m: Numbers


def trace(
    geometry: BaseGeometry, runs: Sequence[Run], *, most_off_m: float, direction: Direction | None
) -> Sequence[Traces]:
    """Return where the parts of a geometry are on the runs of a route, never further off than `most_off_m`."""
    sense = sense_of(direction)
    parts = shapely.get_parts(geometry)
    return [found for part in parts for found in _trace_part(part, runs, most_off_m, sense)]


def sense_of(direction: Direction | None) -> int:
    """Return 1 or -1 for what is travelled as it is drawn, or against that, and 0 for both ways."""
    return {Direction.FORWARD: 1, Direction.BACKWARD: -1}.get(direction, 0) if direction else 0


def _trace_part(part: BaseGeometry, runs: Sequence[Run], most_off_m: float, sense: int) -> Iterator[Traces]:
    if part.geom_type == "Point" or part.length < SHORT_M:
        yield _beside(shapely.get_coordinates(part)[:1], runs, min(_POINT_OFF_M, most_off_m))
    elif part.geom_type == "Polygon":
        outline = shapely.LineString(shapely.get_coordinates(shapely.get_exterior_ring(part)))
        off_m = min(OFF_M + _half_width(part.area, outline.length), most_off_m)
        yield _along(steps_of(outline), runs, off_m=off_m, enough_m=_enough_outline(outline.length))
        yield from _inside(part, runs)
    else:
        enough_m = min(ENOUGH_M, ENOUGH_SHARE * part.length)
        yield _along(steps_of(part), runs, off_m=min(OFF_M, most_off_m), enough_m=enough_m, sense=sense)


def _beside(places: Numbers, runs: Sequence[Run], off_m: float) -> Traces:
    """Trace places without a direction: near enough is on the route."""
    found = [_feet(places, run) for run in runs]
    at_m, sample = _gathered([(at, off <= off_m) for at, off, _, _ in found])
    return Traces(at_m, sample, np.ones(len(places)), 1.0)


def _along(steps: Steps, runs: Sequence[Run], *, off_m: float, enough_m: float, sense: int = 0) -> Traces:
    """Trace steps by where they are beside the route and in parallel with it; of a `sense` (1, -1) only that way."""
    found = []
    for run in runs:
        at, off, beside, headings = _feet(steps.middles, run)
        cosine = steps.headings @ headings.T
        parallel = np.abs(cosine) >= PARALLEL if not sense else cosine * sense >= PARALLEL
        found.append((at, (off <= off_m) & beside & parallel))
    at_m, sample = _gathered(found)
    return Traces(at_m, sample, steps.lengths_m, enough_m)


def _inside(area: BaseGeometry, runs: Sequence[Run]) -> Iterator[Traces]:
    """Trace the route where an area holds it."""
    long_m = max(_sides(area))
    for run in runs:
        inside = shapely.intersection(shapely.LineString(run.places), area)
        length_m = inside.length
        if length_m >= _HOLDS_M or length_m >= max(_HOLDS_SMALL_M, long_m / 2):
            ends = shapely.get_coordinates(inside)
            at, off, _, _ = _feet(ends, run)
            at_m = at[np.arange(len(ends)), off.argmin(axis=1)]
            yield Traces(at_m, np.arange(len(at_m)), np.full(len(at_m), length_m), 1.0)


def steps_of(line: BaseGeometry) -> Steps:
    """Cut a line into steps; what has no length is none."""
    size_m = max(_STEP_M, line.length / _MOST_STEPS)
    places = shapely.get_coordinates(shapely.segmentize(line, size_m))
    vectors = places[1:] - places[:-1]
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    some = lengths > 0
    middles = ((places[:-1] + places[1:]) / 2)[some]
    return Steps(middles, vectors[some] / lengths[some, None], lengths[some])


def _feet(places: Numbers, run: Run) -> tuple[Numbers, Numbers, Flags, Numbers]:
    """Return for places (rows) and the segments of a run (columns) the nearest point of the segment.

    That is how far along the route it is, how far off the place, whether the segment passes beside the place, and the
    headings of the segments.
    """
    vectors = np.diff(run.places, axis=0)
    lengths = np.maximum(np.hypot(*vectors.T), 1e-9)
    headings = vectors / lengths[:, None]
    relative = places[:, None, :] - run.places[None, :-1, :]
    along = (relative * headings).sum(axis=2)
    foot = np.clip(along, 0.0, lengths)
    across = relative[..., 0] * headings[:, 1] - relative[..., 1] * headings[:, 0]
    off = np.hypot(across, along - foot)
    beside = np.abs(along - foot) <= BEYOND_M
    scale = np.diff(run.at_m) / lengths
    return run.at_m[:-1] + foot * scale, off, beside, headings


def _gathered(found: Sequence[tuple[Numbers, Flags]]) -> tuple[Numbers, Places]:
    at_m = np.concatenate([at[on] for at, on in found])
    sample = np.concatenate([np.nonzero(on)[0] for _, on in found])
    return at_m, sample


def _half_width(area_m2: float, outline_m: float) -> float:
    """Return half of how wide a footprint is: that of a strip with its area and outline."""
    return min(area_m2 / max(outline_m, 1e-9), WIDEST_HALF_M)


def _enough_outline(outline_m: float) -> float:
    """Return how much of an outline has to be in parallel: both long sides of a strip count."""
    return 2 * min(ENOUGH_M, _ENOUGH_OUTLINE * outline_m / 2)


def _sides(area: BaseGeometry) -> tuple[float, float]:
    """Return the sides of the smallest rectangle, however turned, that holds an area."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(area))
    first, second = np.hypot(*np.diff(corners[:3], axis=0).T) if len(corners) > 2 else (area.length, 0.0)  # noqa: PLR2004
    return float(first), float(second)
