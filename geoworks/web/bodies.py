"""JSON bodies in: bounded in size and depth, typed, each fault with its place."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from aiohttp import web
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem
from geoworks.geo.geojson import parse_geometry
from geoworks.pipeline.json_body import decode_json
from geoworks.web.arrival import arriving
from geoworks.web.services import services

T = TypeVar("T")
_PLACE = re.compile(r" - at `\$\.?(?P<where>.*)`$")


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Return the body as a value of `kind`.

    Raises:
        Invalid: it is no JSON, or not of this kind.
        TooLarge: a bound of size, depth or vertices was passed.

    """
    limits = services(request).settings.limits
    value = decode_json(await read_body(request), max_bytes=limits.body_bytes, max_depth=limits.json_depth)

    def read_geometry(wanted: type, inner: object) -> BaseGeometry:
        if not issubclass(wanted, BaseGeometry):
            raise NotImplementedError(wanted)
        return parse_geometry(inner, max_vertices=limits.vertices_staff)

    try:
        return msgspec.convert(value, kind, dec_hook=read_geometry)
    except msgspec.ValidationError as error:
        raise Invalid(explain(error)) from error


async def read_body(request: web.Request) -> bytes:
    """Return the bytes of a JSON body.

    Raises:
        Invalid: the content type is none of JSON's; forms among them, which any site can make a browser send.
        TooSlow: it does not arrive.

    """
    kind = request.content_type
    if kind != "application/octet-stream" and not (kind == "application/json" or kind.endswith("+json")):
        raise Invalid(Problem("Content-Type", f"{kind} is not taken here", "send application/json"))
    async with arriving(request):
        return await request.read()


def explain(error: msgspec.ValidationError) -> Problem:
    """Say where a value failed msgspec's checks, and what is wrong there."""
    text = str(error)
    found = _PLACE.search(text)
    where, what = (found["where"], text[: found.start()]) if found else ("body", text)
    return Problem(where or "body", what, "see /v1/openapi.json for what is expected")
