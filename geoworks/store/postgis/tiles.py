"""Vector tiles (Mapbox Vector Tile 2.1) made by PostGIS, of what the public sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

import asyncpg

from geoworks.config.settings import VectorTiles
from geoworks.errors import StoreBusy
from geoworks.geo.tile import DEEPEST, Square, TileAddress
from geoworks.model.change import Cursor, Kind
from geoworks.ports import Tile
from geoworks.store.postgis.queries import SQL

Read: TypeAlias = Callable[[Callable[[asyncpg.Connection], Awaitable[Tile]]], Awaitable[Tile]]
_LAYERS: Final = {Kind.WORKS: "works", Kind.REPORT: "reports", Kind.ZONE: "zones"}
# From here on a tile is little of all there is, and titles are read; further out they would be most of the bytes.
_NEAR_FROM: Final = 12
# A pixel of 256 a side is 16 units: what is simplified by a quarter of it looks the same.
_DETAIL: Final = 4
# Of all that the public sees. Where less is in the tile, each feature there is looked at, by place; else the index on
# rank is read through; where more is, what it tells is looked at as it comes.
_LITTLE, _MOST = 1 / 16, 1 / 2


class PostgisTiles:
    """A `geoworks.ports.Tiles` on a PostGIS server; at most so many at once that others can still read."""

    def __init__(self, read: Read, *, settings: VectorTiles, at_once: int) -> None:
        """Ask through `read`, which has a reading done on a connection."""
        self._read = read
        self._settings = settings
        self._free = asyncio.Semaphore(at_once)

    async def tile(self, kind: Kind, address: TileAddress) -> Tile:
        """Make a tile of the features of a kind that the public sees.

        Raises:
            StoreBusy: it took too long, or too many others are being made.
            StoreError: the server cannot be reached or cannot answer.

        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreBusy("too many tiles are being made: come back, or raise store.pool_size") from error
        try:
            return await self._read(partial(self._make, kind=kind, address=address))
        finally:
            self._free.release()

    async def _make(self, connection: asyncpg.Connection, kind: Kind, address: TileAddress) -> Tile:
        limits = self._settings
        try:
            # The driver has the server give up what is still going on by then.
            async with asyncio.timeout(limits.timeout_s):
                row = await _find(connection, kind, address, most=limits.features)
        except TimeoutError as error:
            raise StoreBusy(
                f"a tile was not made in {limits.timeout_s:g} s: look for what slows the server down, lower "
                "vector_tiles.features, or raise vector_tiles.timeout_s"
            ) from error
        left_out = max(row["found"] - limits.features, 0)
        return Tile(Cursor(row["epoch"], row["last"]), bytes(row["body"]), left_out)


async def _find(connection: asyncpg.Connection, kind: Kind, address: TileAddress, *, most: int) -> asyncpg.Record:
    """Return the tile by the way that is likely the shortest."""
    rim = _box(address.drawn)
    share = 0.0
    if address.z < _NEAR_FROM:
        share = await connection.fetchval(SQL["tile_share"], kind.value, rim)
    unit = address.unit_m
    drawing = (
        kind.value, _LAYERS[kind], _box(address.square), rim, unit, unit * _DETAIL if address.z < DEEPEST else 0.0,
        address.z >= _NEAR_FROM, most,
    )  # fmt: skip
    if share < _LITTLE:
        row = await connection.fetchrow(SQL["tile_near"], *drawing, _box(address.drawn_deg))
        if row["found"] <= most:
            return row
    return await connection.fetchrow(SQL["tile_far"], *drawing, share > _MOST)


def _box(square: Square) -> asyncpg.Box:
    return asyncpg.Box((square.east, square.north), (square.west, square.south))
