"""Coordinate reference systems: from a source's coordinates to lon/lat degrees, and to local metres.

The only module that knows pyproj.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from threading import get_ident

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError, ProjError

from geoworks.errors import Invalid, Problem
from geoworks.geo.types import Geometries, Lonlat, Metric, Numbers

LONLAT = "EPSG:4326"
_LONLATS = frozenset({LONLAT, "OGC:CRS84"})
_GLOBE = np.array([180.0, 90.0])

# WGS 84 (EPSG:7030): the larger half axis in metres, and the square of the eccentricity.
_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_2 = 0.006_694_379_990_141_317
_RADIAN = math.pi / 180.0

# Where French and web sources lie in metres: name, west, south, east, north. Web Mercator overlaps Lambert-93
# in the south of France, and the national system is the likelier there.
_LIKELY = (
    ("Lambert-93 (EPSG:2154)", 0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0),
    ("a Lambert CC zone (EPSG:3942 to EPSG:3950)", 1_100_000.0, 1_000_000.0, 2_300_000.0, 10_000_000.0),
    ("Web Mercator (EPSG:3857)", -20_037_509.0, -20_048_967.0, 20_037_509.0, 20_048_967.0),
)


def check_crs(text: str) -> str:
    """Return the short name of a CRS, such as `EPSG:2154`, or the text itself when the CRS has no code.

    Raises:
        Invalid: the text names no CRS that PROJ knows.

    """
    return ":".join(_parse(text).to_authority() or (text,))


def to_lonlat(geometries: Geometries, crs: str) -> Geometries:
    """Return geometries of a CRS in lon/lat degrees (EPSG:4326), all at once; None stays None.

    Third ordinates are dropped. Coordinates beyond the CRS's reach become infinite, and so do those that are degrees
    although the CRS is in metres (they would land in the sea at its origin): `validate` refuses both.

    Raises:
        Invalid: PROJ does not know the CRS, or it is no CRS on the globe.

    """
    if check_crs(crs) in _LONLATS:
        return geometries
    # Transformers are not safe across threads, so each thread has its own.
    transform = _transformer(crs, get_ident()).transform
    in_metres = _parse(crs).is_projected

    def convert(xy: Numbers) -> Numbers:
        lonlat = np.column_stack(transform(xy[:, 0], xy[:, 1]))
        if in_metres:
            lonlat[(np.abs(xy) <= _GLOBE).all(axis=1)] = np.inf
        return lonlat

    reprojected: Geometries = shapely.transform(geometries, convert)
    return reprojected


def local_metric(lon: float, lat: float) -> Callable[[Lonlat], Metric]:
    """Return what turns lon/lat degrees into metres east and north of a place.

    Distances from the place are true to 0.1 % up to 100 km and latitude 75: the ellipsoid's radii are taken at the
    latitude midway between the place and each coordinate (Gauss's mid-latitude method), by the first terms of their
    Taylor series, which is true to a millionth there. Across the antimeridian the shorter way round is taken.
    """
    p0, p1, p2, m0, m1 = _degree_beyond(lat)

    def to_metres(lonlat: Lonlat) -> Metric:
        metres = np.empty((len(lonlat), 2))
        east, north = metres.T
        np.add(lonlat[:, 0], 180.0 - lon, out=east)
        east %= 360.0
        east -= 180.0
        np.subtract(lonlat[:, 1], lat, out=north)
        east *= (north * p2 + p1) * north + p0
        north *= north * m1 + m0
        return Metric(metres)

    return to_metres


def _degree_beyond(lat: float) -> tuple[float, float, float, float, float]:
    """Return the metres of a degree midway to a place n degrees north of a latitude, as series in n.

    A degree of longitude has p0 + n * (p1 + n * p2) metres and one of latitude m0 + n * m1: the numbers in this order.
    On an ellipse the radius of the parallel grows by the one of the meridian times minus the sine of the latitude.
    """
    sine, cosine = math.sin(lat * _RADIAN), math.cos(lat * _RADIAN)
    bend = 1.0 - _ECCENTRICITY_2 * sine * sine
    parallel_m, meridian_m = metres_of_degree(lat)
    growth_m = 3 * _ECCENTRICITY_2 * meridian_m * sine * cosine / bend
    half = _RADIAN / 2
    curve_m = meridian_m * cosine + growth_m * sine
    return parallel_m, -meridian_m * sine * half, -curve_m * half * half / 2, meridian_m, growth_m * half


def metres_of_degrees(east: Numbers | float, north: Numbers | float, latitude: Numbers) -> tuple[Numbers, Numbers]:
    """Return small steps in degrees, at a latitude, as metres east and north on the ellipsoid WGS 84."""
    sine = np.sin(np.radians(latitude))
    bend = 1.0 - _ECCENTRICITY_2 * sine**2
    normal_m = _SEMI_MAJOR_M / np.sqrt(bend)
    parallel_m = normal_m * np.sqrt(1.0 - sine**2)
    meridian_m = normal_m * (1.0 - _ECCENTRICITY_2) / bend
    return np.radians(east) * parallel_m, np.radians(north) * meridian_m


def metres_of_degree(latitude: float) -> tuple[float, float]:
    """Return the metres of one degree of longitude and of one of latitude, at a latitude on the ellipsoid WGS 84."""
    sine2 = math.sin(latitude * _RADIAN) ** 2
    bend = 1.0 - _ECCENTRICITY_2 * sine2
    normal_m = _SEMI_MAJOR_M * _RADIAN / math.sqrt(bend)
    return normal_m * math.sqrt(1.0 - sine2), normal_m * (1.0 - _ECCENTRICITY_2) / bend


@lru_cache(maxsize=4096)
def degree_near(thousandth: int) -> tuple[float, float, float, float, float, float]:
    """Return `metres_of_degree` near a latitude in thousandths of a degree as two parabolas.

    With b the thousandths beyond, a degree of longitude has p0 + b * (p1 + b * p2) metres and one of latitude
    m0 + b * (m1 + b * m2): the six numbers in this order, true to a rounding. It is three times quicker than sines.
    """
    here, half, there = (metres_of_degree((thousandth + part) / 1000) for part in (0.0, 0.5, 1.0))
    return *_parabola(here[0], half[0], there[0]), *_parabola(here[1], half[1], there[1])


def _parabola(here: float, half: float, there: float) -> tuple[float, float, float]:
    """Return the coefficients of what has these values at 0, 1/2 and 1."""
    bend = 2 * (here - 2 * half + there)
    return here, there - here - bend, bend


def likely_crs(x: float, y: float) -> str:
    """Name the CRS in metres that a coordinate taken for degrees most likely has; empty when none is likely."""
    for name, west, south, east, north in _LIKELY:
        if west <= x <= east and south <= y <= north and max(abs(x), abs(y)) > 1000:  # noqa: PLR2004 - no degrees
            return name
    return ""


@lru_cache(maxsize=64)
def _parse(text: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(text.strip())
    except CRSError as error:
        raise Invalid(_unknown(text)) from error


@lru_cache(maxsize=64)
def _transformer(crs: str, thread: int) -> pyproj.Transformer:  # noqa: ARG001 - part of what it is kept by
    try:
        # Without always_xy PROJ takes EPSG:4326 as lat, lon, and everything is wrong without an error.
        return pyproj.Transformer.from_crs(_parse(crs), LONLAT, always_xy=True)
    except ProjError as error:
        raise Invalid(_unknown(crs)) from error


def _unknown(crs: str) -> Problem:
    what = f"{crs[:60]!r} is no known coordinate system on the globe"
    return Problem("crs", what, 'name one by its code, such as "EPSG:2154"')
