"""The store on PostGIS beside the plain ways in: ogr2ogr with COPY, and asyncpg's executemany with an upsert."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pyogrio.raw
import shapely
from msgspec import Struct
from msgspec.structs import replace

from feeds.sources.gdal import GdalSource
from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Limits, StoreTable
from geoworks.config.sources import Mapping, SourceTable
from geoworks.memory import rarely_collected
from geoworks.model.change import Key, Kind, Reason, Record
from geoworks.model.works import Works
from geoworks.pipeline.chunk import worked_ahead
from geoworks.pipeline.sync import Syncs
from geoworks.ports import Write
from geoworks.store.postgis import made, tables
from geoworks.store.postgis.columns import FEATURE, VERSION, feature_rows
from geoworks.store.postgis.holding import hold_database
from geoworks.store.postgis.place import SCHEMA, Place
from geoworks.store.postgis.server import find_postgis
from tests.bench.bench_store import find_unchanged, standing
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, compare, paired_row, timed_row
from tests.pipeline.house import a_zone, open_house, put_zone
from tests.postgres import PACKAGE, Databases, Server, find_programs, running
from tests.store.alone import Alone
from tests.store.samples import NOON, batch, put, renamed, works_record

IMPORTED = 100_000
UPSERTED = 10_000
ROUNDS = 3
UPSERT_ROUNDS = 7
TABLES = {"features": made.FEATURE, "versions": VERSION, "log": made.ENTRY, "records": made.RECORD}
# A server as Debian sets it up, on a disk that is synced, with room for the town in memory.
_SETTINGS = {"listen_addresses": "", "shared_buffers": "256MB", "max_wal_size": "2GB"}
_UPSERT = """
    INSERT INTO peer (
        kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (kind, id) DO UPDATE SET
        version = excluded.version, created = excluded.created, updated = excluded.updated, source = excluded.source,
        raw_hash = excluded.raw_hash, geometry = excluded.geometry, given = excluded.given,
        overlay = excluded.overlay, derived = excluded.derived, given_geometry = excluded.given_geometry
"""


class Nobody(Struct, frozen=True):
    """The connections of a service that has none."""

    ended: int = 0


NOBODY = Nobody()


def rows() -> Iterator[Row | Growth]:
    """Measure the import and the upsert beside their peers."""
    if find_programs() is None or shutil.which("ogr2ogr") is None:
        print(Missing("PostGIS or ogr2ogr", f"{PACKAGE} gdal-bin"))
        return
    with ExitStack() as stack:
        server = stack.enter_context(running(_SETTINGS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(server)
        records = [works_record(number) for number in range(IMPORTED)]
        # First, for after an import the server goes on writing to its disk for a while.
        yield from upserts(records[:UPSERTED], databases)
        file = write_file(records, folder / "works.gpkg")
        yield from imports(file, folder, databases)


def write_file(records: Sequence[Record], file: Path) -> Path:
    """Write works to a GeoPackage, as a GIS would export them."""
    shapes = shapely.to_wkb([record.given.geometry for record in records])
    columns = [
        np.array([record.key.id for record in records], dtype=object),
        np.full(len(records), "Réseau d'eau", dtype=object),
        np.full(len(records), "2026-11-24T06:00:00Z", dtype=object),
    ]
    fields = ["number", "title", "start"]
    pyogrio.raw.write(file, shapes, columns, fields, geometry_type="LineString", crs="EPSG:4326")
    return file


def imports(file: Path, folder: Path, databases: Databases) -> Iterator[Row | Growth]:
    """Read, validate and copy; then the whole of a synchronisation; both beside ogr2ogr with COPY.

    Beside them stands what no way to write can be faster than: to read and validate with nothing written, and what the
    server alone takes for the same rows, ready-made.
    """
    plain, whole, unwritten, bounds = [], [], [], []
    for number in range(ROUNDS):
        source = source_of(file, folder / f"kept{number}")
        peer_s = time_peer(file, databases)
        unwritten.append(asyncio.run(read_alone(source)))
        plain.append((asyncio.run(copied(source, databases.server, databases.new())), peer_s))
        town = databases.new()
        whole.append((asyncio.run(synced(source, databases.server, town, folder / f"d{number}")), peer_s))
        bounds.append(asyncio.run(server_alone(databases.server, town)))
    name = f"PostGIS: import of {IMPORTED // 1000} k works, "
    yield paired_row(f"{name}read, validate, COPY", plain, target=0.7, unit="s", cost=True)
    yield paired_row(f"{name}complete (join, hash, versions, log)", whole, target=0.25, unit="s", cost=True)
    yield Growth(f"{name}read and validate alone", IMPORTED, median(unwritten))
    for table in TABLES:
        yield Growth(f"{name}the server alone: {table}", IMPORTED, median(seconds[table] for seconds in bounds))


def source_of(file: Path, kept: Path) -> GdalSource:
    """Return the source of a file."""
    mapping = Mapping(key=("number",), fields={"title": "title", "schedule.start": "start"})
    table = SourceTable(url=str(file), interval_s=0, mapping=mapping)
    return GdalSource("voirie", table, town_time_zone="Europe/Paris", limits=Limits(), keep_dir=kept)


def time_peer(file: Path, databases: Databases) -> float:
    """Return the seconds of ogr2ogr, which validates and joins nothing."""
    target = f"PG:dbname={databases.new()} host={databases.server.folder} user=postgres active_schema=public"
    command = ["ogr2ogr", "-f", "PostgreSQL", target, str(file), "-nln", "peer", "-lco", "SCHEMA=public"]
    environment = {**os.environ, "PG_USE_COPY": "YES", "PGOPTIONS": "-c search_path=public,elsewhere"}
    begin = time.perf_counter()
    subprocess.run(command, check=True, timeout=300, env=environment)
    return time.perf_counter() - begin


async def copied(source: GdalSource, server: Server, database: str) -> float:
    """Return the seconds from the file to rows of features: read, mapped, validated, indexed."""
    connection = await ready(server, database)
    # What the desk would make of a works is another row's matter.
    plain = works_record()
    async with rarely_collected(NOBODY):
        begin = time.perf_counter()
        reading = await source.read()
        with closing(reading):
            async for some, works in worked_ahead(reading.candidates, reading.map):
                made = [
                    replace(plain, key=Key(Kind.WORKS, f"voirie:{one.source_id}"), given=given, raw_hash=one.raw_hash)
                    for one, given in zip(some, works, strict=True)
                    if isinstance(given, Works)
                ]
                await connection.copy_records_to_table(
                    "features", schema_name=SCHEMA, columns=FEATURE, records=feature_rows(made)
                )
        seconds = time.perf_counter() - begin
    assert await connection.fetchval("SELECT count(*) FROM features") == IMPORTED
    await connection.close()
    return seconds


async def read_alone(source: GdalSource) -> float:
    """Return the seconds from the file to works that are mapped and validated."""
    async with rarely_collected(NOBODY):
        begin = time.perf_counter()
        reading = await source.read()
        count = 0
        with closing(reading):
            async for _, works in worked_ahead(reading.candidates, reading.map):
                count += sum(isinstance(given, Works) for given in works)
        seconds = time.perf_counter() - begin
    assert count == IMPORTED
    return seconds


async def server_alone(server: Server, database: str) -> dict[str, float]:
    """Return the seconds that the server takes to copy in what stands in each table once more, without a client."""
    connection = await ready(server, database)
    seconds = dict[str, float]()
    for table, columns in TABLES.items():
        rows = BytesIO()
        whole: dict[str, Any] = {"schema_name": SCHEMA, "columns": columns, "format": "binary"}
        await connection.copy_from_table(table, output=rows, **whole)
        await connection.execute(f"TRUNCATE {SCHEMA}.{table}")
        rows.seek(0)
        begin = time.perf_counter()
        await connection.copy_to_table(table, source=rows, **whole)
        seconds[table] = time.perf_counter() - begin
    await connection.close()
    return seconds


async def ready(server: Server, database: str) -> asyncpg.Connection:
    """Make the tables of a database and connect to it."""
    table = StoreTable(dsn=server.dsn(database))
    async with hold_database(table):
        pass
    place = Place(table)
    return await place.connect(await find_postgis(place))


async def synced(source: GdalSource, server: Server, database: str, data_dir: Path) -> float:
    """Return the seconds of a whole first synchronisation, with a zone to join."""
    clock = ManualClock(NOON)
    store = Alone(StoreTable(dsn=server.dsn(database)), data_dir, clock=clock)
    async with open_house(store, clock) as house, rarely_collected(NOBODY):
        await house.desk.submit(put_zone("gare", a_zone()))
        syncs = Syncs([source], desk=house.desk, state=house.state, store=store, clock=clock, data=Data())
        begin = time.perf_counter()
        report = await syncs.sync("voirie", actor="bench")
        seconds = time.perf_counter() - begin
    assert report.counts.added == IMPORTED
    return seconds


def upserts(records: Sequence[Record], databases: Databases) -> Iterator[Row | Growth]:
    """Write changed records over those that stand; find that nothing changed; both beside an upsert of each row."""
    with asyncio.Runner() as runner, as_served(runner):
        connection = runner.run(ready(databases.server, databases.new()))
        # The same table for both: its indexes, and the room in its pages; a plain upsert makes no tiles.
        peer_table = "CREATE TABLE peer (LIKE features INCLUDING ALL) WITH (fillfactor = 70)"
        runner.run(connection.execute(peer_table))
        runner.run(write_new(connection, records))
        # A node has them in its memory, and what is silent leaves them as they are.
        revisions = dict(runner.run(connection.fetch("SELECT id, revision FROM geoworks.features")))
        changed = iter([change_all(records, version) for version in range(2, 2 + 4 * UPSERT_ROUNDS)])

        def ours() -> None:
            runner.run(write_changed(connection, next(changed), revisions))

        def peer() -> None:
            runner.run(upsert(connection, next(changed)))

        peer()
        yield timed_row("PostGIS: upsert of 10 k changed", compare(ours, peer, rounds=UPSERT_ROUNDS), target=1.3)
        state, reading = standing(records)
        times = compare(lambda: find_unchanged(state, reading), peer, rounds=UPSERT_ROUNDS)
        yield timed_row("PostGIS: upsert of 10 k unchanged", times, target=10)
        runner.run(connection.close())


@contextmanager
def as_served(runner: asyncio.Runner) -> Iterator[None]:
    """Have the collector of cycles as a service has it, for both."""
    served = rarely_collected(NOBODY)
    runner.run(served.__aenter__())
    yield
    runner.run(served.__aexit__(None, None, None))


def change_all(records: Sequence[Record], version: int) -> Sequence[Record]:
    """Return another version of each record."""
    return [replace(renamed(record, f"Titre {version}"), version=version) for record in records]


async def write_new(connection: asyncpg.Connection, records: Sequence[Record]) -> None:
    """Write records as the store does, with their versions and log entries."""
    async with connection.transaction():
        await tables.send(connection, uuid4(), batch(*map(put, records)))


async def write_changed(connection: asyncpg.Connection, records: Sequence[Record], revisions: dict[str, int]) -> None:
    """Write changed records as the store does, without versions and log entries, which the peer does not write."""
    writes = [
        Write(
            key=record.key,
            record=record,
            reason=Reason.UPDATED,
            new_version=False,
            silent=True,
            revision=revisions[record.key.id],
        )
        for record in records
    ]
    async with connection.transaction():
        await tables.send(connection, uuid4(), batch(*writes))


async def upsert(connection: asyncpg.Connection, records: Sequence[Record]) -> None:
    """Write records by one prepared statement for each."""
    async with connection.transaction():
        await connection.executemany(_UPSERT, feature_rows(records))
