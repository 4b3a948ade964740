"""Areas too long for a frame or an address: posted once, asked about by id, kept in memory for some hours."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from geoworks.clock import Clock
from geoworks.hub.areas import Area, Shape, Way
from geoworks.ids import new_token

_KEPT = timedelta(hours=12)
# Who posted the oldest is told that it is unknown, and posts it again.
_MOST_BYTES = 256 * 1024 * 1024


class Kept(NamedTuple):
    """An area on the shelf, until it expires."""

    area: Area
    expires: datetime


class Shelf:
    """Posted areas by random id; nothing of them is stored or logged."""

    def __init__(self, clock: Clock, *, most_bytes: int = _MOST_BYTES) -> None:
        """Begin empty; the oldest go when there is too much."""
        self._clock = clock
        self._most = most_bytes
        self._size = 0
        self._areas: OrderedDict[str, Kept] = OrderedDict()

    def put(self, area: Shape | Way) -> tuple[str, datetime]:
        """Keep an area; return its id and until when."""
        now = self._clock.now()
        while self._areas and next(iter(self._areas.values())).expires <= now:
            self._drop_oldest()
        id_, expires = new_token(), now + _KEPT
        self._areas[id_] = Kept(area, expires)
        self._size += len(area.wkb)
        while self._size > self._most and len(self._areas) > 1:
            self._drop_oldest()
        return id_, expires

    def get(self, id_: str) -> Area | None:
        """Return the area of an id, or None when it is unknown, or not known any more."""
        kept = self._areas.get(id_)
        return kept.area if kept is not None and kept.expires > self._clock.now() else None

    def _drop_oldest(self) -> None:
        _, kept = self._areas.popitem(last=False)
        if isinstance(kept.area, (Shape, Way)):
            self._size -= len(kept.area.wkb)
