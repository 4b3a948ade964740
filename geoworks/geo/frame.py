"""Frames of metres that neighbours share, so that a geometry is reprojected once for all who ask how near it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import local_metric, metres_of_degree
from geoworks.geo.types import Box, Lonlat, Metric, Numbers

# Distances from the middle of a cell are true to 0.1 % up to 100 km (`geoworks.geo.crs.local_metric`).
_CELL_DEG = 0.25
_MOST_PLACED = 100_000
_EARTH_M = 6_350_000.0


class Frame:
    """Metres east and north of the middle of a cell; belongs to the event loop's thread."""

    def __init__(self, lon: float, lat: float) -> None:
        """Measure around a place in degrees."""
        self._lon, self._lat = lon, lat
        self._metric = local_metric(lon, lat)
        # By identity: while a geometry is kept here nothing else can have its place in memory.
        self._placed: dict[int, tuple[BaseGeometry, BaseGeometry]] = {}

    def place(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry in degrees in this frame; the same one is reprojected once."""
        found = self._placed.get(id(geometry))
        if found is None:
            if len(self._placed) >= _MOST_PLACED:
                self._placed.clear()
            placed: BaseGeometry = shapely.transform(geometry, lambda lonlat: self._metric(Lonlat(lonlat)))
            found = self._placed[id(geometry)] = (geometry, placed)
        return found[1]

    def place_all(self, geometries: Sequence[BaseGeometry]) -> list[BaseGeometry]:
        """Return geometries in degrees in this frame."""
        placed = self._placed
        try:
            return [placed[id(geometry)][1] for geometry in geometries]
        except KeyError:
            return list(map(self.place, geometries))

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Return a place in degrees in this frame."""
        east = (lon - self._lon + 180.0) % 360.0 - 180.0
        parallel_m, meridian_m = metres_of_degree((self._lat + lat) / 2)
        return east * parallel_m, (lat - self._lat) * meridian_m


class Middle(Struct, frozen=True):
    """A geometry in degrees (`geometry`, `lonlat`, `box`), the same in metres around its middle, and the metres.

    Its `vertices` are no further than `half_m` to the east and to the north of the middle. `degree_m` is what a degree
    to the east and to the north has there; away from the middle, lines drawn with it are off by less than `bend` times
    the square of the distance, all in metres.
    """

    geometry: BaseGeometry
    lonlat: Lonlat
    box: Box
    center: Numbers
    metric: Callable[[Lonlat], Metric]
    vertices: Metric
    half_m: tuple[float, float]
    degree_m: Numbers
    bend: float

    @property
    def span_m(self) -> float:
        """Return how far two vertices may be apart."""
        return 2 * math.hypot(*self.half_m)

    @property
    def placed(self) -> BaseGeometry:
        """Return the geometry in metres, made anew."""
        if self.geometry.geom_type == "LineString":
            # What most works are, and four times quicker to make than by reprojection.
            return shapely.linestrings(self.vertices)  # type: ignore[return-value]  # of one line it is no array
        placed: BaseGeometry = shapely.transform(self.geometry, lambda _: self.vertices)
        return placed


def middle_of(geometry: BaseGeometry) -> Middle:
    """Return a geometry in degrees with what it is in metres around its middle."""
    box = west, south, east, north = geometry.bounds
    lonlat = Lonlat(shapely.get_coordinates(geometry))
    lon, lat = (west + east) / 2, (south + north) / 2
    metric, degree_m = local_metric(lon, lat), metres_of_degree(lat)
    bend = (abs(math.tan(math.radians(min(abs(lat), 89.0)))) + 0.1) / _EARTH_M
    east_m, north_m = (east - west) / 2 * degree_m[0], (north - south) / 2 * degree_m[1]
    bent_m = (east_m * east_m + north_m * north_m) * bend
    return Middle(
        geometry=geometry,
        lonlat=lonlat,
        box=box,
        center=np.array((lon, lat)),
        metric=metric,
        vertices=metric(lonlat),
        half_m=(east_m + bent_m, north_m + bent_m),
        degree_m=np.array(degree_m),
        bend=bend,
    )


def frame_at(lon: float, lat: float) -> Frame:
    """Return the frame of the cell in which a place lies."""
    return _frame(math.floor(lon / _CELL_DEG), math.floor(lat / _CELL_DEG))


@lru_cache(maxsize=1024)
def _frame(column: int, row: int) -> Frame:
    return Frame((column + 0.5) * _CELL_DEG, (row + 0.5) * _CELL_DEG)
