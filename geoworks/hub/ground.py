"""What it is to cover a part of the town: the base of all places."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from geoworks.geo.types import Box, Numbers
from geoworks.model.change import Key, MatchKeys
from geoworks.state import Entry


class Meeting(Struct, frozen=True, gc=False):
    """A feature is at a place; with times, that is when a driver gets there (from the earliest to the latest)."""

    times: tuple[datetime, datetime] | None = None


ANYTIME = Meeting()


class Place(ABC):
    """What an area covers."""

    @abstractmethod
    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:
        """Tell whether a version of a feature is here."""

    def meetings(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Meeting]]:
        """Yield which of many are here."""
        for entry in entries:
            if (meeting := self.meet(entry.record.key, entry.keys)) is not None:
                yield entry, meeting


class Ground(Place):
    """A place with bounds."""

    @property
    @abstractmethod
    def boxes(self) -> Numbers:
        """Return boxes that hold it, a row each: west, south, east, north in degrees."""


def overlap(one: Box, other: Box) -> bool:
    """Tell whether two boxes share a point."""
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]
