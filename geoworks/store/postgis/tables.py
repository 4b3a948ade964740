"""What is asked of the tables, on a connection; `log` and `features` move together in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from geoworks.errors import StoreBusy
from geoworks.model.change import Change, Key, Version
from geoworks.nodes import Standing
from geoworks.ports import Batch, Head, Reply
from geoworks.store.postgis.columns import CODEC, without_nul
from geoworks.store.postgis.few import is_few, write_few
from geoworks.store.postgis.many import write_many
from geoworks.store.postgis.queries import SQL

# Rows read at once, so that memory stays bounded.
_CHUNK = 5_000
_PRUNE_STEP = 5_000


async def send(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    """Write a batch inside the caller's transaction and note its commit; return the revisions of its changes in order.

    Raises:
        Overtaken: a feature is not what a write was made from.
        StoreBusy: another node answers under one of the Idempotency-Keys just now.

    """
    write = write_few if is_few(batch) else write_many
    revisions = await write(connection, commit, batch)
    for reply in batch.replies:
        if await connection.fetchval(SQL["put_reply"], *CODEC.reply_row(reply), batch.at) is None:
            raise StoreBusy("another node answers under the same Idempotency-Key just now: send it again")
    return revisions


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
