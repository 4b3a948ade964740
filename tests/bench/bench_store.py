"""The store: what an unchanged source costs, beside writing it all again; how writing and loading grow."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely
from msgspec import Struct

from feeds.sources.gdal import GdalSource
from geoworks.clock import ManualClock
from geoworks.config.settings import Data, Limits
from geoworks.config.sources import Mapping, SourceTable
from geoworks.model.change import Kind, Record
from geoworks.pipeline.plan import Guard
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.sync_attempt import make_plan
from geoworks.ports import Candidate, Reading, Rejected
from geoworks.state import State
from geoworks.store.sqlite import SqliteStore
from geoworks.store.sqlite.columns import CODEC
from geoworks.store.sqlite.connection import connect_writer, transaction
from geoworks.store.sqlite.migrate import known_migrations, migrate
from geoworks.store.sqlite.queries import SQL
from tests.bench.row import Growth, Row, compare, measure, timed_row
from tests.pipeline.house import open_house
from tests.store.samples import NOON, batch, put, works_record

SIZES = (1_000, 10_000, 100_000)
UNCHANGED = 10_000
BATCH = 500
TARGET = 8


class Same(Struct):
    """A reading in which nothing changed."""

    candidates: Sequence[Candidate]
    rejected: Sequence[Rejected] = ()
    ignored: int = 0

    def map(self, candidates: Sequence[Candidate]) -> Sequence[Rejected]:
        """Refuse: what is unchanged is never mapped."""
        raise AssertionError(candidates)

    def close(self) -> None:
        """Have nothing to let go of."""


def rows() -> Iterator[Row | Growth]:
    """Measure the difference beside its peer, then how everything grows."""
    records = [works_record(number) for number in range(SIZES[-1])]
    with tempfile.TemporaryDirectory() as folder:
        yield unchanged_beside_upsert(records[:UNCHANGED], Path(folder) / "geoworks.db")
    for size in SIZES:
        some = records[:size]
        state, reading = standing(some)
        yield Growth("store: find a source unchanged", size, measure(lambda: find_unchanged(state, reading)))  # noqa: B023 - called at once
        with tempfile.TemporaryDirectory() as folder:
            yield Growth("store: whole sync of a GeoPackage unchanged", size, sync_unchanged(some, Path(folder)))
        with tempfile.TemporaryDirectory() as folder:
            yield Growth("store: commit new records, 500 a batch", size, measure(lambda: fill(Path(folder), some)))  # noqa: B023 - called at once
            yield Growth("store: open and load", size, measure(lambda: load(Path(folder), size)))  # noqa: B023 - called at once


def unchanged_beside_upsert(records: Sequence[Record], path: Path) -> Row:
    """Compare the hashes of a source that did not change; the peer writes the same records over themselves.

    The peer is given its records ready mapped, and its statement prepared: it only makes rows and writes them.
    """
    state, reading = standing(records)
    with closing(connect_writer(path, busy_timeout_s=1)) as connection:
        migrate(connection, path, known_migrations())
        upsert(connection, records)
        times = compare(lambda: find_unchanged(state, reading), lambda: upsert(connection, records), rounds=9)
    return timed_row("store stage of a sync of 10 k unchanged records", times, target=TARGET)


def standing(records: Sequence[Record]) -> tuple[State, Reading]:
    """Return the town with these records, and the reading that gives them all again."""
    state = State("bench", 0)
    state.load(records)
    candidates = [
        Candidate(position, record.key.id.partition(":")[2], bytes(record.raw_hash))
        for position, record in enumerate(records, 1)
    ]
    return state, Same(candidates)


def find_unchanged(state: State, reading: Reading) -> None:
    """Do what a synchronisation does between reading and writing."""
    guard = Guard(share=0.3, over_before=NOON - timedelta(days=14))
    plan = make_plan(reading, list(state.of_kind(Kind.WORKS)), source="voirie", guard=guard)
    assert plan.unchanged == len(reading.candidates)


def upsert(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Write all records in one transaction, over what stands there."""
    with transaction(connection):
        connection.executemany(SQL["put_feature"], CODEC.feature_rows(records))


def sync_unchanged(records: Sequence[Record], folder: Path) -> float:
    """Return the seconds of a whole synchronisation with an unchanged GeoPackage, reading and hashing in it."""
    file = folder / "works.gpkg"
    geometries = shapely.to_wkb([record.given.geometry for record in records])
    ids = np.array([record.key.id for record in records], dtype=object)
    fields = ["number", "title", "start"]
    columns = [
        ids,
        np.full(len(ids), "Réseau d'eau", dtype=object),
        np.full(len(ids), "2026-11-24T06:00:00Z", dtype=object),
    ]
    pyogrio.raw.write(file, geometries, columns, fields, geometry_type="LineString", crs="EPSG:4326")
    mapping = Mapping(key=("number",), fields={"title": "title", "schedule.start": "start"})
    table = SourceTable(url=str(file), interval_s=0, mapping=mapping)
    kept = folder / "kept"
    source = GdalSource("voirie", table, town_time_zone="Europe/Paris", limits=Limits(), keep_dir=kept)
    return asyncio.run(_sync_twice(source, folder / "data"))


async def _sync_twice(source: GdalSource, data_dir: Path) -> float:
    clock = ManualClock(NOON)
    store = SqliteStore(data_dir, clock=clock)
    async with open_house(store, clock) as house:
        syncs = Syncs([source], desk=house.desk, state=house.state, store=store, clock=clock, data=Data())
        first = await syncs.sync("voirie", actor="bench")
        begin = time.perf_counter()
        second = await syncs.sync("voirie", actor="bench")
        seconds = time.perf_counter() - begin
    assert (first.counts.added, second.counts.unchanged) == (first.counts.read, first.counts.read)
    return seconds


def fill(data_dir: Path, records: Sequence[Record]) -> None:
    """Commit records to a new store, with their versions and log entries."""

    async def commit_all() -> None:
        store = SqliteStore(data_dir, clock=ManualClock(NOON))
        await store.open()
        for start in range(0, len(records), BATCH):
            await store.commit(batch(*map(put, records[start : start + BATCH])))
        await store.close()

    asyncio.run(commit_all())


def load(data_dir: Path, size: int) -> None:
    """Open a store and read all its records."""

    async def read_all() -> None:
        store = SqliteStore(data_dir, clock=ManualClock(NOON))
        await store.open()
        assert sum([len(chunk) async for chunk in store.records()]) == size
        await store.close()

    asyncio.run(read_all())
