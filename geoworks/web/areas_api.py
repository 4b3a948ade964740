"""Areas too long for a frame or an address: posted once, then asked about by id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import shapely
from aiohttp import web
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, structs

from geoworks.errors import Invalid, Problem, TooLarge, TooMany
from geoworks.geo.gpx import read_gpx
from geoworks.geo.measure import length_m
from geoworks.hub.areas import Area, Shape, Way, read_area
from geoworks.hub.codes import Code
from geoworks.hub.messages import Area as GivenArea
from geoworks.hub.messages import Departure, Refused
from geoworks.pipeline.json_body import decode_json
from geoworks.web.answers import PRIVATE, answer
from geoworks.web.arrival import arriving
from geoworks.web.bodies import explain
from geoworks.web.queries import read_query
from geoworks.web.route import Door
from geoworks.web.services import services

TAG = "stream"
MOST_BYTES = 1024 * 1024
GPX = "application/gpx+xml"
_NAMES = ("polygon", "route")
_POLYGONS = ("Polygon", "MultiPolygon")
_MEND = "send a polygon, a route, a GeoJSON Polygon or LineString, or a GPX file"


class AreaQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What belongs to a route that is posted as a bare line."""

    corridor_m: Annotated[float, Meta(ge=1, le=500, description="How far to both sides things count.")] = 50.0
    depart: Departure | None = None
    speed_kmh: Annotated[float, Meta(ge=1, le=200, description="Usual speed, with `depart`.")] = 50.0


class AreaMade(Struct, frozen=True, kw_only=True):
    """A posted area: subscribe with `{"area_id": ...}`. It is held in memory only, until it expires or we restart."""

    area_id: str
    expires: datetime
    length_m: Annotated[float, Meta(description="Length of a route in metres.")] | UnsetType = UNSET
    line: Annotated[Raw, Meta(description="The route as a GeoJSON LineString.")] | UnsetType = UNSET


async def create_area(request: web.Request) -> web.StreamResponse:
    """Keep an area for some hours and answer its id. Neither where it is nor who asked is stored or logged."""
    area = _read_area(await _read_body(request), read_query(request, AreaQuery), gpx=_is_gpx(request))
    id_, expires = services(request).hub.shelf.put(area)
    made = AreaMade(area_id=id_, expires=expires)
    if isinstance(area, Way):
        line = shapely.from_wkb(area.wkb)
        drawn = Raw(shapely.to_geojson(line).encode())
        made = structs.replace(made, length_m=round(length_m(line), 1), line=drawn)
    return answer(made, status=HTTPStatus.CREATED, headers=PRIVATE)


def _is_gpx(request: web.Request) -> bool:
    return request.content_type in {GPX, "application/xml", "text/xml"}


async def _read_body(request: web.Request) -> bytes:
    kind = request.content_type
    if not (_is_gpx(request) or kind == "application/json" or kind.endswith("+json")):
        raise Invalid(Problem("Content-Type", f"{kind} is not taken here", f"send application/geo+json or {GPX}"))
    async with arriving(request):
        body = await request.read()
    if len(body) > MOST_BYTES:
        raise TooLarge(Problem("body", f"{len(body)} bytes", f"send at most {MOST_BYTES}; simplify the line"))
    return body


def _read_area(body: bytes, query: AreaQuery, *, gpx: bool) -> Shape | Way:
    """Read what was posted, in any of its forms.

    Raises:
        Invalid: it is none of them, or no valid place.
        TooLarge: it has too many vertices, or is nested too deeply.

    """
    if gpx:
        given: Any = {"type": "LineString", "coordinates": shapely.get_coordinates(read_gpx(body)).tolist()}
    else:
        given = decode_json(body, max_bytes=MOST_BYTES, max_depth=12)
    try:
        area = read_area(msgspec.convert(_as_area(given, query), GivenArea), id="")
    except msgspec.ValidationError as error:
        raise Invalid(explain(error)) from error
    except Refused as error:
        kind = TooLarge if error.fault is Code.AREA_TOO_LARGE else Invalid
        raise kind(Problem("body", str(error), _MEND)) from error
    return _kept(area)


def _as_area(given: object, query: AreaQuery) -> object:
    """Return the area of the protocol that a posted value stands for."""
    if not isinstance(given, dict):
        raise Invalid(Problem("body", "no object", _MEND))
    if "type" not in given:
        return {name: value for name, value in given.items() if name in _NAMES} or given
    geometry = _geometry_of(given)
    if geometry.get("type") in _POLYGONS:
        return {"polygon": geometry}
    route = {name: value for name, value in msgspec.to_builtins(query).items() if value is not None}
    return {"route": {"line": geometry, **route}}


def _geometry_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return the one geometry of a GeoJSON object."""
    features = given.get("features") if given.get("type") == "FeatureCollection" else [given]
    if not isinstance(features, list) or len(features) != 1 or not isinstance(features[0], dict):
        raise Invalid(Problem("features", "not exactly one feature", "send one feature with the line or polygon"))
    feature = features[0]
    geometry = feature.get("geometry") if feature.get("type") == "Feature" else feature
    if not isinstance(geometry, dict):
        raise Invalid(Problem("geometry", "no geometry", _MEND))
    return geometry


def _kept(area: Area) -> Shape | Way:
    if not isinstance(area, (Shape, Way)):
        raise Invalid(Problem("body", "an area that needs no posting", "subscribe with it as it is"))
    return area


DOORS: Sequence[Door] = (
    Door(
        method="POST",
        path="/v1/areas",
        handler=create_area,
        summary="Post an area that is too long for a frame or an address: GeoJSON, or a GPX file, 1 MiB at most",
        tag=TAG,
        query=AreaQuery,
        body=dict[str, Any],
        answer=AreaMade,
        status=201,
        errors=(Invalid, TooLarge, TooMany),
    ),
)
