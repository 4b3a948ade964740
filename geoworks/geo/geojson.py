"""GeoJSON geometries (RFC 7946, section 3.1): from decoded JSON and to bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.types import Lonlat

_RING_LEAST = 4
_SHOWN = 60


def parse_geometry(value: object, *, max_vertices: int, where: str = "geometry") -> BaseGeometry:
    """Return the geometry of a decoded GeoJSON geometry object; third ordinates are dropped.

    Only the form is checked here, `validate.check_geometry` judges the place. `where` is the path of `value` in
    the document, for messages. Nothing deeper than the type's own nesting is looked at.

    Raises:
        TooLarge: it has more than `max_vertices` positions.
        Invalid: it is no GeoJSON geometry; the problem names the path of the fault.

    """
    if not isinstance(value, dict):
        _refuse(where, f"expected a GeoJSON geometry, got {_shown(value)}", 'send {"type": ..., "coordinates": ...}')
    kind = value.get("type")
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        _refuse(f"{where}.type", f"{_shown(kind)} is not taken", f"use one of {', '.join(_PARSERS)}")
    if "coordinates" not in value:
        _refuse(f"{where}.coordinates", "missing", "send the coordinates of the geometry")
    _check_count(value["coordinates"], max_vertices, where)
    return parse(value["coordinates"], f"{where}.coordinates")


def encode_geometry(geometry: BaseGeometry) -> bytes:
    """Return a geometry as a GeoJSON geometry object."""
    return shapely.to_geojson(geometry).encode()


def _check_count(coordinates: object, max_vertices: int, where: str) -> None:
    count = _count(coordinates, depth=4)
    if count > max_vertices:
        raise TooLarge(
            Problem(where, f"{count} vertices, at most {max_vertices} are taken", "simplify it or send it in parts")
        )


def _count(value: object, depth: int) -> int:
    """Count the positions, without trusting the nesting."""
    if not isinstance(value, list) or not value or depth == 0:
        return 0
    if isinstance(value[0], list):
        return sum(_count(item, depth - 1) for item in value)
    return 1


def _point(value: object, where: str) -> BaseGeometry:
    return shapely.Point(_positions([value], where, single=True)[0])


def _multipoint(value: object, where: str) -> BaseGeometry:
    return shapely.MultiPoint(_positions(value, where))


def _line(value: object, where: str) -> shapely.LineString:
    positions = _positions(value, where)
    if len(positions) < 2:  # noqa: PLR2004 - a line has two ends
        _refuse(where, f"a line of {len(positions)} position", "send at least two positions")
    return shapely.LineString(positions)


def _multiline(value: object, where: str) -> BaseGeometry:
    return shapely.MultiLineString([_line(item, path) for item, path in _items(value, where)])


def _polygon(value: object, where: str) -> shapely.Polygon:
    rings = [_ring(item, path) for item, path in _items(value, where)]
    return shapely.Polygon(rings[0], rings[1:])


def _multipolygon(value: object, where: str) -> BaseGeometry:
    return shapely.MultiPolygon([_polygon(item, path) for item, path in _items(value, where)])


_PARSERS: dict[str, Callable[[object, str], BaseGeometry]] = {
    "Point": _point,
    "MultiPoint": _multipoint,
    "LineString": _line,
    "MultiLineString": _multiline,
    "Polygon": _polygon,
    "MultiPolygon": _multipolygon,
}


def _ring(value: object, where: str) -> Lonlat:
    positions = _positions(value, where)
    if len(positions) < _RING_LEAST:
        _refuse(where, f"a ring of {len(positions)} positions", "send at least four, the last equal to the first")
    if not np.array_equal(positions[0], positions[-1]):
        _refuse(where, "the ring is not closed", "end it with its first position")
    return positions


def _items(value: object, where: str) -> list[tuple[object, str]]:
    if not isinstance(value, list):
        _refuse(where, f"expected an array, got {_shown(value)}", "send an array of coordinates")
    if not value:
        _refuse(where, "empty", "send at least one part")
    return [(item, f"{where}[{number}]") for number, item in enumerate(value)]


def _positions(value: object, where: str, *, single: bool = False) -> Lonlat:
    """Return an array of positions as rows of lon, lat; `single` when the array is ours and has but one."""
    if not isinstance(value, list):
        _refuse(where, f"expected an array of positions, got {_shown(value)}", "send [[lon, lat], ...]")
    if not value:
        _refuse(where, "empty", "send at least one position")
    for number, position in enumerate(value):
        if not _is_position(position):
            path = where if single else f"{where}[{number}]"
            _refuse(path, f"expected a position, got {_shown(position)}", "send [lon, lat] in degrees, as numbers")
    return _as_array(value, where)


def _is_position(value: object) -> bool:
    # `type` and not `isinstance`: true and false are no coordinates.
    return isinstance(value, list) and len(value) > 1 and type(value[0]) in _NUMBERS and type(value[1]) in _NUMBERS


_NUMBERS = frozenset({int, float})


def _as_array(positions: list[list[float]], where: str) -> Lonlat:
    try:
        array = np.array([position[:2] for position in positions], dtype=np.float64)
    except OverflowError:
        array = np.array([np.inf])
    if not np.isfinite(array).all():
        _refuse(where, "NaN or infinite coordinates", "send degrees: lon -180 to 180, lat -90 to 90")
    return Lonlat(array)


def _refuse(where: str, what: str, mend: str) -> NoReturn:
    raise Invalid(Problem(where, what, mend))


def _shown(value: object) -> str:
    """Name a value in a message: its kind when it is long or nested."""
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
