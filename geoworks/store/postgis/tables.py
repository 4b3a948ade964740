"""What is asked of the tables, on a connection; `log` and `features` move together in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from geoworks.errors import Overtaken, StoreBusy
from geoworks.model.change import Change, Key, Version
from geoworks.nodes import Standing
from geoworks.ports import Batch, Head, Reply, Write
from geoworks.store.codec import Row
from geoworks.store.numbering import number
from geoworks.store.postgis.columns import CHANGE, CODEC, VERSION, columns, feature_rows, without_nul
from geoworks.store.postgis.columns import FEATURE as GIVEN
from geoworks.store.postgis.few import is_few, write_few
from geoworks.store.postgis.place import SCHEMA
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.records import record_bytes

T = TypeVar("T")

FEATURE: Final = (*GIVEN, "revision")
ENTRY: Final = (*CHANGE[1:], "revision")
RECORD: Final = ("revision", "record", "zones_at")
_GEOMETRY: Final = GIVEN.index("geometry")
_GIVEN_GEOMETRY: Final = GIVEN.index("given_geometry")

# Rows encoded at once: arrays pay, and memory stays bounded in a batch of a hundred thousand.
_CHUNK = 5_000
_PRUNE_STEP = 5_000


async def send(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    """Write a batch inside the caller's transaction and note its commit; return the revisions of its changes in order.

    Raises:
        Overtaken: a feature is not what a write was made from.
        StoreBusy: another node answers under one of the Idempotency-Keys just now.

    """
    write = write_few if is_few(batch) else _write_many
    revisions = await write(connection, commit, batch)
    for reply in batch.replies:
        if await connection.fetchval(SQL["put_reply"], *CODEC.reply_row(reply), batch.at) is None:
            raise StoreBusy("another node answers under the same Idempotency-Key just now: send it again")
    return revisions


async def _write_many(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    count = sum(not write.silent or not write.revision for write in batch.writes)
    fresh = _revised(batch.writes, await connection.fetchval(SQL["begin_commit"], commit, count) or [])
    standing = await _lock(connection, batch.writes)
    told = [(write, revision) for write, revision in zip(batch.writes, fresh, strict=True) if not write.silent]
    changes = number(batch, 0, lambda key: standing.get(key, 0))
    for some in _chunks(list(zip(changes, told, strict=True))):
        rows = CODEC.change_rows([change for change, _ in some])
        entries = ((*row[1:], revision) for row, (_, (_, revision)) in zip(rows, some, strict=True))
        await _copy(connection, "log", ENTRY, entries)
        records = record_bytes([write.record for _, (write, _) in some])
        rows = ((revision, record, batch.zones_at) for (_, (_, revision)), record in zip(some, records, strict=True))
        await _copy(connection, "records", RECORD, rows)
    last = {write.key: revision for write, revision in zip(batch.writes, fresh, strict=True)}
    await _write_features(connection, last, batch)
    for write, revision in zip(batch.writes, fresh, strict=True):
        if write.forget:
            await connection.execute(SQL["forget_versions"], *CODEC.key_row(write.key), write.record is None)
            await connection.execute(SQL["forget_records"], *CODEC.key_row(write.key), revision)
    return [revision for _, revision in told]


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
    if rows and await connection.fetchval(SQL["lock_features"], *columns(rows)) != len(rows):
        raise Overtaken("another node wrote this at the same moment; send it again")
    return await _standing(connection, {write.key for write in writes if write.record is None})


async def _standing(connection: asyncpg.Connection, keys: Iterable[Key]) -> Mapping[Key, int]:
    """Return the versions of those features that stand."""
    named = {CODEC.key_row(key): key for key in keys}
    if not named:
        return {}
    rows = await connection.fetch(SQL["standing"], *columns(list(named)))
    return {named[row["kind"], row["id"]]: row["version"] for row in rows}


async def _write_features(connection: asyncpg.Connection, revisions: Mapping[Key, int], batch: Batch) -> None:
    """Write what the features become, and the versions that go into their history."""
    last = {write.key: write for write in batch.writes}
    known = {write.key for write in batch.writes if write.revision}
    replaced = False
    # A version has columns of its feature, so both are made at once.
    for some in _chunks([one for one in batch.writes if one.record and (one.new_version or one is last[one.key])]):
        rows = list(zip(some, feature_rows([one.record for one in some if one.record]), strict=True))
        await _copy(
            connection, "versions", VERSION, (_version_row(*row, batch.at) for row in rows if row[0].new_version)
        )
        stay = [(one.key, (*row, revisions[one.key])) for one, row in rows if one is last[one.key]]
        await _copy(connection, "features", FEATURE, (row for key, row in stay if key not in known))
        replaced = await _stage(connection, [row for key, row in stay if key in known]) or replaced
    if replaced:
        await connection.execute(SQL["replace_staged"])
    gone = [CODEC.key_row(key) for key, write in last.items() if write.record is None]
    if gone:
        await connection.execute(SQL["drop_features"], *columns(gone))


async def _stage(connection: asyncpg.Connection, rows: Sequence[Row]) -> bool:
    """Put rows of features into the table beside, to be written over those that stand; tell whether there are any."""
    if rows:
        await connection.execute(SQL["stage"])
        await connection.copy_records_to_table("staged", columns=FEATURE, records=rows)
    return bool(rows)


def _version_row(write: Write, feature: Row, at: datetime) -> Row:
    """Return the columns of the version that a write makes, from those of its feature."""
    key_and_version, given_geometry = feature[:3], feature[_GIVEN_GEOMETRY] or feature[_GEOMETRY]
    given, overlay = feature[_GEOMETRY + 1], feature[_GEOMETRY + 2]
    return *key_and_version, at, write.reason.value, CODEC.text(write.actor), given_geometry, given, overlay


async def head(connection: asyncpg.Connection) -> Head:
    """Return where the log stands."""
    row = await connection.fetchrow(SQL["head"])
    return Head(row["epoch"], row["last"], row["pruned"] + 1)


async def next_standing(connection: asyncpg.Connection, after: int) -> tuple[int, list[Standing]]:
    """Return the features after a row number and the number of the last of them; none at the end."""
    rows = [tuple(row) for row in await connection.fetch(SQL["next_standing"], after, _CHUNK)]
    records = CODEC.read_records([row[:-1] for row in rows])
    standing = [Standing(record, row[-1]) for record, row in zip(records, rows, strict=True)]
    return (rows[-1][0] if rows else after), standing


async def changes_after(connection: asyncpg.Connection, after: int, limit: int) -> list[Change]:
    """Return the changes after an offset, at most `limit`."""
    return CODEC.read_changes(await connection.fetch(SQL["changes_after"], after, limit))


async def zones_moved(connection: asyncpg.Connection) -> int:
    """Return the offset of the last change of a zone that was more than one of its level, 0 when none is kept."""
    return int(await connection.fetchval(SQL["zones_moved"]))


async def versions_of(connection: asyncpg.Connection, key: Key) -> list[Version]:
    """Return the history of a feature, the oldest first."""
    return CODEC.read_versions(await connection.fetch(SQL["versions_of"], *CODEC.key_row(key)))


async def reply_to(connection: asyncpg.Connection, owner: str, key: str, now: datetime) -> Reply | None:
    """Return what an Idempotency-Key answered, unless it has expired."""
    row = await connection.fetchrow(SQL["reply_to"], without_nul(owner), without_nul(key), now)
    return CODEC.read_reply(row) if row else None


async def drop_records(connection: asyncpg.Connection, older_s: float) -> int:
    """Drop some of the records that were written so long ago that every node follows without them; return how many."""
    return int(await connection.fetchval(SQL["drop_records"], older_s, _PRUNE_STEP))


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
    await connection.execute(SQL["note_writing"], named[0])
    if value is None:
        await connection.execute(SQL["drop_document"], *named)
    else:
        await connection.execute(SQL["put_document"], *named, value)


async def _copy(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Add rows to a table, without a word to the server when there are none."""
    first = next(rows, None)
    if first is None:
        return
    rows = chain((first,), rows)
    await connection.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=rows)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
