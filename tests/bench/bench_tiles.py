"""A vector tile of a region's works, made by PostGIS or kept, beside a Python encoder.

The encoder (mapbox-vector-tile, whose protobuf and clipping are in C) works from memory, without a database: all works
lie projected in an R-tree, with arrays for what decides. For a tile it finds, chooses, clips and simplifies them by
shapely's arrays, and encodes the same features with the same attributes. Both pack with gzip alike.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from math import asinh, pi, radians, tan
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely
from msgspec import Struct

from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Engine, Settings, StoreTable
from geoworks.geo.tile import DEEPEST, TileAddress
from geoworks.geo.types import Geometries
from geoworks.model.change import Kind, Record
from geoworks.model.works import Works, WorksDerived
from geoworks.parts import make_tiles
from geoworks.state import State
from geoworks.web.tile_shelf import TileShelf
from tests.bench.bench_join import EAST, NORTH, SOUTH, WEST
from tests.bench.peers import Missing
from tests.bench.row import Row, compare, timed_row
from tests.bench.town import NOW, large_town, make_record
from tests.postgres import PACKAGE, Databases, find_programs, running
from tests.store.alone import Alone
from tests.store.samples import batch, put

SIZE = 100_000
ZOOMS = (8, 12, 14)
ROUNDS = 9
CACHED_TARGET, COLD_TARGET = 100, 8
# Asked for so often at once when it is kept, for one answer is too short to be timed.
REPEATS = 200
_SETTINGS = {"listen_addresses": "", "fsync": "off", "shared_buffers": "512MB"}
_BATCH = 10_000
_EXTENT, _BUFFER, _PIXEL, _DETAIL, _TITLES_FROM = 4096, 64, 16, 4, 12
_RADIUS_M = 6_378_137.0
# A place on the rim of the buffer may round in or out.
_RIM = 0.01


class Town(Struct, frozen=True):
    """The works of a region in memory, in Web Mercator."""

    records: Sequence[Record]
    geometries: Geometries
    tree: shapely.STRtree
    ranks: np.ndarray[Any, np.dtype[np.int64]]


def rows() -> Iterator[Row]:
    """Measure one tile at each zoom, made and kept."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE), file=sys.stderr)
        return
    works, _ = large_town(SIZE, 0)
    records = [make_record(id_, one) for id_, one in works.items()]
    geometries = mercator(np.array([record.given.geometry for record in records]))
    ranks = np.array([-derived_of(record).severity.rank for record in records])
    town = Town(records, geometries, shapely.STRtree(geometries), ranks)
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
        shelves = [TileShelf(state, make_tiles(settings, store), keep_bytes=size) for size in (0, 1 << 26)]
        for zoom in ZOOMS:
            yield from of_tile(town, middle(zoom), shelves, runner=runner)


async def fill(store: Alone, records: Sequence[Record]) -> State:
    """Write all works, and return a state that stands where the log does."""
    await store.open()
    offset = 0
    for start in range(0, len(records), _BATCH):
        offset = (await store.commit(batch(*map(put, records[start : start + _BATCH]))))[-1].offset
    return State("bench", offset)


def of_tile(town: Town, address: TileAddress, shelves: Sequence[TileShelf], *, runner: asyncio.Runner) -> Iterator[Row]:
    """Compare a tile that is made each time, then one that is kept, with the encoder."""
    cold, kept = shelves

    def make() -> bytes:
        return runner.run(cold.get(Kind.WORKS, address)).body

    async def take() -> None:
        for _ in range(REPEATS):
            await kept.get(Kind.WORKS, address)

    def encode() -> bytes:
        return gzip.compress(encoded(*inside(town, address)), 5, mtime=0)

    count = check(make(), encode())
    runner.run(take())
    name = f"tile at z{address.z} of 100 k works ({count} in it)"
    made = compare(make, encode, rounds=ROUNDS)
    yield timed_row(f"{name}, cold", made, target=COLD_TARGET)
    seconds, peer = compare(lambda: runner.run(take()), encode, rounds=ROUNDS)
    yield timed_row(f"{name}, cached", (seconds / REPEATS, peer), target=CACHED_TARGET)


def encoded(bounds: tuple[float, ...], features: Sequence[dict[str, Any]]) -> bytes:
    """Return the tile as the Python encoder makes it."""
    layer = {"name": "works", "features": features}
    tile: bytes = mapbox_vector_tile.encode([layer], default_options={"quantize_bounds": bounds, "extents": _EXTENT})
    return tile


def check(ours: bytes, theirs: bytes) -> int:
    """See that both hold the same works, and return how many."""
    left, right = (
        {one["properties"]["id"] for one in mapbox_vector_tile.decode(gzip.decompress(tile))["works"]["features"]}
        for tile in (ours, theirs)
    )
    assert len(left ^ right) <= _RIM * len(left), (len(left), len(right), len(left ^ right))
    return len(left)


def inside(town: Town, address: TileAddress) -> tuple[tuple[float, ...], list[dict[str, Any]]]:
    """Return the bounds of a tile and its features, chosen, clipped and simplified as PostGIS is told to."""
    side = 2 * pi * _RADIUS_M / 2**address.z
    west, north = address.x * side - pi * _RADIUS_M, pi * _RADIUS_M - address.y * side
    bounds = (west, north - side, west + side, north)
    unit = side / _EXTENT
    rim = unit * _BUFFER
    around = (bounds[0] - rim, bounds[1] - rim, bounds[2] + rim, bounds[3] + rim)
    found = town.tree.query(shapely.box(*around))
    found = found[np.lexsort((found, town.ranks[found]))][: Settings().vector_tiles.features]
    whole = shapely.clip_by_rect(town.geometries[found], *around)
    corners = shapely.bounds(whole)
    small = (corners[:, 2:] - corners[:, :2]).max(axis=1) < _PIXEL * unit
    detailed = shapely.simplify(whole, _DETAIL * unit) if address.z < DEEPEST else whole
    shapes = np.where(small, shapely.centroid(whole), detailed)
    features = [
        {"geometry": shape, "properties": properties(town.records[place], zoom=address.z)}
        for place, shape in zip(found, shapes, strict=True)
        if not shape.is_empty
    ]
    return bounds, features


def properties(record: Record, *, zoom: int) -> dict[str, str]:
    """Return the attributes of a works in a tile."""
    given, derived = record.given, derived_of(record)
    title = {"title": given.title} if isinstance(given, Works) and zoom >= _TITLES_FROM else {}
    return {"id": record.key.id, **title, "status": derived.status.value, "severity": derived.severity.value}


def derived_of(record: Record) -> WorksDerived:
    """Return what is derived of a works."""
    assert isinstance(record.derived, WorksDerived)
    return record.derived


def middle(zoom: int) -> TileAddress:
    """Return the tile in the middle of the region."""
    lon, lat = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    down = (1 - asinh(tan(radians(lat))) / pi) / 2
    return TileAddress(zoom, int((lon + 180) / 360 * 2**zoom), int(down * 2**zoom))


def mercator(geometries: Geometries) -> Geometries:
    """Return geometries of degrees in Web Mercator (EPSG:3857), metres."""

    def project(lonlat: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        lon, lat = np.radians(lonlat).T
        return _RADIUS_M * np.column_stack((lon, np.arcsinh(np.tan(lat))))

    projected: Geometries = shapely.transform(geometries, project)
    return projected
