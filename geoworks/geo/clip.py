"""How much of many lines lies inside polygons, by arithmetic over whole arrays.

GEOS builds the intersection of every pair, at 17 µs and more; here only the places where a line crosses a border are
computed. Coordinates have 6 decimals (`validate` sees to it), so in whole millionths of a degree every cross
product is exact in 64 bits: no crossing is missed and none is in doubt.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import shapely
from shapely import STRtree

from geoworks.geo.measure import line_parts
from geoworks.geo.steps import Chunks, Ruler, Steps, Vectors, ranges, run_starts
from geoworks.geo.types import Flags, Geometries, Lonlat, Numbers, Places

# Steps looked at together, measured on borders of 44 vertices and lines of 6; a tree over single steps would take
# too much memory.
_BORDER_CHUNK, _LINE_CHUNK = 4, 16


class LineClip:
    """Polygons made ready to measure lines inside them.

    They must be prepared (`shapely.prepare`); as prepared geometries do, this belongs to one thread.
    """

    def __init__(self, polygons: Geometries) -> None:
        self._polygons = polygons
        parts, owners = shapely.get_parts(polygons, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        self._border = Steps.of(rings, owners[part])
        self._chunks = Chunks.of(self._border, most=_BORDER_CHUNK)
        self._tree = STRtree(self._chunks.diagonals())

    def metres(self, lines: Geometries, line: Places, polygon: Places) -> tuple[Numbers, Numbers]:
        """Return for each pair of places, of a line and of a polygon, the metres inside and those of the whole line.

        No pair comes twice. What runs along the border is inside.
        """
        used, line = np.unique(line, return_inverse=True)
        steps = Steps.of(*line_parts(lines[used]))
        ruler, chains = Ruler.of(steps), _Chains.of(steps, len(used))
        pairs = _Pairs.of(line, polygon)
        met = self._meetings(steps, pairs)
        pieces = _pieces(pairs, chains, met)
        middle = pieces.middle
        inside = self._inside(pairs.polygon[pieces.pair], steps.lonlat(middle))
        # What runs along a border is inside, which no test of its middle can tell: that is a rounding away from it.
        inside |= met.along.cover(pieces.pair, middle)
        metres = ruler.metres(pieces.end[inside]) - ruler.metres(pieces.begin[inside])
        lengths = np.empty(len(line))
        lengths[pairs.order] = np.bincount(pieces.pair[inside], weights=metres, minlength=len(line))
        return lengths, (ruler.before[chains.end] - ruler.before[chains.begin])[line]

    def _meetings(self, steps: Steps, pairs: _Pairs) -> _Meetings:
        """Find where the lines meet the borders of the polygons they are paired with."""
        chunks = Chunks.of(steps, most=_LINE_CHUNK)
        chunk, border = self._tree.query(chunks.diagonals())
        pair, known = pairs.find(steps.owner[chunks.first[chunk]], self._border.owner[self._chunks.first[border]])
        chunk, border, pair = chunk[known], border[known], pair[known]
        step, of = chunks.steps(chunk)
        near = np.flatnonzero(self._chunks.near(border[of], steps, step))
        step, of = step[near], of[near]
        edge, of_step = self._chunks.steps(border[of])
        step, pair = step[of_step], pair[of][of_step]
        vectors, edges = steps.vectors(step), self._border.vectors(edge)
        hit, part, straight = _meet(vectors, edges)
        low, high = _overlap(vectors.at(straight), edges.at(straight))
        return _Meetings(pair[hit], step[hit] + part, _Along.of(pair[straight], step[straight], low, high))

    def _inside(self, polygon: Places, lonlat: Lonlat) -> Flags:
        """Tell which points are inside."""
        inside: Flags = shapely.intersects_xy(self._polygons[polygon], lonlat[:, 0], lonlat[:, 1])
        return inside


class _Pairs(NamedTuple):
    """Pairs of a line and a polygon in the order of their keys; `order` leads back to how they were given."""

    line: Places
    polygon: Places
    order: Places
    keys: Places
    lines: int

    @classmethod
    def of(cls, line: Places, polygon: Places) -> Self:
        """Sort the pairs."""
        lines = int(line.max(initial=0)) + 1
        keys = polygon * lines + line
        order = np.argsort(keys)
        return cls(line[order], polygon[order], order, keys[order], lines)

    def find(self, line: Places, polygon: Places) -> tuple[Places, Flags]:
        """Return the place of each pair, and whether it is one of these at all."""
        keys = polygon * self.lines + line
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return place, self.keys[place] == keys


class _Along(NamedTuple):
    """Where the lines of pairs run along the polygons' borders, in the order of the pairs."""

    pair: Places
    begin: Numbers
    end: Numbers

    @classmethod
    def of(cls, pair: Places, step: Places, low: Numbers, high: Numbers) -> Self:
        """Take the parts of steps, from low to high, that are more than a point."""
        kept = np.flatnonzero(low < high)
        kept = kept[np.argsort(pair[kept])]
        return cls(pair[kept], step[kept] + low[kept], step[kept] + high[kept])

    def cover(self, pair: Places, where: Numbers) -> Flags:
        """Tell which places of pairs lie where those run along a border."""
        first = np.searchsorted(self.pair, pair)
        along, place = ranges(first, np.searchsorted(self.pair, pair, "right") - first)
        on = (self.begin[along] < where[place]) & (where[place] < self.end[along])
        covered: Flags = np.bincount(place[on], minlength=len(pair)) > 0
        return covered


class _Meetings(NamedTuple):
    """Where the lines of pairs meet the polygons' borders, and where they run along them for a while."""

    pair: Places
    where: Numbers
    along: _Along


class _Chains(NamedTuple):
    """Where each line begins and ends among the steps, and where the further parts of some lines begin."""

    begin: Places
    end: Places
    line: Places
    further: Places

    @classmethod
    def of(cls, steps: Steps, lines: int) -> Self:
        """Find the ends of so many lines."""
        count = np.bincount(steps.owner, minlength=lines)
        end = np.cumsum(count)
        begin = end - count
        starts = run_starts(steps.chain)
        further = starts[starts > begin[steps.owner[starts]]]
        return cls(begin, end, steps.owner[further], further)

    def further_of(self, line: Places) -> tuple[Places, Places]:
        """Return where further parts of some lines begin, and for each the place in `line` it belongs to."""
        low, high = np.searchsorted(self.line, line), np.searchsorted(self.line, line, "right")
        place, of = ranges(low, high - low)
        return self.further[place], of


class _Pieces(NamedTuple):
    """What lies on a line between two places where it is cut."""

    pair: Places
    begin: Numbers
    end: Numbers

    @property
    def middle(self) -> Numbers:
        """The places midway."""
        return (self.begin + self.end) / 2


def _pieces(pairs: _Pairs, chains: _Chains, met: _Meetings) -> _Pieces:
    """Cut the lines of pairs where they meet a border and where a part of them ends; most stay whole."""
    begin, end = chains.begin[pairs.line], chains.end[pairs.line]
    further, of_further = chains.further_of(pairs.line)
    broken = np.zeros(len(begin), dtype=np.bool_)
    broken[met.pair] = broken[of_further] = True
    whole, cut = np.flatnonzero(~broken & (end > begin)), np.flatnonzero(broken)
    pair = np.concatenate((cut, cut, of_further, met.pair))
    where = np.concatenate((begin[cut], end[cut], further, met.where))
    order = np.lexsort((where, pair))
    pair, where = pair[order], where[order]
    piece = np.flatnonzero((pair[1:] == pair[:-1]) & (where[1:] > where[:-1]))
    return _Pieces(
        np.concatenate((whole, pair[piece])),
        np.concatenate((begin[whole], where[piece])),
        np.concatenate((end[whole], where[piece + 1])),
    )


def _meet(steps: Vectors, edges: Vectors) -> tuple[Places, Numbers, Places]:
    """Return which steps meet the edge beside them and after which part of themselves, and which are in line with it.

    With d the step, e the edge and w the way from the start of d to the start of e, they meet after the part
    (w x e) / (d x e) of d and the part (w x d) / (d x e) of e, both being 0 to 1.
    """
    east, north = edges.lon - steps.lon, edges.lat - steps.lat
    turn = steps.east * edges.north - steps.north * edges.east
    sign = np.sign(turn)
    turn *= sign
    of_step = (east * edges.north - north * edges.east) * sign
    of_edge = (east * steps.north - north * steps.east) * sign
    hit = np.flatnonzero((turn > 0) & (of_step >= 0) & (of_step <= turn) & (of_edge >= 0) & (of_edge <= turn))
    straight = np.flatnonzero(turn == 0)
    on_one_line = east[straight] * steps.north[straight] == north[straight] * steps.east[straight]
    return hit, of_step[hit] / turn[hit], straight[on_one_line]


def _overlap(steps: Vectors, edges: Vectors) -> tuple[Numbers, Numbers]:
    """Return from which part to which part of steps the edge beside, in line with them, runs along."""
    # Along the longer side of a step, which is never zero.
    flat = np.abs(steps.east) >= np.abs(steps.north)
    whole = np.where(flat, steps.east, steps.north)
    start = np.where(flat, edges.lon - steps.lon, edges.lat - steps.lat) / whole
    stop = start + np.where(flat, edges.east, edges.north) / whole
    return np.maximum(np.minimum(start, stop), 0.0), np.minimum(np.maximum(start, stop), 1.0)
