"""Zones: read them, put or remove one, replace them all by a file."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from aiohttp import web
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, NotFound, Problem, SourceError
from geoworks.model.change import Kind
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.draft import zone_key
from geoworks.web.answers import answer, feature
from geoworks.web.auth import caller
from geoworks.web.bodies import read_json
from geoworks.web.collections import COLLECTIONS
from geoworks.web.route import GEOJSON, STAFF, Door
from geoworks.web.services import services
from geoworks.web.uploads import uploaded
from geoworks.web.works_api import body_of, shown

TAG = "zones"


class ZoneFields(Struct, frozen=True):
    """What can be set of a zone; what the server says of it is passed over."""

    name: str


class ZoneBody(Struct, frozen=True):
    """A zone as a GeoJSON feature."""

    type: Literal["Feature"]
    geometry: BaseGeometry
    properties: ZoneFields


async def list_zones(request: web.Request) -> web.StreamResponse:
    """Answer all zones with their levels."""
    return await request.app[COLLECTIONS].answer(request, Kind.ZONE)


async def read_one_zone(request: web.Request) -> web.StreamResponse:
    """Answer one zone."""
    entry = shown(request, zone_key(request.match_info["id"]))
    return feature(request, entry.record, body_of(entry))


async def put_zone(request: web.Request) -> web.StreamResponse:
    """Write one zone, new or in place of the one with this id."""
    id_ = request.match_info["id"]
    given = await read_json(request, ZoneBody)
    zone = zones.tidy(
        Zone(name=given.properties.name, geometry=given.geometry),
        max_vertices=services(request).settings.limits.vertices_staff,
    )
    zones.check_zones({id_: zone})
    is_new = services(request).state.get(zone_key(id_)) is None
    await services(request).desk.submit(zones.put(id_, zone, actor=caller(request).name))
    entry = shown(request, zone_key(id_))
    return feature(request, entry.record, body_of(entry), status=HTTPStatus.CREATED if is_new else HTTPStatus.OK)


async def remove_zone(request: web.Request) -> web.StreamResponse:
    """Take a zone off the map."""
    await services(request).desk.submit(zones.remove(request.match_info["id"], actor=caller(request).name))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def import_zones(request: web.Request) -> web.StreamResponse:
    """Replace all zones by those of a file in any format that GDAL reads; GeoJSON may be the body itself."""
    house = services(request)
    async with uploaded(request) as path:
        if path is None:
            raise Invalid(Problem("body", "holds no file", "send a GeoJSON FeatureCollection, or a form with one file"))
        try:
            read = await house.read_zones(path)
        except SourceError as error:
            raise Invalid(Problem("body", str(error), "see 'geoworks inspect' for what is in the file")) from error
    if not read:
        raise Invalid(Problem("body", "holds no zone", "send at least one; DELETE removes single ones"))
    zones.check_zones(read)

    def standing() -> list[str]:
        return [entry.record.key.id for entry in house.state.of_kind(Kind.ZONE)]

    return answer(await house.desk.submit(zones.replace_all(read, standing, actor=caller(request).name)))


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/zones",
        handler=list_zones,
        summary="All zones with their levels",
        tag=TAG,
        answer=(Zone,),
        answer_media=GEOJSON,
    ),
    Door(
        method="GET",
        path="/v1/zones/{id}",
        handler=read_one_zone,
        summary="One zone",
        tag=TAG,
        answer=Zone,
        answer_media=GEOJSON,
        errors=(NotFound,),
    ),
    Door(
        method="PUT",
        path="/v1/zones/{id}",
        handler=put_zone,
        summary="Write one zone",
        tag=TAG,
        allow=STAFF,
        body=Zone,
        body_media=GEOJSON,
        answer=Zone,
        answer_media=GEOJSON,
        errors=(Invalid,),
    ),
    Door(
        method="DELETE",
        path="/v1/zones/{id}",
        handler=remove_zone,
        summary="Remove one zone",
        tag=TAG,
        allow=STAFF,
        status=HTTPStatus.NO_CONTENT,
        errors=(NotFound,),
    ),
    Door(
        method="POST",
        path="/v1/zones",
        handler=import_zones,
        summary="Replace all zones by those of a file: GeoJSON as the body, or any format GDAL reads in a form",
        tag=TAG,
        allow=STAFF,
        body=(Zone,),
        body_media=GEOJSON,
        answer=zones.ZoneCounts,
        errors=(Invalid,),
    ),
)
