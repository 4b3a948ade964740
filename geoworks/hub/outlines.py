"""Places that stay where they are: boxes, polygons and circles.

Prepared geometries belong to the event loop's thread, as does all here.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.frame import middle_of
from geoworks.geo.measure import box_around
from geoworks.geo.near import within_discs
from geoworks.geo.types import Box, Lonlat, Numbers
from geoworks.hub.areas import Disc, Shape
from geoworks.hub.ground import ANYTIME, Ground, Meeting, overlap
from geoworks.model.change import Key, MatchKeys

# Holds nothing, not even a place.
_NOTHING: Box = (math.inf, math.inf, -math.inf, -math.inf)
# Boxes inside a shape are tried in such shares of its bounds, around its middle.
_SHARES = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
_SHARES_EAST, _SHARES_NORTH = (shares.ravel() for shares in np.meshgrid(_SHARES, _SHARES))
_CORNERS = 5


class ShapePlace(Ground):
    """A prepared box or polygon."""

    def __init__(self, shape: Shape) -> None:
        """Read and prepare an own copy."""
        self.geometry: BaseGeometry = shapely.from_wkb(shape.wkb)
        self.is_box = _is_box(self.geometry)
        shapely.prepare(self.geometry)

    @property
    def boxes(self) -> Numbers:
        """Return the box that holds it."""
        return np.array([self.geometry.bounds])

    @property
    def inside(self) -> Box:
        """Return a box that it holds, in degrees: all of it when it is a box, or else a large one around its middle."""
        west, south, east, north = self.geometry.bounds
        if self.is_box:
            return west, south, east, north
        middle = self.geometry.centroid
        half_east, half_north = _SHARES_EAST * (east - west) / 2, _SHARES_NORTH * (north - south) / 2
        sides = (middle.x - half_east, middle.y - half_north, middle.x + half_east, middle.y + half_north)
        held = shapely.contains_properly(self.geometry, shapely.box(*sides))
        if not held.any():
            return _NOTHING
        largest = (half_east * half_north * held).argmax()
        west, south, east, north = (float(side[largest]) for side in sides)
        return west, south, east, north

    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:  # noqa: ARG002 - every kind is treated alike
        """Tell whether a feature's geometry shares a point with it."""
        return ANYTIME if self.geometry.intersects(keys.geometry) else None


class DiscPlace(Ground):
    """A circle as centre and radius."""

    def __init__(self, disc: Disc) -> None:
        """Keep the centre and a box around it."""
        self.center = Lonlat(np.array([[disc.lon, disc.lat]]))
        self.radius_m = disc.radius_m
        self._box = box_around(disc.lon, disc.lat, radius_m=disc.radius_m)

    @property
    def boxes(self) -> Numbers:
        """Return the box that holds it."""
        return np.array([self._box])

    def meet(self, key: Key, keys: MatchKeys) -> Meeting | None:  # noqa: ARG002 - every kind is treated alike
        """Tell whether a feature's geometry comes within the radius."""
        if not overlap(self._box, keys.geometry.bounds):
            return None
        return ANYTIME if within_discs(self.center, np.array([self.radius_m]), middle_of(keys.geometry))[0] else None


def _is_box(geometry: BaseGeometry) -> bool:
    """Tell whether a shape is nothing but its bounds."""
    if geometry.geom_type != "Polygon" or shapely.get_num_coordinates(geometry) != _CORNERS:
        return False
    west, south, east, north = geometry.bounds
    at_corners = all(x in (west, east) and y in (south, north) for x, y in shapely.get_coordinates(geometry).tolist())
    return at_corners and geometry.area > (east - west) * (north - south) / 2
