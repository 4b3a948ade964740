"""An index of the places that questions ask about: it tells which of them a feature touches.

Trees cannot change once built, so places live in several tables of bounded size: a fresh one, whose bounds are
compared all at once, and settled ones with a tree, from which members are only struck out. It holds pieces, not
buffered outlines (a circle is a centre and a radius, a route the boxes of its pieces), which is six times faster to
ask.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Geometries, Lonlat, Places
from geoworks.hub.places import DiscPlace, Ground, ShapePlace, within_discs

T = TypeVar("T", bound=Hashable)

# The bounds of the fresh are compared in about 10 µs; a tree is built in about 5 ms.
_FRESH_MOST = 1024
_SETTLED_MOST = 8192


class Grounds(Generic[T]):
    """Questions by the place they ask about; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._fresh: _Table[T] = _Table(_FRESH_MOST)
        self._settled: list[_Table[T]] = []

    def __len__(self) -> int:
        """Return how many questions it holds."""
        return len(self._fresh) + sum(map(len, self._settled))

    def add(self, question: T, place: Ground) -> None:
        """Take in a question that is not there yet."""
        rows = _rows_of(question, place)
        if len(rows) > self._fresh.room:
            self._settle()
        if len(rows) <= self._fresh.room:
            self._fresh.add(question, rows)
        else:
            self._settled.append(_Table.with_tree(rows))

    def discard(self, question: T) -> None:
        """Drop a question, if it is there."""
        any(table.discard(question) for table in (self._fresh, *self._settled))

    def touched(self, geometry: BaseGeometry) -> Iterator[T]:
        """Yield the questions whose shape or disc shares a point with a geometry, and those that may meet it, once."""
        found = [table.near(geometry) for table in (self._fresh, *self._settled) if len(table)]
        if found:
            near = np.concatenate(found)
            # A question with several pieces may have been found by more than one of them.
            yield from dict.fromkeys(near["question"][_touch(near, geometry)])

    def _settle(self) -> None:
        """Move the fresh into a table with a tree: the one with most room if they fit, else a new one."""
        roomiest = min(self._settled, key=lambda table: table.alive, default=None)
        rows = self._fresh.rows()
        if roomiest is not None and roomiest.alive + len(rows) <= _SETTLED_MOST:
            self._settled.remove(roomiest)
            rows = np.concatenate([roomiest.rows(), rows])
        if len(rows):
            self._settled.append(_Table.with_tree(rows))
        self._fresh = _Table(_FRESH_MOST)


# A disc has no shape and a shape no radius: what is missing is None and NaN. What is neither may meet what its bounds
# meet: that is for the asker to test.
_ROW = np.dtype(
    [
        ("question", object),
        ("bounds", np.float64, 4),
        ("shape", object),
        ("center", np.float64, 2),
        ("radius_m", np.float64),
    ]
)
_Rows = np.ndarray[tuple[int], np.dtype[np.void]]


class _Table(Generic[T]):
    """Questions and the pieces of their places as rows; with a tree they only become fewer."""

    def __init__(self, most: int) -> None:
        self._rows: _Rows = np.zeros(most, dtype=_ROW)
        self._alive = np.zeros(most, dtype=np.bool_)
        self._used = 0
        self._at: dict[T, list[int]] = {}
        self._tree: STRtree | None = None
        self.alive = 0

    @classmethod
    def with_tree(cls, rows: _Rows) -> _Table[T]:
        """Make a table that is full and has a tree."""
        table: _Table[T] = cls(0)
        table._rows, table._used, table.alive = rows, len(rows), len(rows)
        table._alive = np.ones(len(rows), dtype=np.bool_)
        for at, question in enumerate(rows["question"]):
            table._at.setdefault(question, []).append(at)
        table._tree = STRtree(shapely.box(*rows["bounds"].T))
        return table

    def __len__(self) -> int:
        return len(self._at)

    @property
    def room(self) -> int:
        """Return how many rows are left."""
        return len(self._rows) - self._used

    def rows(self) -> _Rows:
        """Return the rows still alive."""
        return self._rows[: self._used][self._alive[: self._used]]

    def add(self, question: T, rows: _Rows) -> None:
        """Fill the next rows."""
        begin, end = self._used, self._used + len(rows)
        self._rows[begin:end] = rows
        self._alive[begin:end] = True
        self._at[question] = list(range(begin, end))
        self._used = end
        self.alive += len(rows)

    def discard(self, question: T) -> bool:
        """Strike a question out; tell whether it was here."""
        places = self._at.pop(question, None)
        if places is None:
            return False
        self._alive[places] = False
        # The rows stay until the table is settled; what they hold need not.
        self._rows["question"][places] = None
        self._rows["shape"][places] = None
        self.alive -= len(places)
        return True

    def near(self, geometry: BaseGeometry) -> _Rows:
        """Return the rows whose bounds meet those of a geometry."""
        return self._rows[self._meeting(geometry)]

    def _meeting(self, geometry: BaseGeometry) -> Places:
        if self._tree is not None:
            places: Places = self._tree.query(geometry)
            return places[self._alive[places]]
        west, south, east, north = geometry.bounds
        box = self._rows["bounds"][: self._used]
        meets = (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
        return np.flatnonzero(meets & self._alive[: self._used])


def _rows_of(question: Hashable, place: Ground) -> _Rows:
    boxes = place.boxes
    rows: _Rows = np.zeros(len(boxes), dtype=_ROW)
    rows["question"], rows["bounds"] = question, boxes
    rows["shape"] = place.geometry if isinstance(place, ShapePlace) else None
    rows["center"], rows["radius_m"] = np.nan, np.nan
    if isinstance(place, DiscPlace):
        rows["center"], rows["radius_m"] = place.center[0], place.radius_m
    return rows


def _touch(rows: _Rows, geometry: BaseGeometry) -> Places:
    """Return which of some rows share a point with a geometry, or may do so."""
    shapes: Geometries = rows["shape"]
    is_disc = ~np.isnan(rows["radius_m"])
    # A missing shape touches nothing.
    touch = shapely.intersects(shapes, geometry) | (shapely.is_missing(shapes) & ~is_disc)
    if is_disc.any():
        discs = rows[is_disc]
        touch[is_disc] = within_discs(Lonlat(discs["center"]), discs["radius_m"], geometry)
    return np.flatnonzero(touch)
