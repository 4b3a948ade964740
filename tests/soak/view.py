"""What a client asks for, and which works it must then hold."""

from __future__ import annotations

from enum import Enum
from typing import Any

from geoworks.client import Subscription, bbox, everywhere

# Works are written well on this side or well on that side of it, in degrees of longitude.
MIDDLE = 2.35


class View(Enum):
    """A part of the town."""

    ALL = Subscription(id="all", area=everywhere(), kinds=("works",))
    WEST = Subscription(id="west", area=bbox(2.2, 48.6, east=MIDDLE, north=48.7), kinds=("works",))

    def sees(self, lon: float) -> bool:
        """Tell whether works at a longitude are in it."""
        return self is View.ALL or lon < MIDDLE

    def expected(self, works: dict[str, Any]) -> dict[tuple[str, str], Any]:
        """Return what a client holds that is right when these are the town's works."""
        return {("works", id_): one for id_, one in works.items() if self.sees(first_lon(one["geometry"]))}


def first_lon(geometry: dict[str, Any]) -> float:
    """Return the longitude of the first position of a line."""
    lon: float = geometry["coordinates"][0][0]
    return lon
