"""Routes: what is near one, what lies on it and where, and when a driver gets there.

Lines are lon/lat degrees (EPSG:4326). Everything is measured in metres around what is asked about, so a route of
2 000 km is as true there as a street.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem
from geoworks.geo.crs import local_metric
from geoworks.geo.measure import DEGREE_M, steps_m
from geoworks.geo.trace import PASS_GAP_M, Run, Traces, trace
from geoworks.geo.types import Lonlat, Metric, Numbers, Places
from geoworks.model.works import Direction

LONGEST_M = 2_000_000.0
# A row for each piece of a route: its vertices in degrees, and how far along the route each is.
Pieces = tuple[Numbers, Numbers]
# A piece has at most so many segments and metres (or one segment), where that does not make too many of a route.
PIECE_SEGMENTS = 8
_PIECE_M = 1_000.0
_MOST_PIECES = 500
# How far ahead and behind of where a driver was is looked first, and how far off may be as good as the nearest.
_WINDOW_M = 3_000.0
_AS_GOOD_M = 20.0
# Drivers are faster and slower than they say, and are held up at lights.
_FASTER, _SLOWER = 1.3, 0.7
_HELD_UP_S = 120.0


class Stretch(Struct, frozen=True, gc=False):
    """Where on a route something lies, in metres from its beginning."""

    from_m: float
    to_m: float


class RouteLine:
    """A route with its corridor, ready to be asked of many features."""

    def __init__(self, line: BaseGeometry, *, corridor_m: float) -> None:
        """Cut a checked LineString into pieces."""
        self._lonlat = shapely.get_coordinates(line)
        self._at_m: Numbers = np.concatenate([[0.0], np.cumsum(steps_m(self._lonlat))])
        self._corridor_m = corridor_m
        self._firsts, self._ends = _cut(self._at_m)
        self._boxes = self._pad(self._lonlat)

    @property
    def length_m(self) -> float:
        """Return the length in metres."""
        return float(self._at_m[-1])

    @property
    def boxes(self) -> Numbers:
        """Return a box a piece that holds it with its corridor: west, south, east, north in degrees."""
        return self._boxes

    @property
    def pieces(self) -> Pieces | None:
        """Return the same pieces for a bundle of routes; None when they have more segments than fit into one."""
        if (self._ends - self._firsts).max() > PIECE_SEGMENTS:
            return None
        vertices = np.minimum(self._firsts[:, None] + np.arange(PIECE_SEGMENTS + 1), self._ends[:, None])
        return self._lonlat[vertices], self._at_m[vertices]

    def near(self, geometry: BaseGeometry) -> bool:
        """Tell whether a geometry comes within the corridor."""
        placed, runs = self._placed(geometry)
        return any(shapely.dwithin(shapely.LineString(run.places), placed, self._corridor_m) for run in runs)

    def stretches(self, geometry: BaseGeometry, direction: Direction | None = None) -> Sequence[Stretch]:
        """Return where on the route a works lies, pass by pass; nothing when it is not on it.

        On the route means on it: what only crosses it, or runs beside it, is not (`geoworks.geo.trace` tells how that
        is seen). Of a line whose direction is known, only what is travelled in that direction counts.
        """
        placed, runs = self._placed(geometry)
        if not runs:
            return ()
        traces = trace(placed, runs, most_off_m=self._corridor_m, direction=direction)
        return tuple(_passes(traces))

    def along(self, lon: float, lat: float, *, hint_m: float | None = None) -> tuple[float, float]:
        """Return how far along the route a place is, and how far off, in metres.

        Where the route passes several times, the pass after `hint_m`, where the driver was last, is taken.
        """
        if hint_m is not None:
            at_m, off_m = self._nearest(lon, lat, self._window(hint_m), hint_m)
            if off_m <= self._corridor_m:
                return at_m, off_m
        return self._nearest(lon, lat, slice(0, len(self._lonlat)), hint_m or 0.0)

    def _window(self, hint_m: float) -> slice:
        first, last = np.searchsorted(self._at_m, [hint_m - _WINDOW_M, hint_m + _WINDOW_M])
        return slice(max(int(first) - 1, 0), int(last) + 1)

    def _nearest(self, lon: float, lat: float, which: slice, hint_m: float) -> tuple[float, float]:
        places = local_metric(lon, lat)(Lonlat(self._lonlat[which]))
        begin, step = places[:-1], np.diff(places, axis=0)
        square = np.maximum((step**2).sum(axis=1), 1e-9)
        share = np.clip(-(begin * step).sum(axis=1) / square, 0.0, 1.0)
        off = np.hypot(*(begin + share[:, None] * step).T)
        at = self._at_m[which][:-1] + share * np.diff(self._at_m[which])
        good = np.flatnonzero(off <= off.min() + _AS_GOOD_M)
        if (at[good].max() - at[good].min()) <= PASS_GAP_M:
            best = good[np.argmin(off[good])]
        else:
            best = good[np.argmin(off[good] + np.abs(at[good] - hint_m) / 10)]
        return float(at[best]), float(off[best])

    def _placed(self, geometry: BaseGeometry) -> tuple[BaseGeometry, list[Run]]:
        """Return a geometry in metres around its middle, and the runs of the route that come near it, likewise."""
        west, south, east, north = geometry.bounds
        box = self._boxes
        meets = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        pieces = np.flatnonzero(meets)
        if not len(pieces):
            return geometry, []
        metric = local_metric((west + east) / 2, (south + north) / 2)
        placed: BaseGeometry = shapely.transform(geometry, lambda lonlat: metric(Lonlat(lonlat)))
        return placed, [self._run(run, metric(Lonlat(self._lonlat[run]))) for run in self._runs(pieces)]

    def _runs(self, pieces: Places) -> Iterator[slice]:
        """Yield the vertices of pieces that follow one another."""
        for group in np.split(pieces, np.flatnonzero(np.diff(pieces) > 1) + 1):
            yield slice(int(self._firsts[group[0]]), int(self._ends[group[-1]]) + 1)

    def _run(self, which: slice, places: Metric) -> Run:
        return Run(places, self._at_m[which])

    def _pad(self, lonlat: Numbers) -> Numbers:
        """Return the boxes of the pieces, widened by the corridor."""
        # From the first vertex of each piece up to its last, which is the first of the next: every second of these.
        ranges = np.column_stack([self._firsts, self._ends + 1]).ravel()[:-1]
        low, high = (bound.reduceat(lonlat, ranges)[::2] for bound in (np.minimum, np.maximum))
        north = self._corridor_m / DEGREE_M * 1.001
        widest = np.minimum(np.maximum(np.abs(low[:, 1]), np.abs(high[:, 1])) + north, 89.9)
        pad = np.column_stack([north / np.cos(np.radians(widest)), np.full(len(low), north)])
        return np.hstack([low - pad, high + pad])


def _cut(at_m: Numbers) -> tuple[Places, Places]:
    """Cut a line into pieces by how far along its vertices are; return the first and the last vertex of each."""
    segments = len(at_m) - 1
    most = max(PIECE_SEGMENTS, -(-2 * segments // _MOST_PIECES))
    most_m = max(_PIECE_M, 2 * float(at_m[-1]) / _MOST_PIECES)
    along = at_m.tolist()
    ends = [0]
    while (first := ends[-1]) < segments:
        within = bisect_right(along, along[first] + most_m, first + 1, min(first + most, segments) + 1) - 1
        ends.append(max(within, first + 1))
    return np.array(ends[:-1]), np.array(ends[1:])


def check_line(line: BaseGeometry, *, where: str) -> None:
    """Check that a LineString can be a route.

    Raises:
        Invalid: it has no length, is too long, or crosses the antimeridian; says where and how to mend it.

    """
    lonlat = shapely.get_coordinates(line)
    if np.abs(np.diff(lonlat[:, 0])).max(initial=0.0) > 180:  # noqa: PLR2004 - half way round
        raise Invalid(Problem(where, "it crosses the antimeridian", "cut the route there and ask about both parts"))
    length_m = float(steps_m(lonlat).sum())
    if length_m < 1:
        raise Invalid(Problem(where, "it has no length", "give at least two different places"))
    if length_m > LONGEST_M:
        much = f"it is {length_m / 1000:.0f} km long"
        raise Invalid(Problem(where, much, f"give at most {LONGEST_M / 1000:.0f} km, or cut it into parts"))


def arrival(stretch: Stretch, speed_kmh: float, *, from_m: float = 0.0) -> tuple[float, float]:
    """Return the earliest and the latest seconds after which a driver who is at `from_m` is on a stretch.

    The earliest is its beginning at 1.3 times the usual speed, the latest its end at 0.7 times and two minutes of
    waiting: the margin grows along the route.
    """
    metres_per_s = speed_kmh / 3.6
    earliest_s = max(stretch.from_m - from_m, 0.0) / (metres_per_s * _FASTER)
    return earliest_s, max(stretch.to_m - from_m, 0.0) / (metres_per_s * _SLOWER) + _HELD_UP_S


def _passes(traces: Sequence[Traces]) -> Iterator[Stretch]:
    """Yield where parts of a works are on the route, pass by pass in their order, when enough of one is."""
    for at_m, metres, enough_m in sorted(_clusters(traces), key=lambda cluster: float(cluster[0][0])):
        if metres >= enough_m:
            yield Stretch(float(at_m.min()), float(at_m.max()))


def _clusters(traces: Sequence[Traces]) -> Iterator[tuple[Numbers, float, float]]:
    for found in traces:
        if not len(found.at_m):
            continue
        order = np.argsort(found.at_m)
        at_m, sample = found.at_m[order], found.sample[order]
        for places in np.split(np.arange(len(at_m)), np.flatnonzero(np.diff(at_m) > PASS_GAP_M) + 1):
            # A place beside two segments at once counts once.
            once = np.unique(sample[places])
            yield at_m[places], float(found.lengths_m[once].sum()), found.enough_m
