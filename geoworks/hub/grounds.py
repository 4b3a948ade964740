"""An index of the places that questions ask about: it tells which of them a feature concerns.

It holds pieces, not buffered outlines (a circle is a centre and a radius, a route the boxes of its pieces), which is
quicker to ask, and nothing in it has to be rebuilt when questions come, go or move.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.bundle import Bundle, lying_on, near_to
from geoworks.geo.frame import Middle, middle_of
from geoworks.geo.grid import BoxGrid
from geoworks.geo.near import within_discs
from geoworks.geo.route import PIECE_SEGMENTS
from geoworks.geo.types import Box, Flags, Lonlat, Numbers, Places
from geoworks.hub.filters import Filters
from geoworks.hub.ground import Ground
from geoworks.hub.ledger import Ledger
from geoworks.hub.outlines import DiscPlace, ShapePlace
from geoworks.hub.places import WayPlace
from geoworks.hub.question import Question, Sieve
from geoworks.hub.singles import Singles
from geoworks.model.change import Key, Kind, MatchKeys, Terms

M = TypeVar("M", bound=Hashable)

# What a place is: a box or another shape, a disc, a route in pieces.
_SHAPE, _DISC, _WAY = range(3)
# The grid knows a row by its number among those of its sort, so that it gives the rows of one sort after another.
_OF_A_SORT = 1 << 40
# So many vertices of a feature are looked at before its geometry is.
_VERTICES = 16


class Concerned(NamedTuple, Generic[M]):
    """Who asks what a version of a feature answers, and the questions that have to be asked themselves."""

    certain: Sequence[set[M]]
    doubtful: Sequence[Question]


class _Kept(NamedTuple):
    """Where a question is in the ledgers."""

    asker: int
    rows: list[int]
    pieces: list[int]


class Grounds(Generic[M]):
    """Questions by the place they ask about, with those who ask (members); belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[Question, _Kept] = {}
        self._singles = Singles()
        self._filters = Filters()
        self._grid = BoxGrid()
        self._rows = Ledger(bounds=(float, (4,)), inside=(float, (4,)), asker=(np.int32, ()), piece=(np.int32, ()))
        self._askers = Ledger(
            question=(object, ()),
            members=(object, ()),
            filter=(np.int32, ()),
            sort=(np.int8, ()),
            shape=(object, ()),
            center=(float, (2,)),
            reach_m=(float, ()),
            is_plain=(np.bool_, ()),
        )
        vertices = PIECE_SEGMENTS + 1
        self._pieces = Ledger(lonlat=(float, (vertices, 2)), at_m=(float, (vertices,)))

    def __len__(self) -> int:
        """Return how many questions it holds."""
        return len(self._kept) + len(self._singles)

    def add(self, sieve: Sieve, place: Ground, members: set[M]) -> None:
        """Take in a question that is not there yet; the set of its members may change."""
        if not _is_kept_in_columns(place):
            self._singles.add(sieve.question, place)
            return
        boxes = place.boxes
        (asker,) = self._askers.take(1)
        rows = self._rows.take(len(boxes))
        self._rows["bounds"][rows] = boxes
        self._rows["asker"][rows] = asker
        self._askers["question"][asker] = sieve.question
        self._askers["members"][asker] = members
        self._askers["filter"][asker] = self._filters.add(sieve.question)
        kept = self._kept[sieve.question] = _Kept(asker, rows, self._describe(asker, rows, place))
        for number, box in self._boxes(kept):
            self._grid.add(number, box)

    def discard(self, question: Question) -> None:
        """Drop a question, if it is there."""
        kept = self._kept.pop(question, None)
        if kept is None:
            self._singles.discard(question)
            return
        for number, box in self._boxes(kept):
            self._grid.discard(number, box)
        self._filters.discard(int(self._askers["filter"][kept.asker]))
        self._askers.give_back([kept.asker])
        self._rows.give_back(kept.rows)
        self._pieces.give_back(kept.pieces)

    def touched(self, geometry: BaseGeometry) -> Iterator[Question]:
        """Yield the questions whose shape or disc shares a point with a geometry, and those that may meet it, once."""
        rows, asker, ways = self._found(self._grid.meeting(geometry.bounds))
        met = self._met(rows[:ways], asker[:ways], geometry, middle_of(geometry))
        yield from self._questions(np.concatenate([met, np.unique(asker[ways:])]))
        yield from self._singles.meeting(geometry.bounds)

    def concerned(self, key: Key, keys: MatchKeys, moment: datetime) -> Concerned[M]:
        """Return whom a visible version of a feature concerns at a moment."""
        geometry = keys.geometry
        numbers = self._grid.meeting(geometry.bounds)
        rows, asker, ways = self._found(numbers)
        if not self._filters.all_pass(key.kind, keys, moment):
            passes = self._filters.passing(self._askers["filter"][asker], key.kind, keys, moment)
            rows, asker, ways = self._found(numbers[passes])
        middle = middle_of(geometry)
        met = self._met(rows[:ways], asker[:ways], geometry, middle)
        certain, doubtful = self._on_routes(rows[ways:], middle, key.kind, keys.terms)
        members: list[set[M]] = self._askers["members"][np.concatenate([met, certain])].tolist()
        return Concerned(members, self._questions(doubtful) + self._singles.meeting(geometry.bounds))

    def _describe(self, asker: int, rows: list[int], place: Ground) -> list[int]:
        """Note what a place is; return its pieces."""
        askers = self._askers
        if isinstance(place, ShapePlace):
            askers["sort"][asker] = _SHAPE
            askers["shape"][asker] = place.geometry
            self._rows["inside"][rows] = place.inside
        elif isinstance(place, DiscPlace):
            askers["sort"][asker] = _DISC
            askers["center"][asker], askers["reach_m"][asker] = place.center[0], place.radius_m
            self._rows["inside"][rows] = place.inside
        elif isinstance(place, WayPlace) and (cut := place.pieces) is not None:
            askers["sort"][asker] = _WAY
            askers["is_plain"][asker], askers["reach_m"][asker] = place.is_plain, place.corridor_m
            pieces = self._pieces.take(len(rows))
            self._pieces["lonlat"][pieces], self._pieces["at_m"][pieces] = cut
            self._rows["piece"][rows] = pieces
            return pieces
        return []

    def _boxes(self, kept: _Kept) -> Iterator[tuple[int, Box]]:
        """Yield the boxes of a question, with the numbers by which the grid knows them."""
        first = int(self._askers["sort"][kept.asker]) * _OF_A_SORT
        for row, (west, south, east, north) in zip(kept.rows, self._rows["bounds"][kept.rows].tolist(), strict=True):
            yield first + row, (west, south, east, north)

    def _found(self, numbers: Places) -> tuple[Places, Places, int]:
        """Return the rows that the grid knows by these numbers, who asks, and where among them the routes begin."""
        rows = numbers % _OF_A_SORT
        return rows, self._rows["asker"][rows], int(np.searchsorted(numbers, _WAY * _OF_A_SORT))

    def _met(self, rows: Places, asker: Places, geometry: BaseGeometry, middle: Middle) -> Places:
        """Return who asks about a shape or disc that shares a point with a geometry."""
        inside = self._rows["inside"][rows]
        # What has a vertex in a box inside the place needs no other test.
        x, y = _some_vertices(geometry).T[..., None]
        holds = (inside[:, 0] <= x) & (inside[:, 1] <= y) & (inside[:, 2] >= x) & (inside[:, 3] >= y)
        held: Flags = np.any(holds, axis=0)
        others = asker[~held]
        is_disc = self._askers["sort"][others] == _DISC
        shapes, discs = others[~is_disc], others[is_disc]
        touch = shapely.intersects(self._askers["shape"][shapes], geometry)
        return np.concatenate([asker[held], shapes[touch], discs[self._within(discs, middle)]])

    def _within(self, discs: Places, middle: Middle) -> Flags:
        if not len(discs):
            return np.zeros(0, dtype=np.bool_)
        return within_discs(Lonlat(self._askers["center"][discs]), self._askers["reach_m"][discs], middle)

    def _on_routes(self, rows: Places, middle: Middle, kind: Kind, terms: Terms | None) -> tuple[Places, Places]:
        """Return who asks about a route that a feature is on, and who has to be asked."""
        if not len(rows):
            return rows, rows
        asker, pieces = self._rows["asker"][rows], self._pieces
        reach_m = self._askers["reach_m"][asker]
        bundle = Bundle(pieces["lonlat"], pieces["at_m"], self._rows["piece"][rows], reach_m, asker)
        if kind is not Kind.WORKS:
            return near_to(middle, bundle)
        certain, doubtful = lying_on(middle, bundle, terms.works.direction if terms else None)
        plain = self._askers["is_plain"][certain]
        return certain[plain], np.concatenate([certain[~plain], doubtful])

    def _questions(self, askers: Places) -> list[Question]:
        found: list[Question] = self._askers["question"][askers].tolist()
        return found


def _is_kept_in_columns(place: Ground) -> bool:
    return isinstance(place, (ShapePlace, DiscPlace)) or (isinstance(place, WayPlace) and place.pieces is not None)


def _some_vertices(geometry: BaseGeometry) -> Numbers:
    """Return vertices of a geometry, if there are many some from all over."""
    vertices = shapely.get_coordinates(geometry)
    return vertices[:: -(-len(vertices) // _VERTICES)]
