"""An index of the places that questions ask about: it tells which of them a feature concerns.

It holds pieces, not buffered outlines (a circle is a centre and a radius, a route the boxes of its pieces), which is
quicker to ask, and nothing in it has to be rebuilt when questions come, go or move. What is needed to decide lies in
columns, a row beside the next: of a crowd of objects, each prepared geometry would be fetched from memory by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.bundle import NOTHING, Bundle, Lying, lying_on, near_to
from geoworks.geo.frame import Middle, middle_of
from geoworks.geo.grid import BoxGrid
from geoworks.geo.near import within_discs
from geoworks.geo.rings import RING_VERTICES, ring_of, touching
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

# What a place is: a box or another shape, a disc, a small polygon, a route in pieces.
_SHAPE, _DISC, _RING, _WAY = range(4)
# The grid knows a row by its number among those of its sort, so that it gives the rows of one sort after another.
_OF_A_SORT = 1 << 40
_FIRST_OF_SORTS = np.array((_DISC, _RING, _WAY)) * _OF_A_SORT
# So many vertices of a feature are looked at before its geometry is.
_VERTICES = 16


class Concerned(NamedTuple, Generic[M]):
    """Who asks what a version of a feature answers, and the questions that have to be asked themselves."""

    certain: Sequence[M]
    doubtful: Sequence[Question]


class _Kept(NamedTuple):
    """Where a question is in the ledgers: its sort, who asks, and the rows among those of its sort."""

    sort: int
    asker: int
    rows: list[int]


class _Rows(NamedTuple):
    """Rows whose box meets that of a feature, by sort: those of shapes and discs are who asks."""

    shapes: Places
    discs: Places
    rings: Places
    pieces: Places


class Grounds(Generic[M]):
    """Questions by the place they ask about, with whom it is asked for; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[Question, _Kept] = {}
        self._singles = Singles()
        self._filters = Filters()
        self._grid = BoxGrid()
        self._askers = Ledger(
            question=(object, ()),
            member=(object, ()),
            filter=(np.int32, ()),
            bounds=(float, (4,)),
            inside=(float, (4,)),
            shape=(object, ()),
            center=(float, (2,)),
            reach_m=(float, ()),
            is_plain=(np.bool_, ()),
        )
        self._rings = Ledger(lonlat=(float, (2, RING_VERTICES)), asker=(np.int32, ()))
        vertices = PIECE_SEGMENTS + 1
        self._pieces = Ledger(
            lonlat=(float, (vertices, 2)), at_m=(float, (vertices,)), asker=(np.int32, ()), bounds=(float, (4,))
        )

    def __len__(self) -> int:
        """Return how many questions it holds."""
        return len(self._kept) + len(self._singles)

    def add(self, sieve: Sieve, place: Ground, member: M) -> None:
        """Take in a question that is not there yet, and whom to name when it is answered."""
        kept = self._take_in(place)
        if kept is None:
            self._singles.add(sieve.question, place)
            return
        self._kept[sieve.question] = kept
        self._askers["question"][kept.asker] = sieve.question
        self._askers["member"][kept.asker] = member
        self._askers["filter"][kept.asker] = self._filters.add(sieve.question)
        for number, box in self._boxes(kept):
            self._grid.add(number, box)

    def rename(self, question: Question, member: M) -> None:
        """Have another one named when a question that is there is answered."""
        kept = self._kept.get(question)
        if kept is not None:
            self._askers["member"][kept.asker] = member

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
        if kept.sort == _RING:
            self._rings.give_back(kept.rows)
        elif kept.sort == _WAY:
            self._pieces.give_back(kept.rows)

    def touched(self, geometry: BaseGeometry) -> Iterator[Question]:
        """Yield the questions whose shape or disc shares a point with a geometry, and those that may meet it, once."""
        middle = middle_of(geometry)
        rows = _by_sort(self._grid.meeting(middle.box))
        ways = np.unique(self._pieces["asker"][rows.pieces])
        yield from self._questions(np.concatenate([*self._met(rows, middle), ways]))
        yield from self._singles.meeting(middle.box)

    def concerned(self, key: Key, keys: MatchKeys, moment: datetime) -> Concerned[M]:
        """Return whom a visible version of a feature concerns at a moment."""
        middle = middle_of(keys.geometry)
        numbers = self._grid.meeting(middle.box)
        rows = _by_sort(numbers)
        if not self._filters.all_pass(key.kind, keys, moment):
            filters = self._askers["filter"][self._asking(rows)]
            rows = _by_sort(numbers[self._filters.passing(filters, key.kind, keys, moment)])
        certain, doubtful = self._on_routes(rows.pieces, middle, key.kind, keys.terms)
        members: list[M] = self._askers["member"][np.concatenate([*self._met(rows, middle), certain])].tolist()
        return Concerned(members, self._questions(doubtful) + self._singles.meeting(middle.box))

    def _take_in(self, place: Ground) -> _Kept | None:
        """Note what a place is, and where, if it is of a sort that is kept in columns."""
        if isinstance(place, ShapePlace):
            return self._take_in_shape(place)
        if isinstance(place, DiscPlace):
            return self._take_in_disc(place)
        return self._take_in_way(place) if isinstance(place, WayPlace) else None

    def _take_in_shape(self, place: ShapePlace) -> _Kept:
        (asker,) = self._askers.take(1)
        self._askers["bounds"][asker], self._askers["shape"][asker] = place.boxes[0], place.geometry
        if place.is_box or (ring := ring_of(place.geometry)) is None:
            self._askers["inside"][asker] = place.inside
            return _Kept(_SHAPE, asker, [asker])
        rows = self._rings.take(1)
        self._rings["lonlat"][rows], self._rings["asker"][rows] = ring, asker
        return _Kept(_RING, asker, rows)

    def _take_in_disc(self, place: DiscPlace) -> _Kept:
        (asker,) = self._askers.take(1)
        self._askers["bounds"][asker] = place.boxes[0]
        self._askers["center"][asker], self._askers["reach_m"][asker] = place.center[0], place.radius_m
        return _Kept(_DISC, asker, [asker])

    def _take_in_way(self, place: WayPlace) -> _Kept | None:
        cut = place.pieces
        if cut is None:
            return None
        (asker,) = self._askers.take(1)
        self._askers["is_plain"][asker], self._askers["reach_m"][asker] = place.is_plain, place.corridor_m
        rows = self._pieces.take(len(cut[0]))
        self._pieces["lonlat"][rows], self._pieces["at_m"][rows] = cut
        self._pieces["asker"][rows], self._pieces["bounds"][rows] = asker, place.boxes
        return _Kept(_WAY, asker, rows)

    def _boxes(self, kept: _Kept) -> Iterator[tuple[int, Box]]:
        """Yield the boxes of a question, with the numbers by which the grid knows them."""
        first = kept.sort * _OF_A_SORT
        bounds = self._pieces["bounds"][kept.rows] if kept.sort == _WAY else self._askers["bounds"][[kept.asker]]
        for row, (west, south, east, north) in zip(kept.rows, bounds.tolist(), strict=True):
            yield first + row, (west, south, east, north)

    def _asking(self, rows: _Rows) -> Places:
        """Return who asks, row by row."""
        return np.concatenate(
            [rows.shapes, rows.discs, self._rings["asker"][rows.rings], self._pieces["asker"][rows.pieces]]
        )

    def _met(self, rows: _Rows, middle: Middle) -> list[Places]:
        """Return who asks about a shape or disc that shares a point with a geometry."""
        within = self._within(rows.discs, middle)
        return [*self._holding(rows.shapes, middle), within, *self._around(rows.rings, middle)]

    def _holding(self, shapes: Places, middle: Middle) -> list[Places]:
        """Return which shapes share a point with a geometry."""
        inside = self._askers["inside"][shapes]
        # What has a vertex in a box inside the place needs no other test, and the first one mostly has.
        held = _hold(inside, Lonlat(middle.lonlat[:1]))
        others = np.flatnonzero(~held)
        also = _hold(inside[others], _some(middle.lonlat))
        doubtful = shapes[others[~also]]
        return [shapes[held], shapes[others[also]], self._intersecting(doubtful, middle)]

    def _around(self, rings: Places, middle: Middle) -> list[Places]:
        """Return which small polygons share a point with a geometry."""
        if not len(rings):
            return []
        asker = self._rings["asker"][rings]
        found = touching(self._rings["lonlat"][rings], middle.box)
        return [asker[found.certain], self._intersecting(asker[found.doubtful], middle)]

    def _intersecting(self, askers: Places, middle: Middle) -> Places:
        touch: Flags = shapely.intersects(self._askers["shape"][askers], middle.geometry)
        return askers[touch]

    def _within(self, discs: Places, middle: Middle) -> Places:
        if not len(discs):
            return discs
        return discs[within_discs(Lonlat(self._askers["center"][discs]), self._askers["reach_m"][discs], middle)]

    def _on_routes(self, pieces: Places, middle: Middle, kind: Kind, terms: Terms | None) -> Lying:
        """Return who asks about a route that a feature is on, and who has to be asked."""
        if not len(pieces):
            return NOTHING
        columns = self._pieces
        bundle = Bundle(columns["lonlat"], columns["at_m"], columns["asker"], self._askers["reach_m"], pieces)
        if kind is not Kind.WORKS:
            return near_to(middle, bundle)
        certain, doubtful = lying_on(middle, bundle, terms.works.direction if terms else None)
        plain = self._askers["is_plain"][certain]
        return Lying(certain[plain], np.concatenate([certain[~plain], doubtful]))

    def _questions(self, askers: Places) -> list[Question]:
        found: list[Question] = self._askers["question"][askers].tolist()
        return found


def _by_sort(numbers: Places) -> _Rows:
    """Return the rows that the grid knows by these numbers."""
    discs, rings, pieces = np.searchsorted(numbers, _FIRST_OF_SORTS).tolist()
    rows = numbers % _OF_A_SORT
    return _Rows(rows[:discs], rows[discs:rings], rows[rings:pieces], rows[pieces:])


def _hold(boxes: Numbers, lonlat: Lonlat) -> Flags:
    """Tell which boxes hold one of some places."""
    lon, lat = lonlat.T[..., None]
    holds = (boxes[:, 0] <= lon) & (boxes[:, 1] <= lat) & (boxes[:, 2] >= lon) & (boxes[:, 3] >= lat)
    held: Flags = holds.any(axis=0)
    return held


def _some(vertices: Lonlat) -> Lonlat:
    """Return vertices, if there are many some from all over."""
    return Lonlat(vertices[:: -(-len(vertices) // _VERTICES)])
