"""Which of many polygons a feature touches, told by comparing numbers alone wherever no border comes near it.

The vertices of small polygons lie in a column, a row each, so that many are looked through from end to end: to ask as
many prepared geometries takes three times as long, nearly all of it to fetch them from memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Box, Flags, Numbers

# A row of the column: longitudes, then latitudes. What has more vertices is asked itself.
RING_VERTICES = 33


class Touching(NamedTuple):
    """Which of many polygons surely hold a feature, and which have to be asked themselves."""

    certain: Flags
    doubtful: Flags


def ring_of(geometry: BaseGeometry) -> Numbers | None:
    """Return the row of a polygon, or None when it has holes, several parts or too many vertices."""
    if geometry.geom_type != "Polygon" or shapely.get_num_interior_rings(geometry):
        return None
    lonlat = shapely.get_coordinates(geometry)
    if len(lonlat) > RING_VERTICES:
        return None
    # The last vertex again is a step of no length, which changes nothing.
    row: Numbers = np.pad(lonlat, ((0, RING_VERTICES - len(lonlat)), (0, 0)), mode="edge").T
    return row


def touching(rings: Numbers, box: Box) -> Touching:
    """Tell which polygons hold a feature with these bounds, and which have a step whose bounds meet them.

    Where no step does, the bounds lie as a whole inside or outside, and one corner tells which: it is inside when an
    odd number of steps passes to the east of it. No number is reckoned, so nothing is rounded.
    """
    west, south, east, north = box
    lon, lat = rings[:, 0], rings[:, 1]
    is_east, is_south = lon > east, lat < south
    beyond = _both(is_east) | _both(is_south)
    beyond |= _both(lon < west)
    beyond |= _both(lat > north)
    apart: Flags = np.all(beyond, axis=1)
    passes = is_south[:, :-1] != is_south[:, 1:]
    passes &= is_east[:, 1:]
    odd: Flags = np.logical_xor.reduce(passes, axis=1)
    return Touching(odd & apart, ~apart)


def _both(vertices: Flags) -> Flags:
    """Tell of which steps it is true at both ends."""
    both: Flags = vertices[:, :-1] & vertices[:, 1:]
    return both
