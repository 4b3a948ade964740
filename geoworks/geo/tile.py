"""The squares that web maps are cut into."""

from __future__ import annotations

import re
from math import atan, degrees, ldexp, pi, sinh
from typing import Final, NamedTuple, Self

from geoworks.errors import NotFound

# Deeper, clients draw the same tile larger: its grid of 4096 is 15 cm there at the equator.
DEEPEST: Final = 16
# Units a side of a tile's grid, and how many of them are drawn around it: lines and symbols that cross the border do.
GRID: Final = 4096
_RIM: Final = 64
# Web Mercator (EPSG:3857) is a map of a sphere of this radius.
_RADIUS_M: Final = 6_378_137.0
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")


class Square(NamedTuple):
    """A rectangle on a map: in metres of Web Mercator, or in degrees (EPSG:4326)."""

    west: float
    south: float
    east: float
    north: float


class TileAddress(NamedTuple):
    """A tile of the XYZ scheme in Web Mercator (EPSG:3857): zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    @classmethod
    def read(cls, z: str, x: str, y: str) -> Self:
        """Return the address that three texts write.

        >>> TileAddress.read("1", "1", "0")
        TileAddress(z=1, x=1, y=0)

        Raises:
            NotFound: they name no tile.

        """
        if not all(map(_NUMBER.fullmatch, (z, x, y))) or int(z) > DEEPEST:
            raise NotFound(f"no tile has this address: z is 0 to {DEEPEST}, x and y are whole numbers")
        address = cls(int(z), int(x), int(y))
        last = 2**address.z - 1
        if max(address.x, address.y) > last:
            raise NotFound(f"no tile has this address: at zoom {z} x and y are 0 to {last}")
        return address

    @property
    def unit_m(self) -> float:
        """Return the side of a unit of the grid, in metres of Web Mercator.

        >>> round(TileAddress(16, 0, 0).unit_m, 3)
        0.149
        """
        return ldexp(2 * pi * _RADIUS_M / GRID, -self.z)

    @property
    def square(self) -> Square:
        """Return the tile in metres of Web Mercator.

        >>> TileAddress(1, 1, 0).square == (0, 0, pi * 6_378_137, pi * 6_378_137)
        True
        """
        return self._grown(0)

    @property
    def drawn(self) -> Square:
        """Return the tile with what is drawn around it, in metres of Web Mercator."""
        return self._grown(_RIM)

    @property
    def drawn_deg(self) -> Square:
        """Return the tile with what is drawn around it in degrees; nothing lies past 180.

        >>> [round(side) for side in TileAddress(0, 0, 0).drawn_deg]
        [-180, -86, 180, 86]
        """
        west, south, east, north = (metres / _RADIUS_M for metres in self.drawn)
        bottom, top = degrees(atan(sinh(south))), degrees(atan(sinh(north)))
        return Square(max(degrees(west), -180.0), bottom, min(degrees(east), 180.0), top)

    def _grown(self, units: int) -> Square:
        side, more, half = self.unit_m * GRID, self.unit_m * units, pi * _RADIUS_M
        west, north = self.x * side - half, half - self.y * side
        return Square(west - more, north - side - more, west + side + more, north + more)
