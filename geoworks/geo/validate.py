"""Whether a geometry can be a feature's: judged strictly for requests, repaired where possible for imports.

Both end in the same form: two dimensions, 6 decimals, rings turned as RFC 7946 (section 3.1.6) says, so that the
same input always gives the same geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.crs import likely_crs
from geoworks.geo.repair import Repairer
from geoworks.geo.types import Flags, Geometries, Numbers, Places

ALL_KINDS = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})

_WHERE = "geometry"
_DECIMALS = 6
_AREA = 2
# By the numbers that shapely gives them.
_KINDS = np.array(
    [
        "Point",
        "LineString",
        "LinearRing",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    ],
    dtype=np.object_,
)
_BOUNDS = np.array([180.0, 90.0])


class _Check(NamedTuple):
    """One fault: which of many have it, and how to tell it of one."""

    unfit: Callable[[Geometries], Flags]
    explain: Callable[[BaseGeometry], Problem]
    error: type[Invalid] = Invalid


def check_geometry(
    geometry: BaseGeometry | None, *, max_vertices: int, kinds: Collection[str] = ALL_KINDS
) -> BaseGeometry:
    """Return the geometry of a request in its final form; it is judged, never repaired.

    Raises:
        TooLarge: it has more than `max_vertices`.
        Invalid: it is missing, empty, of another kind, not finite, out of bounds, or not valid with 6 decimals.

    """
    given = _array([geometry])
    for check in _checks(max_vertices, kinds):
        if check.unfit(given)[0]:
            raise check.error(check.explain(given[0]))
    final: BaseGeometry = _tidy(given)[0]
    if not final.is_valid:
        raise Invalid(_not_valid(final))
    return final


def normalize_many(geometries: Geometries, repairer: Repairer, *, max_vertices: int) -> list[BaseGeometry | Problem]:
    """Return each geometry of an import in its final form, or why it cannot be taken.

    What is not valid is repaired, if `repairer` can, and keeps the parts of its own dimension only. A
    multi geometry of one part becomes that part, because formats differ in how they write it.
    """
    results: Geometries = np.empty(len(geometries), dtype=np.object_)
    left = np.arange(len(geometries))
    for check in _checks(max_vertices, ALL_KINDS):
        unfit = check.unfit(geometries[left])
        for place in left[unfit]:
            results[place] = check.explain(geometries[place])
        left = left[~unfit]
    results[left] = _tidy(_single_parts(geometries[left]))
    _repair(results, left[~shapely.is_valid(results[left])], repairer)
    return list(results)


def _repair(results: Geometries, broken: Places, repairer: Repairer) -> None:
    # The small ones first: should the repairer give up, it is on those that take longest.
    order = np.argsort(shapely.get_num_coordinates(results[broken]), kind="stable")
    for place in broken[order]:
        mended = repairer.repair(results[place])
        results[place] = _not_valid(results[place]) if mended is None else _tidy(_single_parts(_array([mended])))[0]


def _array(geometries: list[BaseGeometry | None]) -> Geometries:
    return np.array(geometries, dtype=np.object_)


def _checks(max_vertices: int, kinds: Collection[str]) -> tuple[_Check, ...]:
    """Return the faults in the order to look for them; each is asked only of what passed those before."""
    return (
        _Check(lambda some: shapely.is_missing(some) | shapely.is_empty(some), _empty),
        _Check(lambda some: ~np.isin(_kinds_of(some), list(kinds)), lambda one: _wrong_kind(one, kinds)),
        _Check(
            lambda some: shapely.get_num_coordinates(some) > max_vertices,
            lambda one: _too_large(one, max_vertices),
            TooLarge,
        ),
        _Check(_off_the_globe, _out_of_bounds),
    )


def _kinds_of(geometries: Geometries) -> Geometries:
    return _KINDS[shapely.get_type_id(geometries)]


def _off_the_globe(geometries: Geometries) -> Flags:
    coordinates, owners = shapely.get_coordinates(geometries, return_index=True)
    flags = np.zeros(len(geometries), dtype=np.bool_)
    flags[owners[_outside(coordinates)]] = True
    return flags


def _outside(coordinates: Numbers) -> Flags:
    # Said so that NaN is outside too.
    inside = np.abs(coordinates) <= _BOUNDS
    return ~(inside[:, 0] & inside[:, 1])


def _tidy(geometries: Geometries) -> Geometries:
    # Adding zero turns -0.0 into 0.0.
    rounded: Geometries = shapely.transform(geometries, lambda lonlat: np.round(lonlat, _DECIMALS) + 0.0)
    rings = np.flatnonzero(shapely.get_dimensions(rounded) == _AREA)
    rounded[rings] = shapely.orient_polygons(rounded[rings])
    return rounded


def _single_parts(geometries: Geometries) -> Geometries:
    multi = np.isin(shapely.get_type_id(geometries), (4, 5, 6)) & (shapely.get_num_geometries(geometries) == 1)
    singles = geometries.copy()
    singles[multi] = shapely.get_geometry(geometries[multi], 0)
    return singles


def _empty(_: BaseGeometry | None) -> Problem:
    return Problem(_WHERE, "missing or empty", "give the place as a point, line or polygon")


def _wrong_kind(geometry: BaseGeometry, kinds: Collection[str]) -> Problem:
    return Problem(_WHERE, f"{geometry.geom_type} is not taken here", f"use one of {', '.join(sorted(kinds))}")


def _too_large(geometry: BaseGeometry, max_vertices: int) -> Problem:
    count = shapely.get_num_coordinates(geometry)
    return Problem(_WHERE, f"{count} vertices, at most {max_vertices} are taken", "simplify it or split it")


def _out_of_bounds(geometry: BaseGeometry) -> Problem:
    coordinates = shapely.get_coordinates(geometry)
    x, y = coordinates[_outside(coordinates)][0]
    if not np.isfinite((x, y)).all():
        return Problem(
            _WHERE, f"the coordinate [{x}, {y}] is not finite", "check it, and that crs is the one the data is in"
        )
    name = likely_crs(x, y)
    if name:
        return Problem(_WHERE, f"[{x:.0f}, {y:.0f}] are no degrees but metres, likely {name}", "name that crs")
    return Problem(
        _WHERE, f"[{x:.10g}, {y:.10g}] is not on the globe", "send [lon, lat]: lon -180 to 180, lat -90 to 90"
    )


def _not_valid(geometry: BaseGeometry) -> Problem:
    reason, _, place = shapely.is_valid_reason(geometry).rstrip("]").partition("[")
    where = f" at [{', '.join(place.split())}]" if place else ""
    return Problem(_WHERE, f"not valid with 6 decimals: {reason}{where}", "draw it anew without crossing itself there")
