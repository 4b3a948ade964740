"""The places subscriptions ask about: checked and made canonical.

Coordinates are lon/lat degrees (EPSG:4326). An area value is frozen, hashable and the same for the same place, so
that equal subscriptions are served as one. `geoworks.hub.places` tests features against them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

import numpy as np
import shapely
from msgspec import UNSET, Struct, UnsetType
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, TooLarge
from geoworks.geo.geojson import parse_geometry
from geoworks.geo.route import check_line
from geoworks.geo.types import Numbers
from geoworks.hub import messages
from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused

MOST_VERTICES = 5_000
MOST_ROUTE_VERTICES = 50_000
# Beyond these nobody travels, and reckoning with dates ends.
_FIRST_DEPARTURE, _LAST_DEPARTURE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EVERY_LON, _EVERY_LAT = 180.0, 90.0
_DEGREES = "give lon, lat in degrees (EPSG:4326), lon -180 to 180, lat -90 to 90"


class Everywhere(Struct, frozen=True, tag=True):
    """The whole town."""


class InZones(Struct, frozen=True, tag=True):
    """Some zones: what has an effect in one of them, and the zones themselves."""

    zones: tuple[str, ...]


class Shape(Struct, frozen=True, tag=True):
    """A box or polygon, as WKB in normal form."""

    wkb: bytes


class Disc(Struct, frozen=True, tag=True):
    """What is within a radius of a place."""

    lon: float
    lat: float
    radius_m: float


class Way(Struct, frozen=True, tag=True, cache_hash=True):
    """A route, as the WKB of its line, with what is within `corridor_m` of it.

    With `depart` what counts is what is in force when the driver gets there, at `speed_kmh`. Once the driver has
    told a position, `passed_m` is how far along that was, and `depart` when.
    """

    wkb: bytes
    corridor_m: float
    depart: datetime | None
    speed_kmh: float
    passed_m: float | None = None


class Around(Struct, frozen=True, tag=True):
    """What is within a radius of where a driver is, and came since the position before: one place, two, or none."""

    radius_m: float
    path: tuple[tuple[float, float], ...] = ()


Area = Everywhere | InZones | Shape | Disc | Way | Around
# Returns the area that was posted under an id, if it is still kept.
Kept: TypeAlias = Callable[[str], Area | None]


def nothing_kept(_: str) -> Area | None:
    """Know no posted area."""
    return None


def read_area(given: messages.Area, *, id: str, kept: Kept = nothing_kept) -> Area:  # noqa: A002 - the protocol's word
    """Check the area of a subscription and return its canonical form.

    Raises:
        Refused: it is not exactly one place, or not a valid one, or not known any more.

    """
    names = [name for name in given.__struct_fields__ if getattr(given, name) is not UNSET]
    if len(names) != 1:
        _refuse(id, f"the area has {len(names)} places; give exactly one of {', '.join(given.__struct_fields__)}")
    if not isinstance(given.area_id, str):
        read: Area = _READERS[names[0]](getattr(given, names[0]), id)
        return read
    area = kept(given.area_id)
    if area is None:
        raise Refused(Code.AREA_UNKNOWN, f"no area {given.area_id!r} is kept; post it to /v1/areas again", id=id)
    return area


def is_moving(area: Area) -> bool:
    """Tell whether an area is not the same for as long as it is asked about."""
    return isinstance(area, Around) or (isinstance(area, Way) and area.passed_m is not None)


def unmoved(area: Area) -> Area:
    """Return an area without where the driver is; a route is another one from the first position on."""
    if isinstance(area, Around):
        return Around(area.radius_m)
    if isinstance(area, Way) and area.passed_m is not None:
        return Way(area.wkb, area.corridor_m, None, area.speed_kmh, passed_m=0.0)
    return area


def _read_everywhere(_: object, __: str) -> Area:
    return Everywhere()


def _read_zones(zones: tuple[str, ...], _: str) -> Area:
    return InZones(tuple(sorted(set(zones))))


def _read_bbox(bbox: tuple[float, float, float, float], id: str) -> Area:  # noqa: A002 - the protocol's word
    west, south, east, north = bbox
    _check_degrees(id, "area.bbox", np.array([[west, south], [east, north]]))
    if west >= east or south >= north:
        _refuse(id, "area.bbox: it is empty; give west, south, east, north with west < east and south < north")
    return Shape(shapely.to_wkb(shapely.normalize(shapely.box(west, south, east, north))))


def _read_circle(circle: messages.Circle, id: str) -> Area:  # noqa: A002 - the protocol's word
    _check_degrees(id, "area.circle.center", np.array([circle.center]))
    return Disc(*circle.center, circle.radius_m)


def _read_polygon(polygon: dict[str, Any], id: str) -> Area:  # noqa: A002 - the protocol's word
    geometry = _read_geometry(polygon, id, where="area.polygon", types=("Polygon", "MultiPolygon"), most=MOST_VERTICES)
    if not geometry.is_valid:
        # Requests are never repaired: that can take seconds, and the client knows best what it meant.
        why = shapely.is_valid_reason(geometry)
        _refuse(id, f"area.polygon: not a valid polygon ({why}); draw it without crossing itself")
    return Shape(shapely.to_wkb(shapely.normalize(geometry)))


def _read_route(route: messages.Route, id: str) -> Area:  # noqa: A002 - the protocol's word
    where = "area.route.line"
    line = _read_geometry(route.line, id, where=where, types=("LineString",), most=MOST_ROUTE_VERTICES)
    try:
        check_line(line, where=where)
    except Invalid as error:
        _refuse(id, str(error))
    depart = None if isinstance(route.depart, UnsetType) else route.depart
    if depart is not None and not _FIRST_DEPARTURE <= depart < _LAST_DEPARTURE:
        _refuse(id, "area.route.depart: it is too far from now; give the moment the driver leaves")
    # Not in normal form: which way a route is travelled matters.
    return Way(shapely.to_wkb(line), route.corridor_m, depart and depart.astimezone(UTC), route.speed_kmh)


def _read_around(around: messages.AroundMe, _: str) -> Area:
    return Around(around.radius_m)


def _read_geometry(
    given: dict[str, Any],
    id: str,  # noqa: A002 - the protocol's word
    *,
    where: str,
    types: Sequence[str],
    most: int,
) -> BaseGeometry:
    if given.get("type") not in types:
        _refuse(id, f"{where}.type: give a GeoJSON {' or '.join(types)}")
    try:
        geometry = parse_geometry(given, max_vertices=most, where=where)
    except TooLarge as error:
        raise Refused(Code.AREA_TOO_LARGE, str(error), id=id) from error
    except Invalid as error:
        raise Refused(Code.AREA, str(error), id=id) from error
    _check_degrees(id, where, shapely.get_coordinates(geometry))
    return geometry


_READERS: dict[str, Callable[[Any, str], Area]] = {
    "everywhere": _read_everywhere,
    "zones": _read_zones,
    "bbox": _read_bbox,
    "circle": _read_circle,
    "polygon": _read_polygon,
    "route": _read_route,
    "around_me": _read_around,
}


def _check_degrees(id: str, where: str, places: Numbers) -> None:  # noqa: A002 - the protocol's word
    lon, lat = places[:, 0], places[:, 1]
    if not (np.all(np.abs(lon) <= _EVERY_LON) and np.all(np.abs(lat) <= _EVERY_LAT)):
        _refuse(id, f"{where}: no place on earth; {_DEGREES}")


def _refuse(id: str, message: str) -> NoReturn:  # noqa: A002 - the protocol's word
    raise Refused(Code.AREA, message, id=id)
