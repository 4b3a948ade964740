"""What makes tiles on a server, without one."""

from __future__ import annotations

from typing import Any

import pytest

from geoworks.config.settings import VectorTiles
from geoworks.errors import StoreUnreachable
from geoworks.geo.tile import TileAddress
from geoworks.model.change import Kind
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.tiles import PostgisTiles, Reading


class Lost:
    """A connection over which a sample comes, and nothing after it."""

    async def fetchrow(self, query: str, *_: object, **__: object) -> tuple[float]:
        """Answer the share of all that is in a tile."""
        if query == SQL["tile_share"]:
            return (1.0,)
        raise StoreUnreachable("gone")


@pytest.mark.parametrize("at_once", [1, 2])
async def test_a_far_tile_fails_as_one_thing(at_once: int) -> None:
    """A tile for which two connections are asked fails as with one, and the next one can be asked for."""

    async def read(reading: Reading) -> Any:  # noqa: ANN401 - asyncpg has no types
        return await reading(Lost())

    tiles = PostgisTiles(read, settings=VectorTiles(), at_once=at_once)
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            await tiles.tile(Kind.WORKS, TileAddress(8, 130, 88))
