"""An index of the places that questions ask about: it tells which of them a feature touches.

Trees cannot change once built, so places live in several tables of bounded size: a fresh one, whose bounds are
compared all at once, and settled ones with a tree, from which members are only struck out. It holds pieces, not
buffered outlines (a circle is a centre and a radius), which is six times faster to ask.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Geometries, Lonlat, Places
from geoworks.hub.areas import DiscPlace, ShapePlace, within_discs

T = TypeVar("T", bound=Hashable)

# The bounds of the fresh are compared in about 10 µs; a tree is built in about 5 ms.
_FRESH_MOST = 1024
_SETTLED_MOST = 8192


class Ground(Generic[T]):
    """Questions by the place they ask about; belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._fresh: _Table[T] = _Table(_FRESH_MOST)
        self._settled: list[_Table[T]] = []

    def __len__(self) -> int:
        """Return how many questions it holds."""
        return len(self._fresh) + sum(map(len, self._settled))

    def add(self, question: T, place: ShapePlace | DiscPlace) -> None:
        """Take in a question that is not there yet."""
        if self._fresh.full:
            self._settle()
        self._fresh.add(question, place)

    def discard(self, question: T) -> None:
        """Drop a question, if it is there."""
        any(table.discard(question) for table in (self._fresh, *self._settled))

    def touched(self, geometry: BaseGeometry) -> Iterator[T]:
        """Yield the questions whose place shares a point with a geometry."""
        found = [table.near(geometry) for table in (self._fresh, *self._settled) if len(table)]
        if found:
            near = np.concatenate(found)
            yield from near["question"][_touch(near, geometry)]

    def _settle(self) -> None:
        """Move the fresh into a table with a tree: the one with most room if they fit, else a new one."""
        roomiest = min(self._settled, key=len, default=None)
        rows = self._fresh.rows()
        if roomiest is not None and len(roomiest) + len(rows) <= _SETTLED_MOST:
            self._settled.remove(roomiest)
            rows = np.concatenate([roomiest.rows(), rows])
        self._settled.append(_Table.with_tree(rows))
        self._fresh = _Table(_FRESH_MOST)


# A disc has no shape and a shape no radius: what is missing is None and NaN.
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
    """Questions and their places as rows; with a tree they only become fewer."""

    def __init__(self, most: int) -> None:
        self._rows: _Rows = np.zeros(most, dtype=_ROW)
        self._alive = np.zeros(most, dtype=np.bool_)
        self._used = 0
        self._at: dict[T, int] = {}
        self._tree: STRtree | None = None

    @classmethod
    def with_tree(cls, rows: _Rows) -> _Table[T]:
        """Make a table that is full and has a tree."""
        table: _Table[T] = cls(0)
        table._rows, table._used = rows, len(rows)
        table._alive = np.ones(len(rows), dtype=np.bool_)
        table._at = {question: at for at, question in enumerate(rows["question"])}
        table._tree = STRtree(shapely.box(*rows["bounds"].T))
        return table

    def __len__(self) -> int:
        return len(self._at)

    @property
    def full(self) -> bool:
        """Tell whether no row is left."""
        return self._used == len(self._rows)

    def rows(self) -> _Rows:
        """Return the rows still alive."""
        return self._rows[: self._used][self._alive[: self._used]]

    def add(self, question: T, place: ShapePlace | DiscPlace) -> None:
        """Fill the next row."""
        self._rows[self._used] = (question, place.bounds, *_parts(place))
        self._alive[self._used] = True
        self._at[question] = self._used
        self._used += 1

    def discard(self, question: T) -> bool:
        """Strike a question out; tell whether it was here."""
        at = self._at.pop(question, None)
        if at is None:
            return False
        self._alive[at] = False
        # The row stays until the table is settled; what it holds need not.
        self._rows[at]["question"] = self._rows[at]["shape"] = None
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


def _parts(place: ShapePlace | DiscPlace) -> tuple[BaseGeometry | None, tuple[float, float], float]:
    if isinstance(place, ShapePlace):
        return place.geometry, (np.nan, np.nan), np.nan
    lon, lat = place.center[0]
    return None, (float(lon), float(lat)), place.radius_m


def _touch(rows: _Rows, geometry: BaseGeometry) -> Places:
    """Return which of some rows share a point with a geometry."""
    is_disc = ~np.isnan(rows["radius_m"])
    shapes: Geometries = rows["shape"]
    # A missing shape touches nothing.
    touch = shapely.intersects(shapes, geometry)
    if is_disc.any():
        discs = rows[is_disc]
        touch[is_disc] = within_discs(Lonlat(discs["center"]), discs["radius_m"], geometry)
    return np.flatnonzero(touch)
