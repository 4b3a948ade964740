"""Vector tiles (Mapbox Vector Tile 2.1) made by PostGIS, of what the public sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from geoworks.config.settings import VectorTiles
from geoworks.errors import StoreBusy, StoreError
from geoworks.geo.tile import DEEPEST, Square, TileAddress
from geoworks.model.change import Cursor, Kind
from geoworks.ports import Tile
from geoworks.store.postgis.queries import SQL
from geoworks.tasks import Tasks

Reading: TypeAlias = Callable[[asyncpg.Connection], Awaitable[asyncpg.Record]]
Read: TypeAlias = Callable[[Reading], Awaitable[asyncpg.Record]]
_LAYERS: Final = {Kind.WORKS: "works", Kind.REPORT: "reports", Kind.ZONE: "zones"}
# From here on a tile is little of all there is, and titles are read; further out they would be most of the bytes.
_NEAR_FROM: Final = 12
# A pixel of 256 a side is 16 units: what is simplified by a quarter of it looks the same.
_DETAIL: Final = 4
# Of all that the public sees. Where less is in the tile, each feature there is looked at, by place; else the index on
# rank is read through; where more is, what it tells is looked at as it comes.
_LITTLE, _MOST = 1 / 16, 1 / 2


class Drawing(NamedTuple):
    """What the statements of `tiles.sql` are told, in this order; lengths in metres of Web Mercator."""

    kind: str
    layer: str
    square: asyncpg.Box
    rim: asyncpg.Box
    unit_m: float
    tolerance_m: float
    titled: bool
    most: int

    @classmethod
    def of(cls, kind: Kind, address: TileAddress, *, most: int) -> Drawing:
        """Tell how a tile is drawn, of at most so many features."""
        unit_m = address.unit_m
        tolerance_m = unit_m * _DETAIL if address.z < DEEPEST else 0.0
        square, rim, titled = _box(address.square), _box(address.drawn), address.z >= _NEAR_FROM
        return cls(kind.value, _LAYERS[kind], square, rim, unit_m, tolerance_m, titled, most)


class PostgisTiles:
    """A `geoworks.ports.Tiles` on a PostGIS server; at most so many at once that others can still read."""

    def __init__(self, read: Read, *, settings: VectorTiles, at_once: int) -> None:
        """Ask through `read`, which has a reading done on a connection."""
        self._read = read
        self._settings = settings
        self._free = asyncio.Semaphore(at_once)

    async def tile(self, kind: Kind, address: TileAddress) -> Tile:
        """Make a tile of the features of a kind that the public sees, by the way that is likely the shortest.

        Raises:
            StoreBusy: it took too long, or too many others are being made.
            StoreError: the server cannot be reached or cannot answer.

        """
        drawing = Drawing.of(kind, address, most=self._settings.features)
        share = 0.0
        if address.z < _NEAR_FROM:
            (share,) = await self._ask("tile_share", drawing.kind, drawing.rim)
        if share < _LITTLE:
            near = await self._ask("tile_near", *drawing, _box(address.drawn_deg))
            if near["found"] <= drawing.most:
                return _tile(near)
        return await self._far(drawing, is_whole=share > _MOST)

    async def _far(self, drawing: Drawing, *, is_whole: bool) -> Tile:
        """Make a tile by rank while another process of the server counts what is left out, a quarter of the work."""
        try:
            async with Tasks() as tasks:
                far = tasks.create_task(self._ask("tile_far", *drawing, is_whole))
                count = tasks.create_task(self._ask("tile_count", drawing.kind, drawing.rim))
        except ExceptionGroup as several:
            # Not except*, which before Python 3.11.4 wraps what is raised in a group again.
            broken, others = several.split(StoreError)
            if broken is None or others is not None:
                raise
            raise broken.exceptions[0] from None
        return _tile(far.result(), left_out=max(count.result()["found"] - drawing.most, 0))

    async def _ask(self, query: str, *arguments: object) -> asyncpg.Record:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreBusy("too many tiles are being made: come back, or raise store.pool_size") from error
        try:
            return await self._read(lambda connection: self._answer(connection, query, arguments))
        finally:
            self._free.release()

    async def _answer(self, connection: asyncpg.Connection, query: str, arguments: Sequence[object]) -> asyncpg.Record:
        limits = self._settings
        try:
            # The driver has the server give up what is still going on by then.
            return await connection.fetchrow(SQL[query], *arguments, timeout=limits.timeout_s)
        except TimeoutError as error:
            raise StoreBusy(
                f"a tile was not made in {limits.timeout_s:g} s: look for what slows the server down, lower "
                "vector_tiles.features, or raise vector_tiles.timeout_s"
            ) from error


def _tile(row: asyncpg.Record, *, left_out: int = 0) -> Tile:
    return Tile(Cursor(row["epoch"], row["last"]), bytes(row["body"]), left_out)


def _box(square: Square) -> asyncpg.Box:
    return asyncpg.Box((square.east, square.north), (square.west, square.south))
