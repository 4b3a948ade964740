"""A vector tile of a region's works, made by PostGIS or kept, beside two that are made in Python.

The first peer does the same job from the same table: one query by the same index for the worst inside, already
projected, their attributes as texts, then arrays to clip and simplify, an encoder, and the same gzip. The second is no
tile server: it holds all works of the region in memory, projected and in an R-tree, so it reads no table and knows of
no write; it shows what the encoding alone costs. A tile that is kept stands beside this one, the faster of the two.

A tile that takes a millisecond is made many times in a row, ours and theirs, by a loop that runs on as a server's does:
a first one after a pause tells of the processor's caches.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from math import asinh, pi, radians, tan
from pathlib import Path

import asyncpg
import mapbox_vector_tile
from msgspec import Struct

from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Engine, Settings, StoreTable
from geoworks.geo.tile import TileAddress
from geoworks.model.change import Kind, Record
from geoworks.parts import make_tiles
from geoworks.state import State
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.server import find_postgis
from geoworks.web.tile_shelf import Packed, TileShelf
from tests.bench.bench_join import EAST, NORTH, SOUTH, WEST
from tests.bench.peers import Missing
from tests.bench.python_tiles import FromTable, Region
from tests.bench.row import Row, compare, timed_row
from tests.bench.town import NOW, large_town, make_record
from tests.postgres import PACKAGE, Databases, find_programs, running
from tests.store.alone import Alone
from tests.store.samples import batch, put

SIZE = 100_000
# How many are made in a row at each zoom, so that they take some tens of milliseconds together.
ZOOMS = {8: 1, 12: 5, 14: 20}
ROUNDS = 9
CACHED_TARGET, COLD_TARGET = 100, 8
# Asked for so often at once when it is kept, for one answer is too short to be timed.
REPEATS = 200
_SETTINGS = {"listen_addresses": "", "fsync": "off", "shared_buffers": "512MB"}
_BATCH = 10_000
# A place on the rim of the buffer may round in or out.
_RIM = 0.01


class Makers(Struct, frozen=True):
    """What makes a tile: ours each time, ours that keeps it, and both in Python."""

    cold: TileShelf
    kept: TileShelf
    from_table: FromTable
    region: Region


def rows() -> Iterator[Row]:
    """Measure one tile at each zoom, made and kept."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE), file=sys.stderr)
        return
    works, _ = large_town(SIZE, 0)
    records = [make_record(id_, one) for id_, one in works.items()]
    with ExitStack() as stack:
        server = stack.enter_context(running(_SETTINGS))
        databases = Databases(server)
        name = databases.new()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        runner = stack.enter_context(asyncio.Runner())
        settings = Settings(data=Data(dir=folder), store=StoreTable(engine=Engine.POSTGRESQL, dsn=server.dsn(name)))
        store = Alone(settings.store, Path(folder), clock=ManualClock(NOW))
        state = runner.run(fill(store, records))
        stack.callback(lambda: runner.run(store.close()))
        # As the server does by itself some time after so many writes.
        databases.sql("VACUUM ANALYZE geoworks.features", database=name)
        connection = runner.run(connected(settings))
        stack.callback(lambda: runner.run(connection.close()))
        cold, kept = (TileShelf(state, make_tiles(settings, store), keep_bytes=size) for size in (0, 1 << 26))
        makers = Makers(cold, kept, FromTable(connection), Region.of(records))
        # Nobody's encoding shall wait for the collector to go through all that was set up.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        for zoom, times in ZOOMS.items():
            yield from of_tile(makers, middle(zoom), runner=runner, times=times)


async def fill(store: Alone, records: Sequence[Record]) -> State:
    """Write all works, and return a state that stands where the log does."""
    await store.open()
    offset = 0
    for start in range(0, len(records), _BATCH):
        offset = (await store.commit(batch(*map(put, records[start : start + _BATCH]))))[-1].offset
    return State("bench", offset)


async def connected(settings: Settings) -> asyncpg.Connection:
    """Connect as the store does."""
    place = Place(settings.store)
    return await place.connect(await find_postgis(place))


def of_tile(makers: Makers, address: TileAddress, *, runner: asyncio.Runner, times: int) -> Iterator[Row]:
    """Compare a tile that is made each time, then one that is kept, with those made in Python."""

    async def make() -> Packed:
        return await makers.cold.get(Kind.WORKS, address)

    async def make_from_table() -> tuple[bytes, int]:
        return await makers.from_table.tile(address)

    async def make_from_memory() -> tuple[bytes, int]:
        return makers.region.tile(address)

    async def take() -> Packed:
        return await makers.kept.get(Kind.WORKS, address)

    ours = runner.run(make())
    counts = {check(ours, runner.run(theirs())) for theirs in (make_from_table, make_from_memory)}
    name = f"tile at z{address.z} of 100 k works ({max(counts)} in it)"
    for peer, theirs in {"one from the table": make_from_table, "all in memory": make_from_memory}.items():
        seconds = compare(in_a_row(make, times, runner), in_a_row(theirs, times, runner), rounds=ROUNDS)
        yield timed_row(f"{name}, cold, beside {peer}", (seconds[0] / times, seconds[1] / times), target=COLD_TARGET)
    runner.run(take())
    asked = in_a_row(take, REPEATS, runner)
    taken, peer_s = compare(asked, in_a_row(make_from_memory, times, runner), rounds=ROUNDS)
    yield timed_row(f"{name}, cached", (taken / REPEATS, peer_s / times), target=CACHED_TARGET)


def in_a_row(
    make: Callable[[], Coroutine[None, None, object]], times: int, runner: asyncio.Runner
) -> Callable[[], None]:
    """Return what makes a tile many times."""

    async def make_all() -> None:
        for _ in range(times):
            await make()

    return lambda: runner.run(make_all())


def check(ours: Packed, theirs: tuple[bytes, int]) -> int:
    """See that both hold the same works, and return how many."""
    body, left_out = theirs
    left, right = (
        {one["properties"]["id"] for one in mapbox_vector_tile.decode(gzip.decompress(tile))["works"]["features"]}
        for tile in (ours.body, body)
    )
    assert len(left ^ right) <= _RIM * len(left), (len(left), len(right), len(left ^ right))
    assert abs(ours.left_out - left_out) <= _RIM * len(left), (ours.left_out, left_out)
    return len(left)


def middle(zoom: int) -> TileAddress:
    """Return the tile in the middle of the region."""
    lon, lat = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    down = (1 - asinh(tan(radians(lat))) / pi) / 2
    return TileAddress(zoom, int((lon + 180) / 360 * 2**zoom), int(down * 2**zoom))
