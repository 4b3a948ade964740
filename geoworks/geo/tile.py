"""The squares that web maps are cut into."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Self

from geoworks.errors import NotFound

# Deeper, clients draw the same tile larger: its grid of 4096 is 15 cm there at the equator.
DEEPEST: Final = 16
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")


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
