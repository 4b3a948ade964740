"""Whole collections from ready bytes: tagged with the cursor, compressed once a change."""

from __future__ import annotations

import asyncio
import gzip
from http import HTTPStatus

from aiohttp import web
from msgspec import Struct

from geoworks.model.change import Cursor, Kind
from geoworks.state import State
from geoworks.web.answers import CURSOR_HEADER, FRESH, cursor_tag, is_known
from geoworks.web.route import GEOJSON

_LEVEL = 5


class _Packed(Struct, frozen=True):
    plain: bytes
    packed: bytes


class Collections:
    """The collections of all kinds, each compressed once for all who ask until it changes."""

    def __init__(self, state: State) -> None:
        """Give out what `state` holds."""
        self._state = state
        self._locks = {kind: asyncio.Lock() for kind in Kind}
        self._packed: dict[Kind, _Packed] = {}

    async def answer(self, request: web.Request, kind: Kind) -> web.Response:
        """Return everything public of a kind that is not over, or say that the reader has it already."""
        cursor = self._state.cursor
        if is_known(request, cursor_tag(cursor)):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_headers(cursor))
        if not takes_gzip(request):
            return web.Response(body=self._state.collection(kind), content_type=GEOJSON, headers=_headers(cursor))
        cursor, packed = await self._gzip(kind)
        headers = _headers(cursor) | {"Content-Encoding": "gzip", "ETag": cursor_tag(cursor)[:-1] + '-gz"'}
        return web.Response(body=packed, content_type=GEOJSON, headers=headers)

    async def _gzip(self, kind: Kind) -> tuple[Cursor, bytes]:
        async with self._locks[kind]:
            cursor, plain = self._state.cursor, self._state.collection(kind)
            kept = self._packed.get(kind)
            # The state keeps the bytes until they change, so the same object means the same content.
            if kept is None or kept.plain is not plain:
                kept = _Packed(plain, await asyncio.to_thread(gzip.compress, plain, _LEVEL, mtime=0))
                self._packed[kind] = kept
            return cursor, kept.packed


COLLECTIONS = web.AppKey("collections", Collections)


def takes_gzip(request: web.Request) -> bool:
    """Tell whether the reader can unpack gzip."""
    wishes = request.headers.get("Accept-Encoding", "").lower().split(",")
    named = {name.strip(): weight.replace(" ", "") for name, _, weight in (wish.partition(";") for wish in wishes)}
    return named.get("gzip", named.get("*", "q=0")) not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}


def _headers(cursor: Cursor) -> dict[str, str]:
    return {"ETag": cursor_tag(cursor), CURSOR_HEADER: str(cursor), "Vary": "Accept-Encoding", **FRESH}
