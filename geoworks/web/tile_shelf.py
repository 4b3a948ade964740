"""Vector tiles that were made, compressed, kept in bounded memory until their layer changes."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from typing import TypeAlias
from weakref import WeakValueDictionary

from aiohttp import web
from msgspec import Struct

from geoworks.errors import NotFound
from geoworks.geo.tile import TileAddress
from geoworks.model.change import Cursor, Kind
from geoworks.ports import Tiles
from geoworks.state import State

# The next one makes tiles a hundredth smaller, and takes half as long again.
_LEVEL = 4
# What an entry takes beside its bytes, so that a flood of empty tiles is bounded too.
_ENTRY_BYTES = 500
# From here on compressing would hold up the loop for some 5 ms; below, a thread would only come later.
_LARGE = 400_000

Name: TypeAlias = tuple[Kind, TileAddress]


class Packed(Struct, frozen=True, gc=False):
    """A tile as gzip, the cursor it was made at, and how many features were too many for it; empty for nothing."""

    cursor: Cursor
    body: bytes
    left_out: int


class TileShelf:
    """The tiles of all layers, each made once for all who ask until something of its kind changes."""

    def __init__(self, state: State, tiles: Tiles | None, *, keep_bytes: int) -> None:
        """Give out what `tiles` makes; `state` tells when it is outdated."""
        self._state = state
        self._tiles = tiles
        self._most = keep_bytes
        self._bytes = 0
        self._kept: OrderedDict[Name, Packed] = OrderedDict()
        # Whoever asks for a tile that is being made waits for it instead of having it made again.
        self._locks: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()

    def check(self) -> Tiles:
        """Return what makes tiles.

        Raises:
            NotFound: the store makes none.

        """
        if self._tiles is None:
            raise NotFound(
                'this town makes no vector tiles: its store is embedded; set store.engine = "postgresql", or read '
                "/v1/works, /v1/reports and /v1/zones"
            )
        return self._tiles

    async def get(self, kind: Kind, address: TileAddress) -> Packed:
        """Return a tile as it is now.

        Raises:
            NotFound: the store makes none.
            StoreError: it cannot be reached or cannot answer in time.

        """
        if (kept := self._fresh((kind, address))) is not None:
            return kept
        lock = self._locks.setdefault((kind, address), asyncio.Lock())
        async with lock:
            if (kept := self._fresh((kind, address))) is not None:
                return kept
            tile = await self.check().tile(kind, address)
            packed = Packed(tile.cursor, await _pack(tile.body), tile.left_out)
            self._keep((kind, address), packed)
            return packed

    def _fresh(self, name: Name) -> Packed | None:
        kept = self._kept.get(name)
        if kept is None or kept.cursor.offset < self._state.changed(name[0]):
            return None
        self._kept.move_to_end(name)
        return kept

    def _keep(self, name: Name, packed: Packed) -> None:
        if (before := self._kept.pop(name, None)) is not None:
            self._bytes -= _size(before)
        self._kept[name] = packed
        self._bytes += _size(packed)
        while self._bytes > self._most:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


TILES = web.AppKey("tiles", TileShelf)


def _size(packed: Packed) -> int:
    return len(packed.body) + _ENTRY_BYTES


async def _pack(body: bytes) -> bytes:
    if not body:
        return b""
    if len(body) < _LARGE:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
