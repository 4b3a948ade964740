"""Vector tiles: works, reports and zones for maps of more features than a page can hold."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import Struct
from yarl import URL

from geoworks.errors import NotFound, StoreError
from geoworks.geo.tile import DEEPEST, TileAddress
from geoworks.model.change import Kind
from geoworks.web.answers import CURSOR_HEADER, FRESH, answer, cursor_tag, is_known
from geoworks.web.collections import takes_gzip
from geoworks.web.origin import public_root
from geoworks.web.route import Door
from geoworks.web.services import services
from geoworks.web.tile_shelf import TILES, Packed

TAG = "tiles"
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
LEFT_OUT_HEADER = "Geoworks-Left-Out"
_LAYERS: Final = {"works": Kind.WORKS, "reports": Kind.REPORT, "zones": Kind.ZONE}
_FIELDS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.WORKS: {
        "id": "as in /v1/works/{id}",
        "title": "from zoom 12 on",
        "status": "planned, active or paused",
        "severity": "none, low, medium, high or blocked",
    },
    Kind.REPORT: {
        "id": "of the report",
        "category": "as the town names it",
        "status": "received, accepted or in-progress",
        "released": "whether its text is public",
    },
    Kind.ZONE: {
        "id": "as in /v1/zones/{id}",
        "name": "of the zone",
        "level": "free, light, disturbed, heavy or blocked",
    },
}


class VectorLayer(Struct, frozen=True):
    """The one layer of a tile: its name, and its attributes with their meanings."""

    id: str
    fields: Mapping[str, str]


class TileSet(Struct, frozen=True, kw_only=True):
    """A layer as TileJSON 3.0.0 describes it to map programs."""

    tilejson: str = "3.0.0"
    name: str
    scheme: str = "xyz"
    tiles: tuple[str, ...]
    minzoom: int = 0
    maxzoom: int = DEEPEST
    vector_layers: tuple[VectorLayer, ...]


async def read_tile(request: web.Request) -> web.StreamResponse:
    """Answer one tile, or that nothing is in it, or that the reader has it already."""
    kind = _kind(request)
    z, x, y = (request.match_info[name] for name in "zxy")
    tile = await request.app[TILES].get(kind, TileAddress.read(z, x, y))
    headers = {
        "ETag": cursor_tag(tile.cursor), CURSOR_HEADER: str(tile.cursor), "Vary": "Accept-Encoding", **FRESH
    }  # fmt: skip
    if tile.left_out:
        headers[LEFT_OUT_HEADER] = str(tile.left_out)
    if is_known(request, headers["ETag"]):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if not tile.body:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    return await _send(request, tile, headers)


async def read_tile_set(request: web.Request) -> web.StreamResponse:
    """Answer what a layer is and where its tiles are, for map programs (TileJSON)."""
    kind, layer = _kind(request), request.match_info["layer"]
    # Map programs resolve no relative address.
    root = str(request.url.origin().join(URL(public_root(services(request).settings)))).rstrip("/")
    return answer(
        TileSet(
            name=layer,
            tiles=(f"{root}/tiles/{layer}/{{z}}/{{x}}/{{y}}.pbf",),
            vector_layers=(VectorLayer(layer, _FIELDS[kind]),),
        ),
        headers=FRESH,
    )


def _kind(request: web.Request) -> Kind:
    """Return the kind that a layer's name stands for.

    Raises:
        NotFound: there is no such layer, or the town makes no tiles.

    """
    kind = _LAYERS.get(request.match_info["layer"])
    if kind is None:
        raise NotFound(f"there is no such layer; there are {', '.join(_LAYERS)}")
    request.app[TILES].check()
    return kind


async def _send(request: web.Request, tile: Packed, headers: dict[str, str]) -> web.Response:
    if takes_gzip(request):
        headers |= {"Content-Encoding": "gzip", "ETag": cursor_tag(tile.cursor)[:-1] + '-gz"'}
        return web.Response(body=tile.body, content_type=MEDIA_TYPE, headers=headers)
    body = await asyncio.to_thread(gzip.decompress, tile.body)
    return web.Response(body=body, content_type=MEDIA_TYPE, headers=headers)


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/tiles/{layer}.json",
        handler=read_tile_set,
        summary="What the layer `works`, `reports` or `zones` holds and where its vector tiles are (TileJSON 3.0.0); "
        "404 where the store is embedded",
        tag=TAG,
        answer=TileSet,
        errors=(NotFound,),
    ),
    Door(
        method="GET",
        path="/tiles/{layer}/{z}/{x}/{y}.pbf",
        handler=read_tile,
        summary="A vector tile (Mapbox Vector Tile 2.1) of what `/v1/works`, `/v1/reports` or `/v1/zones` shows, at "
        f"zoom 0 to {DEEPEST}; 204 where nothing is; where the features are too many, `{LEFT_OUT_HEADER}` counts those "
        "that are missing, the least severe first",
        tag=TAG,
        answer=bytes,
        answer_media=MEDIA_TYPE,
        errors=(NotFound, StoreError),
    ),
)
