"""Many features written at once with all that goes with them: by COPY, and by columns where they stand already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from uuid import UUID

import asyncpg
from msgspec import json

from geoworks.errors import Overtaken
from geoworks.model.change import Key
from geoworks.ports import Batch
from geoworks.store.postgis.columns import CODEC, columns
from geoworks.store.postgis.made import Fate, Made, Rows
from geoworks.store.postgis.place import SCHEMA
from geoworks.store.postgis.queries import SQL


async def write_many(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    """Write a batch inside the caller's transaction and note its commit; return the revisions of its changes.

    Raises:
        Overtaken, asyncpg.SerializationError: a feature is not what a write was made from.

    """
    count = sum(not write.silent or not write.revision for write in batch.writes)
    made = Made(batch, await connection.fetchval(SQL["begin_commit"], commit, count) or [])
    going = {write.key for write in batch.writes if write.record is None}
    versions = await _lock(connection, made.fates, going) if going else {}
    await _copy(connection, chain(made.told(versions), made.new()))
    if made.has_changed:
        await connection.executemany(SQL["change_features"], made.changed())
        await _copy(connection, made.versions_of_changed())
    for write, revision in zip(batch.writes, made.revised, strict=True):
        if write.forget:
            await connection.execute(SQL["forget_versions"], *CODEC.key_row(write.key), write.record is None)
            await connection.execute(SQL["forget_records"], *CODEC.key_row(write.key), revision)
    gone = [CODEC.key_row(key) for key in going if made.fates[key].last.record is None]
    if gone:
        await connection.execute(SQL["drop_features"], *columns(gone))
    return [revision for write, revision in zip(batch.writes, made.revised, strict=True) if not write.silent]


async def _lock(connection: asyncpg.Connection, fates: Mapping[Key, Fate], going: Iterable[Key]) -> Mapping[Key, int]:
    """Keep others from the features that are written; return the versions of those that go.

    Where all stay there is no need: each is kept by its own writing, in the same order.

    Raises:
        Overtaken: one of them is not at the revision that it was read at.

    """
    rows = [(*CODEC.key_row(key), fate.read) for key, fate in fates.items() if fate.read]
    if rows and await connection.fetchval(SQL["lock_features"], json.encode(rows).decode()) != len(rows):
        raise Overtaken("another node wrote this at the same moment; send it again")
    named = {CODEC.key_row(key): key for key in going}
    standing = await connection.fetch(SQL["standing"], *columns(list(named)))
    return {named[row["kind"], row["id"]]: row["version"] for row in standing}


async def _copy(connection: asyncpg.Connection, several: Iterator[Rows]) -> None:
    """Add rows to tables; the next ones are made in a thread while the server takes in those before."""
    making: asyncio.Task[Rows | None] | None = None
    try:
        ready = await asyncio.to_thread(next, several, None)
        while ready is not None:
            making = asyncio.create_task(asyncio.to_thread(next, several, None))
            if ready.rows:
                await connection.copy_records_to_table(
                    ready.table, schema_name=SCHEMA, columns=ready.columns, records=ready.rows
                )
            ready = await making
    finally:
        if making is not None:
            making.cancel()
