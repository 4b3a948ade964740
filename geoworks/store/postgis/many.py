"""Many features written by COPY, with all that goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
from msgspec import json

from geoworks.errors import Overtaken
from geoworks.model.change import Key
from geoworks.ports import Batch, Write
from geoworks.store.codec import Row
from geoworks.store.numbering import number
from geoworks.store.postgis.columns import CHANGE, CODEC, VERSION, columns, feature_rows
from geoworks.store.postgis.columns import FEATURE as GIVEN
from geoworks.store.postgis.place import SCHEMA
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.records import record_bytes

T = TypeVar("T")

FEATURE: Final = (*GIVEN, "revision")
ENTRY: Final = (*CHANGE[1:], "revision")
RECORD: Final = ("revision", "record", "zones_at")
_GEOMETRY: Final = GIVEN.index("geometry")
_GIVEN_GEOMETRY: Final = GIVEN.index("given_geometry")

# Rows encoded at once: arrays pay, the server has work meanwhile, and memory stays bounded in a batch of any size.
_CHUNK = 1_000


class Rows(NamedTuple):
    """Rows to be added to a table."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Row]


async def write_many(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    """Write a batch inside the caller's transaction and note its commit; return the revisions of its changes.

    Raises:
        Overtaken: a feature is not what a write was made from.

    """
    count = sum(not write.silent or not write.revision for write in batch.writes)
    fresh = _revised(batch.writes, await connection.fetchval(SQL["begin_commit"], commit, count) or [])
    standing = await _lock(connection, batch.writes)
    written = list(zip(batch.writes, fresh, strict=True))
    stands = any(write.revision and write.record for write in batch.writes)
    if stands:
        await connection.execute(SQL["stage"])
    await _copy(connection, _rows(batch, written, standing))
    if stands:
        await connection.execute(SQL["replace_staged"])
    for write, revision in written:
        if write.forget:
            await connection.execute(SQL["forget_versions"], *CODEC.key_row(write.key), write.record is None)
            await connection.execute(SQL["forget_records"], *CODEC.key_row(write.key), revision)
    gone = [CODEC.key_row(key) for key, write in _last(batch).items() if write.record is None]
    if gone:
        await connection.execute(SQL["drop_features"], *columns(gone))
    return [revision for write, revision in written if not write.silent]


def _revised(writes: Sequence[Write], revisions: Sequence[int]) -> list[int]:
    """Return the revision of the feature after each write: one of these, but a silent write leaves it as it is."""
    fresh, last, revised = iter(revisions), dict[Key, int](), list[int]()
    for write in writes:
        standing = last.get(write.key, write.revision)
        last[write.key] = standing if write.silent and standing else next(fresh)
        revised.append(last[write.key])
    return revised


async def _lock(connection: asyncpg.Connection, writes: Sequence[Write]) -> Mapping[Key, int]:
    """Keep others from the features that stand and are written; return the versions of those that go.

    Raises:
        Overtaken: one of them is not at the revision that the first write of it was made from.

    """
    read = {write.key: write.revision for write in reversed(writes)}
    rows = [(*CODEC.key_row(key), revision) for key, revision in read.items() if revision]
    if rows and await connection.fetchval(SQL["lock_features"], json.encode(rows).decode()) != len(rows):
        raise Overtaken("another node wrote this at the same moment; send it again")
    return await _standing(connection, {write.key for write in writes if write.record is None})


async def _standing(connection: asyncpg.Connection, keys: Iterable[Key]) -> Mapping[Key, int]:
    """Return the versions of those features that stand."""
    named = {CODEC.key_row(key): key for key in keys}
    if not named:
        return {}
    rows = await connection.fetch(SQL["standing"], *columns(list(named)))
    return {named[row["kind"], row["id"]]: row["version"] for row in rows}


async def _copy(connection: asyncpg.Connection, several: Iterator[Rows]) -> None:
    """Add rows to tables; the next ones are made in a thread while the server takes in those before."""
    making: asyncio.Task[Rows | None] | None = None
    try:
        ready = await asyncio.to_thread(next, several, None)
        while ready is not None:
            making = asyncio.create_task(asyncio.to_thread(next, several, None))
            if ready.rows:
                schema = None if ready.table == "staged" else SCHEMA
                await connection.copy_records_to_table(
                    ready.table, schema_name=schema, columns=ready.columns, records=ready.rows
                )
            ready = await making
    finally:
        if making is not None:
            making.cancel()


def _rows(batch: Batch, written: Sequence[tuple[Write, int]], standing: Mapping[Key, int]) -> Iterator[Rows]:
    """Yield the log, the records that nodes follow, then features and their versions."""
    told = [one for one in written if not one[0].silent]
    changes = number(batch, 0, lambda key: standing.get(key, 0))
    for some in _chunks(list(zip(changes, told, strict=True))):
        entries = CODEC.change_rows([change for change, _ in some])
        yield Rows("log", ENTRY, [(*row[1:], one[1]) for row, (_, one) in zip(entries, some, strict=True)])
        records = record_bytes([write.record for _, (write, _) in some])
        rows = [(one[1], record, batch.zones_at) for (_, one), record in zip(some, records, strict=True)]
        yield Rows("records", RECORD, rows)
    last = _last(batch)
    revisions = {write.key: revision for write, revision in written}
    known = {write.key for write in batch.writes if write.revision}
    kept = [write for write in batch.writes if write.record and (write.new_version or write is last[write.key])]
    # A version has columns of its feature, so both are made at once.
    for writes in _chunks(kept):
        features = feature_rows([write.record for write in writes if write.record])
        made = list(zip(writes, features, strict=True))
        stay = [(write.key, (*row, revisions[write.key])) for write, row in made if write is last[write.key]]
        yield Rows("features", FEATURE, [row for key, row in stay if key not in known])
        yield Rows("staged", FEATURE, [row for key, row in stay if key in known])
        yield Rows("versions", VERSION, [_version_row(*one, batch.at) for one in made if one[0].new_version])


def _last(batch: Batch) -> Mapping[Key, Write]:
    """Return the last write of each feature."""
    return {write.key: write for write in batch.writes}


def _version_row(write: Write, feature: Row, at: datetime) -> Row:
    """Return the columns of the version that a write makes, from those of its feature."""
    key_and_version, given_geometry = feature[:3], feature[_GIVEN_GEOMETRY] or feature[_GEOMETRY]
    given, overlay = feature[_GEOMETRY + 1], feature[_GEOMETRY + 2]
    return *key_and_version, at, write.reason.value, CODEC.text(write.actor), given_geometry, given, overlay


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
