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
from geoworks.geo.grid import Box, BoxGrid
from geoworks.geo.route import PIECE_SEGMENTS
from geoworks.geo.types import Flags, Lonlat, Places
from geoworks.hub.filters import Filters
from geoworks.hub.ledger import Ledger
from geoworks.hub.places import DiscPlace, Ground, ShapePlace, WayPlace, within_discs
from geoworks.hub.question import Question, Sieve
from geoworks.hub.singles import Singles
from geoworks.model.change import Key, Kind, MatchKeys, Terms

M = TypeVar("M", bound=Hashable)

# What a place is: a box, another shape, a disc, a route in pieces.
_BOX, _SHAPE, _DISC, _WAY = range(4)
_CORNERS = 5


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
        self._rows = Ledger(bounds=(float, (4,)), asker=(np.int32, ()), piece=(np.int32, ()))
        self._askers = Ledger(
            question=(object, ()),
            members=(object, ()),
            filter=(np.int32, ()),
            sort=(np.uint8, ()),
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
        self._kept[sieve.question] = _Kept(asker, rows, self._describe(asker, rows, place))
        for row, box in zip(rows, boxes.tolist(), strict=True):
            self._grid.add(row, tuple(box))

    def discard(self, question: Question) -> None:
        """Drop a question, if it is there."""
        kept = self._kept.pop(question, None)
        if kept is None:
            self._singles.discard(question)
            return
        for row, box in zip(kept.rows, self._rows["bounds"][kept.rows].tolist(), strict=True):
            self._grid.discard(row, tuple(box))
        self._filters.discard(int(self._askers["filter"][kept.asker]))
        self._askers.give_back([kept.asker])
        self._rows.give_back(kept.rows)
        self._pieces.give_back(kept.pieces)

    def touched(self, geometry: BaseGeometry) -> Iterator[Question]:
        """Yield the questions whose shape or disc shares a point with a geometry, and those that may meet it, once."""
        rows = self._grid.meeting(geometry.bounds)
        asker = self._rows["asker"][rows]
        may = self._askers["sort"][asker] >= _WAY
        met = self._touched(rows[~may], geometry, middle_of(geometry))
        yield from self._questions(np.concatenate([met, np.unique(asker[may])]))
        yield from self._singles.meeting(geometry.bounds)

    def concerned(self, key: Key, keys: MatchKeys, moment: datetime) -> Concerned[M]:
        """Return whom a visible version of a feature concerns at a moment."""
        rows = self._grid.meeting(keys.geometry.bounds)
        numbers = self._askers["filter"][self._rows["asker"][rows]]
        rows = rows[self._filters.passing(numbers, key.kind, keys, moment)]
        asker = self._rows["asker"][rows]
        sort = self._askers["sort"][asker]
        middle = middle_of(keys.geometry)
        met = self._touched(rows[sort < _WAY], keys.geometry, middle)
        certain, doubtful = self._on_routes(rows[sort == _WAY], middle, key.kind, keys.terms)
        members: list[set[M]] = self._askers["members"][np.concatenate([met, certain])].tolist()
        return Concerned(members, self._questions(doubtful) + self._singles.meeting(keys.geometry.bounds))

    def _describe(self, asker: int, rows: list[int], place: Ground) -> list[int]:
        """Note what a place is; return its pieces."""
        askers = self._askers
        if isinstance(place, ShapePlace):
            askers["sort"][asker] = _BOX if _is_box(place.geometry) else _SHAPE
            askers["shape"][asker] = place.geometry
        elif isinstance(place, DiscPlace):
            askers["sort"][asker] = _DISC
            askers["center"][asker], askers["reach_m"][asker] = place.center[0], place.radius_m
        elif isinstance(place, WayPlace) and (cut := place.pieces) is not None:
            askers["sort"][asker] = _WAY
            askers["is_plain"][asker], askers["reach_m"][asker] = place.is_plain, place.corridor_m
            pieces = self._pieces.take(len(rows))
            self._pieces["lonlat"][pieces], self._pieces["at_m"][pieces] = cut
            self._rows["piece"][rows] = pieces
            return pieces
        return []

    def _touched(self, rows: Places, geometry: BaseGeometry, middle: Middle) -> Places:
        """Return who asks about a box, shape or disc that shares a point with a geometry."""
        asker = self._rows["asker"][rows]
        sort = self._askers["sort"][asker]
        discs, shapes = asker[sort == _DISC], asker[sort == _SHAPE]
        # A box that holds the bounds needs no other test.
        boxes, held = asker[sort == _BOX], self._holding(rows[sort == _BOX], geometry.bounds)
        shapes = np.concatenate([shapes, boxes[~held]])
        touch = shapely.intersects(self._askers["shape"][shapes], geometry)
        return np.concatenate([boxes[held], shapes[touch], discs[self._within(discs, middle)]])

    def _holding(self, rows: Places, bounds: Box) -> Flags:
        west, south, east, north = bounds
        box = self._rows["bounds"][rows]
        held: Flags = (box[:, 0] <= west) & (box[:, 2] >= east) & (box[:, 1] <= south) & (box[:, 3] >= north)
        return held

    def _within(self, discs: Places, middle: Middle) -> Flags:
        if not len(discs):
            return np.zeros(0, dtype=np.bool_)
        return within_discs(Lonlat(self._askers["center"][discs]), self._askers["reach_m"][discs], middle)

    def _on_routes(self, rows: Places, middle: Middle, kind: Kind, terms: Terms | None) -> tuple[Places, Places]:
        """Return who asks about a route that a feature is on, and who has to be asked."""
        if not len(rows):
            return rows, rows
        # The pieces of one route follow one another.
        asker = self._rows["asker"][rows]
        order = np.argsort(asker, kind="stable")
        asker, piece = asker[order], self._rows["piece"][rows[order]]
        reach_m = self._askers["reach_m"][asker]
        bundle = Bundle(self._pieces["lonlat"][piece], self._pieces["at_m"][piece], reach_m, asker)
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


def _is_box(geometry: BaseGeometry) -> bool:
    """Tell whether a shape is nothing but its bounds."""
    west, south, east, north = geometry.bounds
    is_quadrangle = geometry.geom_type == "Polygon" and shapely.get_num_coordinates(geometry) == _CORNERS
    return is_quadrangle and geometry.equals(shapely.box(west, south, east, north))
