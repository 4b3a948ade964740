"""Vector tiles (Mapbox Vector Tile 2.1) made by PostGIS, of what the public sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import asyncpg

from geoworks.config.settings import VectorTiles
from geoworks.errors import StoreBusy
from geoworks.geo.tile import DEEPEST, TileAddress
from geoworks.model.change import Cursor, Kind
from geoworks.ports import Tile
from geoworks.store.postgis.queries import SQL

Read: TypeAlias = Callable[[Callable[[asyncpg.Connection], Awaitable[Tile]]], Awaitable[Tile]]


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
            row = await connection.fetchrow(
                SQL["tile"], kind.value, *address, limits.features, DEEPEST, timeout=limits.timeout_s
            )
        except TimeoutError as error:
            raise StoreBusy(
                f"a tile was not made in {limits.timeout_s:g} s: look for what slows the server down, lower "
                "vector_tiles.features, or raise vector_tiles.timeout_s"
            ) from error
        return Tile(Cursor(row["epoch"], row["last"]), bytes(row["body"]), row["left_out"])
