"""Lengths, areas and distances of lon/lat geometries in geodesic metres, whole arrays at once.

A straight line in lon/lat is measured as it is drawn (RFC 7946, section 3.1.1), so the parts of a line add up to
the whole. For segments up to 100 km this is within 0.1 % of the geodesic.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import equal_area, local_metric, metres_of_degrees
from geoworks.geo.types import Geometries, Lonlat, Numbers

# A degree of latitude is at least this long on WGS 84 (at the equator).
_DEGREE_M = 110_574.0


def lengths_m(geometries: Geometries) -> Numbers:
    """Return the length of each line or multiline in metres; 0 for points."""
    parts, owners = shapely.get_parts(geometries, return_index=True)
    coordinates, lines = shapely.get_coordinates(parts, return_index=True)
    steps = np.diff(coordinates, axis=0)
    latitudes = coordinates[:-1, 1] + steps[:, 1] / 2
    metres = np.hypot(*metres_of_degrees(steps[:, 0], steps[:, 1], latitudes))
    same_line = lines[1:] == lines[:-1]
    lengths = np.zeros(len(geometries))
    np.add.at(lengths, owners[lines[1:][same_line]], metres[same_line])
    return lengths


def areas_m2(geometries: Geometries) -> Numbers:
    """Return the area of each polygon or multipolygon in square metres; 0 for points and lines."""
    areas: Numbers = shapely.area(shapely.transform(geometries, lambda lonlat: equal_area(Lonlat(lonlat))))
    return areas


def distances_m(lon: float, lat: float, geometries: Geometries) -> Numbers:
    """Return how far each geometry is from a place, in metres; 0 for a place inside a polygon."""
    to_metres = local_metric(lon, lat)
    metric = shapely.transform(geometries, lambda lonlat: to_metres(Lonlat(lonlat)))
    distances: Numbers = shapely.distance(metric, shapely.Point(0, 0))
    return distances


def distance_m(lon: float, lat: float, geometry: BaseGeometry) -> float:
    """Return how far a geometry is from a place, in metres; 0 for a place inside a polygon."""
    return float(distances_m(lon, lat, np.array([geometry], dtype=np.object_))[0])


def box_around(lon: float, lat: float, *, radius_m: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees of a box that holds the circle; a little larger than needed.

    West may lie below -180 and east above 180.
    """
    north_deg = radius_m / _DEGREE_M * 1.001
    widest = min(abs(lat) + north_deg, 89.9)
    east_deg = min(north_deg / math.cos(math.radians(widest)), 180.0)
    return lon - east_deg, lat - north_deg, lon + east_deg, lat + north_deg
