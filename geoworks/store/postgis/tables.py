"""What is asked of the tables, on a connection; `log` and `features` move together in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg

from geoworks.model.change import Change, Key, Record, Version
from geoworks.ports import Batch, Head, Reply, Write
from geoworks.store.codec import Row, version_of
from geoworks.store.numbering import number
from geoworks.store.postgis.columns import CHANGE, CODEC, FEATURE, VERSION, feature_rows, without_nul
from geoworks.store.postgis.place import SCHEMA
from geoworks.store.postgis.queries import SQL

T = TypeVar("T")

# Rows encoded at once: arrays pay, and memory stays bounded in a batch of a hundred thousand.
_CHUNK = 5_000
_PRUNE_STEP = 5_000
# From so many changed records on, COPY is worth its further exchanges with the server.
_STAGED_FROM = 200


async def advance(connection: asyncpg.Connection, commit: UUID, count: int, *, writer: str, last: int) -> bool:
    """Take the next offsets for a commit; False when another process writes, or the log is not at `last`."""
    return await connection.fetchval(SQL["advance"], count, writer, last, commit) is not None


async def write(connection: asyncpg.Connection, batch: Batch, *, last: int) -> list[Change]:
    """Write a batch inside the caller's transaction and return its changes, numbered after the last."""
    standing = await _standing(connection, {write.key for write in batch.writes})
    changes = number(batch, last, lambda key: standing.get(key, 0))
    for some in _chunks(changes):
        await _copy(connection, "log", CHANGE, CODEC.change_rows(some))
    made = [(one.key, version_of(one, one.record, batch.at)) for one in batch.writes if one.record and one.new_version]
    for versions in _chunks(made):
        await _copy(connection, "versions", VERSION, CODEC.version_rows(versions))
    for one in batch.writes:
        if one.forget:
            await connection.execute(SQL["forget_versions"], *CODEC.key_row(one.key), one.record is None)
    await _write_features(connection, batch.writes, standing)
    if batch.replies:
        await connection.executemany(SQL["put_reply"], map(CODEC.reply_row, batch.replies))
    return changes


async def _standing(connection: asyncpg.Connection, keys: Iterable[Key]) -> Mapping[Key, int]:
    """Return the versions of those features that stand."""
    named = {CODEC.key_row(key): key for key in keys}
    if not named:
        return {}
    rows = await connection.fetch(SQL["standing"], *_columns(list(named)))
    return {named[row["kind"], row["id"]]: row["version"] for row in rows}


async def _write_features(connection: asyncpg.Connection, writes: Sequence[Write], standing: Mapping[Key, int]) -> None:
    last = {write.key: write.record for write in writes}
    stay = [record for record in last.values() if record is not None]
    for records in _chunks([record for record in stay if record.key not in standing]):
        await _copy(connection, "features", FEATURE, feature_rows(records))
    await _replace(connection, [record for record in stay if record.key in standing])
    gone = [CODEC.key_row(key) for key, record in last.items() if record is None]
    if gone:
        await connection.execute(SQL["drop_features"], *_columns(gone))


async def _replace(connection: asyncpg.Connection, records: Sequence[Record]) -> None:
    """Write records over those that stand: few by one statement, many by COPY to a table beside and one statement."""
    if len(records) >= _STAGED_FROM:
        await connection.execute(SQL["stage"])
        for some in _chunks(records):
            await connection.copy_records_to_table("staged", columns=FEATURE, records=feature_rows(some))
        await connection.execute(SQL["replace_staged"])
    elif records:
        await connection.execute(SQL["replace_features"], *_columns(list(feature_rows(records))))


async def head(connection: asyncpg.Connection) -> Head:
    """Return where the log stands."""
    row = await connection.fetchrow(SQL["head"])
    return Head(row["epoch"], row["last"], row["pruned"] + 1)


async def next_records(connection: asyncpg.Connection, after: int) -> tuple[int, list[Record]]:
    """Return the records after a row number and the number of the last of them; no records at the end."""
    rows = await connection.fetch(SQL["next_features"], after, _CHUNK)
    return (rows[-1]["number"] if rows else after), CODEC.read_records(rows)


async def changes_after(connection: asyncpg.Connection, after: int, limit: int) -> list[Change]:
    """Return the changes after an offset, at most `limit`."""
    return CODEC.read_changes(await connection.fetch(SQL["changes_after"], after, limit))


async def versions_of(connection: asyncpg.Connection, key: Key) -> list[Version]:
    """Return the history of a feature, the oldest first."""
    return CODEC.read_versions(await connection.fetch(SQL["versions_of"], *CODEC.key_row(key)))


async def reply_to(connection: asyncpg.Connection, owner: str, key: str, now: datetime) -> Reply | None:
    """Return what an Idempotency-Key answered, unless it has expired."""
    row = await connection.fetchrow(SQL["reply_to"], without_nul(owner), without_nul(key), now)
    return CODEC.read_reply(row) if row else None


async def drop_expired(connection: asyncpg.Connection, now: datetime) -> None:
    """Drop the replies that have expired, and the commits nobody can be in doubt about."""
    await connection.execute(SQL["drop_expired_replies"], now)
    await connection.execute(SQL["drop_old_commits"])


async def prune_some(connection: asyncpg.Connection, before: datetime) -> int:
    """Drop the oldest entries of before a moment, a step at a time; return how many.

    The clock may have been set back, so an older change can follow a younger one; it stays then, for only the head of
    the log can go.
    """
    pruned = (await connection.fetchrow(SQL["hold_head"]))["pruned"]
    through = min(await connection.fetchval(SQL["last_before"], before), pruned + _PRUNE_STEP)
    if through <= pruned:
        return 0
    await connection.execute(SQL["note_pruned"], through)
    return int(await connection.fetchval(SQL["drop_changes"], through))


async def document(connection: asyncpg.Connection, collection: str, name: str) -> bytes | None:
    """Return a document, or None."""
    value: bytes | None = await connection.fetchval(SQL["document"], without_nul(collection), without_nul(name))
    return value


async def documents_of(connection: asyncpg.Connection, collection: str) -> dict[str, bytes]:
    """Return all documents of a collection by name."""
    rows = await connection.fetch(SQL["documents_of"], without_nul(collection))
    return {row["name"]: row["value"] for row in rows}


async def put_document(connection: asyncpg.Connection, place: tuple[str, str], value: bytes | None) -> None:
    """Write a document at (collection, name), or drop it."""
    named = tuple(map(without_nul, place))
    if value is None:
        await connection.execute(SQL["drop_document"], *named)
    else:
        await connection.execute(SQL["put_document"], *named, value)


async def _copy(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Iterator[Row]) -> None:
    await connection.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=rows)


def _columns(rows: Sequence[Row]) -> list[list[object]]:
    """Turn rows into columns, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
