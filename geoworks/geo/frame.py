"""Frames of metres that neighbours share, so that a geometry is reprojected once for all who ask how near it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import local_metric, metres_of_degree
from geoworks.geo.types import Lonlat, Metric

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
    """A geometry in metres around its middle, and the metres themselves.

    `degree_m` is what a degree to the east and to the north has there; away from the middle, lines drawn with it are
    off by less than `bend` times the square of the distance, all in metres.
    """

    lon: float
    lat: float
    metric: Callable[[Lonlat], Metric]
    placed: BaseGeometry
    degree_m: tuple[float, float]
    bend: float


def middle_of(geometry: BaseGeometry) -> Middle:
    """Return a geometry in degrees in metres around its middle."""
    west, south, east, north = geometry.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    metric = local_metric(lon, lat)
    placed: BaseGeometry = shapely.transform(geometry, lambda lonlat: metric(Lonlat(lonlat)))
    bend = (abs(math.tan(math.radians(min(abs(lat), 89.0)))) + 0.1) / _EARTH_M
    return Middle(lon, lat, metric, placed, metres_of_degree(lat), bend)


def frame_at(lon: float, lat: float) -> Frame:
    """Return the frame of the cell in which a place lies."""
    return _frame(math.floor(lon / _CELL_DEG), math.floor(lat / _CELL_DEG))


@lru_cache(maxsize=1024)
def _frame(column: int, row: int) -> Frame:
    return Frame((column + 0.5) * _CELL_DEG, (row + 0.5) * _CELL_DEG)
