"""The places subscriptions ask about: checked, made canonical, and tested against features.

Coordinates are lon/lat degrees (EPSG:4326). An area value is frozen, hashable and the same for the same place, so
that equal subscriptions are served as one. Prepared geometries belong to the event loop's thread, as does all here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

import numpy as np
import shapely
from msgspec import UNSET, Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, TooLarge
from geoworks.geo.crs import local_metric
from geoworks.geo.geojson import parse_geometry
from geoworks.geo.measure import box_around
from geoworks.geo.types import Flags, Geometries, Lonlat, Numbers
from geoworks.hub import messages
from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused
from geoworks.model.change import Key, Kind, MatchKeys

MOST_VERTICES = 5_000
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


Area = Everywhere | InZones | Shape | Disc


def read_area(given: messages.Area, *, id: str) -> Area:  # noqa: A002 - the protocol's word
    """Check the area of a subscription and return its canonical form.

    Raises:
        Refused: it is not exactly one place, or not a valid one.

    """
    names = [name for name in given.__struct_fields__ if getattr(given, name) is not UNSET]
    if len(names) != 1:
        _refuse(id, f"the area has {len(names)} places; give exactly one of {', '.join(given.__struct_fields__)}")
    return _READERS[names[0]](getattr(given, names[0]), id)


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
    if polygon.get("type") not in {"Polygon", "MultiPolygon"}:
        _refuse(id, "area.polygon.type: give a GeoJSON Polygon or MultiPolygon")
    try:
        geometry = parse_geometry(polygon, max_vertices=MOST_VERTICES, where="area.polygon")
    except TooLarge as error:
        raise Refused(Code.AREA_TOO_LARGE, str(error), id=id) from error
    except Invalid as error:
        raise Refused(Code.AREA, str(error), id=id) from error
    _check_degrees(id, "area.polygon", shapely.get_coordinates(geometry))
    if not geometry.is_valid:
        # Requests are never repaired: that can take seconds, and the client knows best what it meant.
        why = shapely.is_valid_reason(geometry)
        _refuse(id, f"area.polygon: not a valid polygon ({why}); draw it without crossing itself")
    return Shape(shapely.to_wkb(shapely.normalize(geometry)))


_READERS: dict[str, Callable[[Any, str], Area]] = {
    "everywhere": _read_everywhere,
    "zones": _read_zones,
    "bbox": _read_bbox,
    "circle": _read_circle,
    "polygon": _read_polygon,
}


def _check_degrees(id: str, where: str, places: Numbers) -> None:  # noqa: A002 - the protocol's word
    lon, lat = places[:, 0], places[:, 1]
    if not (np.all(np.abs(lon) <= _EVERY_LON) and np.all(np.abs(lat) <= _EVERY_LAT)):
        _refuse(id, f"{where}: no place on earth; {_DEGREES}")


def _refuse(id: str, message: str) -> NoReturn:  # noqa: A002 - the protocol's word
    raise Refused(Code.AREA, message, id=id)


def is_inside(zones: Sequence[str] | frozenset[str], key: Key, keys: MatchKeys) -> bool:
    """Tell whether a feature concerns one of some zones: by an effect there, or by being the zone."""
    return (key.kind is Kind.ZONE and key.id in zones) or any(zone in zones for zone in keys.zones)


def within_discs(centers: Lonlat, radii_m: Numbers, geometry: BaseGeometry) -> Flags:
    """Tell for each disc whether a geometry comes within its radius.

    Everything is measured in metres around the middle of the geometry, so that one reprojection of it serves all
    discs and one disc gives the same answer as among thousands.
    """
    west, south, east, north = geometry.bounds
    metric = local_metric((west + east) / 2, (south + north) / 2)
    placed = shapely.transform(geometry, lambda lonlat: metric(Lonlat(lonlat)))
    # Prepared, it is the first argument that gains; it lives for this call only.
    shapely.prepare(placed)
    nearest: Geometries = np.asarray(shapely.points(metric(centers)), dtype=np.object_)
    near: Flags = shapely.dwithin(placed, nearest, radii_m)  # type: ignore[call-overload]  # the stubs know one distance, the function an array
    return near


class Place(Protocol):
    """The ground an area covers, ready to be tested; `bounds` in degrees."""

    bounds: tuple[float, float, float, float]

    def touches(self, geometry: BaseGeometry) -> bool:
        """Tell whether a feature's geometry shares a point with it."""
        ...


class ShapePlace:
    """A prepared box or polygon."""

    def __init__(self, shape: Shape) -> None:
        """Read and prepare an own copy."""
        self.geometry: BaseGeometry = shapely.from_wkb(shape.wkb)
        shapely.prepare(self.geometry)
        self.bounds: tuple[float, float, float, float] = self.geometry.bounds

    def touches(self, geometry: BaseGeometry) -> bool:
        """Tell whether a feature's geometry shares a point with it."""
        return bool(shapely.intersects(self.geometry, geometry))


class DiscPlace:
    """A circle as centre and radius."""

    def __init__(self, disc: Disc) -> None:
        """Keep the centre and a box around it."""
        self.center = Lonlat(np.array([[disc.lon, disc.lat]]))
        self.radius_m = disc.radius_m
        self.bounds = box_around(disc.lon, disc.lat, radius_m=disc.radius_m)

    def touches(self, geometry: BaseGeometry) -> bool:
        """Tell whether a feature's geometry comes within the radius."""
        west, south, east, north = geometry.bounds
        w, s, e, n = self.bounds
        if not (west <= e and east >= w and south <= n and north >= s):
            return False
        return bool(within_discs(self.center, np.array([self.radius_m]), geometry)[0])


def place_of(area: Shape | Disc) -> ShapePlace | DiscPlace:
    """Return the ground an area with a geometry covers."""
    return ShapePlace(area) if isinstance(area, Shape) else DiscPlace(area)
