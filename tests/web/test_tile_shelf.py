"""Tiles are made once for all who ask, kept in bounded memory, and made anew when their layer changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from geoworks.geo.tile import TileAddress
from geoworks.model.change import Kind
from geoworks.ports import Tile
from geoworks.state import State
from geoworks.web.tile_shelf import TileShelf
from tests.web.house import House, feature

HERE = TileAddress(0, 0, 0)


@dataclass
class Counting:
    """Makes tiles of a few bytes at the cursor of a state, and counts them."""

    state: State
    body: bytes = b"tile"
    made: Counter[tuple[Kind, TileAddress]] = field(default_factory=Counter)

    async def tile(self, kind: Kind, address: TileAddress) -> Tile:
        """Make one, while others ask."""
        self.made[kind, address] += 1
        cursor = self.state.cursor
        await asyncio.sleep(0)
        return Tile(cursor, self.body)


async def test_many_who_ask_at_once_have_it_made_once() -> None:
    """A town that looks at the same place at the same time costs one tile."""
    tiles = Counting(State("log", 1))
    shelf = TileShelf(tiles.state, tiles, keep_bytes=10_000)
    answers = await asyncio.gather(*(shelf.get(Kind.WORKS, HERE) for _ in range(50)))
    assert tiles.made == {(Kind.WORKS, HERE): 1}
    assert len({answer.body for answer in answers}) == 1


async def test_it_is_made_anew_when_its_layer_changes(house: House) -> None:
    """A works makes the tiles of works outdated, and those of zones not."""
    tiles = Counting(house.town.state)
    shelf = TileShelf(tiles.state, tiles, keep_bytes=10_000)
    for expected in (1, 2):
        for kind in (Kind.WORKS, Kind.ZONE, Kind.WORKS):
            await shelf.get(kind, HERE)
        assert tiles.made == {(Kind.WORKS, HERE): expected, (Kind.ZONE, HERE): 1}
        await house.ask("POST", "/v1/works", json=feature(), headers=await house.as_role())


async def test_the_one_asked_for_longest_ago_goes_first() -> None:
    """Memory is bounded, also by tiles with nothing in them; what does not fit at all is made each time."""
    tiles = Counting(State("log", 1), body=b"")
    shelf = TileShelf(tiles.state, tiles, keep_bytes=1_200)
    first, second, third = (TileAddress(2, x, 0) for x in range(3))
    for address in (first, second, first, third, first, second):
        await shelf.get(Kind.WORKS, address)
    assert tiles.made == {(Kind.WORKS, first): 1, (Kind.WORKS, second): 2, (Kind.WORKS, third): 1}
    none = TileShelf(tiles.state, tiles, keep_bytes=0)
    await none.get(Kind.ZONE, first)
    await none.get(Kind.ZONE, first)
    assert tiles.made[Kind.ZONE, first] == 2
