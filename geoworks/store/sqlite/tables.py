"""What is asked of the tables, on a connection; `log` and `features` move together in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from geoworks.model.change import Change, Key, Record, Version
from geoworks.ports import Batch, Head, Reply, Write
from geoworks.store.codec import version_of
from geoworks.store.numbering import number
from geoworks.store.sqlite.columns import CODEC, moment_text
from geoworks.store.sqlite.queries import SQL

T = TypeVar("T")

# Rows encoded at once: arrays pay, and memory stays bounded in a batch of a hundred thousand.
_CHUNK = 5_000
_PRUNE_STEP = 5_000


def write(connection: sqlite3.Connection, batch: Batch) -> list[Change]:
    """Write a batch inside the caller's transaction and return its changes, numbered after the last."""
    changes = number(batch, last_offset(connection), partial(_version, connection))
    for some in _chunks(changes):
        connection.executemany(SQL["add_change"], CODEC.change_rows(some))
    made = [(one.key, version_of(one, one.record, batch.at)) for one in batch.writes if one.record and one.new_version]
    for versions in _chunks(made):
        connection.executemany(SQL["add_version"], CODEC.version_rows(versions))
    for write in batch.writes:
        if write.forget:
            connection.execute(SQL["forget_versions"], {**write.key._asdict(), "gone": write.record is None})
    _write_features(connection, batch.writes)
    connection.executemany(SQL["put_reply"], map(CODEC.reply_row, batch.replies))
    return changes


def _version(connection: sqlite3.Connection, key: Key) -> int:
    """Return the version a feature is at; 0 when it does not stand."""
    row = connection.execute(SQL["version_of_feature"], key).fetchone()
    return int(row[0]) if row else 0


def _write_features(connection: sqlite3.Connection, writes: Sequence[Write]) -> None:
    last = {write.key: write.record for write in writes}
    for records in _chunks([record for record in last.values() if record is not None]):
        connection.executemany(SQL["put_feature"], CODEC.feature_rows(records))
    connection.executemany(SQL["drop_feature"], [key for key, record in last.items() if record is None])


def last_offset(connection: sqlite3.Connection) -> int:
    """Return the offset of the last change, 0 when there was none."""
    return int(connection.execute(SQL["last_offset"]).fetchone()[0])


def head(connection: sqlite3.Connection) -> Head:
    """Return where the log stands."""
    pruned = _fact(connection, "pruned") or 0
    return Head(str(_fact(connection, "epoch") or ""), last_offset(connection), int(pruned) + 1)


def arriving(connection: sqlite3.Connection) -> str:
    """Return the name of the town that is being copied into this database; empty when none is."""
    return str(_fact(connection, "arriving") or "")


def begin_epoch(connection: sqlite3.Connection, epoch: str) -> None:
    """Name the log anew, inside the caller's transaction."""
    connection.execute(SQL["put_meta"], ("epoch", epoch))


def next_records(connection: sqlite3.Connection, after: int) -> tuple[int, list[Record]]:
    """Return the records after a row number and the number of the last of them; no records at the end."""
    rows = connection.execute(SQL["next_features"], (after, _CHUNK)).fetchall()
    return (rows[-1][0] if rows else after), CODEC.read_records(rows)


def changes_after(connection: sqlite3.Connection, after: int, *, limit: int) -> list[Change]:
    """Return the changes after an offset, at most `limit`."""
    return CODEC.read_changes(connection.execute(SQL["changes_after"], (after, limit)).fetchall())


def versions_of(connection: sqlite3.Connection, key: Key) -> list[Version]:
    """Return the history of a feature, the oldest first."""
    return CODEC.read_versions(connection.execute(SQL["versions_of"], key).fetchall())


def reply_to(connection: sqlite3.Connection, owner: str, key: str, *, now: datetime) -> Reply | None:
    """Return what an Idempotency-Key answered, unless it has expired."""
    row = connection.execute(SQL["reply_to"], (owner, key, moment_text(now))).fetchone()
    return CODEC.read_reply(row) if row else None


def drop_expired_replies(connection: sqlite3.Connection, now: datetime) -> None:
    """Drop the replies that have expired."""
    connection.execute(SQL["drop_expired_replies"], (moment_text(now),))


def last_before(connection: sqlite3.Connection, moment: datetime) -> int:
    """Return the offset up to which all changes are older than a moment.

    The clock may have been set back, so an older change can follow a younger one; it stays then, for only the head of
    the log can go.
    """
    row = connection.execute(SQL["first_since"], (moment_text(moment),)).fetchone()
    return int(row[0]) - 1 if row else last_offset(connection)


def prune_some(connection: sqlite3.Connection, through: int) -> int:
    """Drop the oldest entries up to an offset, a step at a time, inside the caller's transaction; return how many."""
    pruned = int(_fact(connection, "pruned") or 0)
    through = min(through, pruned + _PRUNE_STEP)
    if through <= pruned:
        return 0
    connection.execute(SQL["put_meta"], ("pruned", through))
    return connection.execute(SQL["drop_changes"], (through,)).rowcount


def document(connection: sqlite3.Connection, collection: str, name: str) -> bytes | None:
    """Return a document, or None."""
    row = connection.execute(SQL["document"], (collection, name)).fetchone()
    return bytes(row[0]) if row else None


def documents_of(connection: sqlite3.Connection, collection: str) -> dict[str, bytes]:
    """Return all documents of a collection by name."""
    return dict(connection.execute(SQL["documents_of"], (collection,)))


def put_document(connection: sqlite3.Connection, place: tuple[str, str], value: bytes | None) -> None:
    """Write a document at (collection, name), or drop it."""
    if value is None:
        connection.execute(SQL["drop_document"], place)
    else:
        connection.execute(SQL["put_document"], (*place, value))


def _fact(connection: sqlite3.Connection, name: str) -> str | int | None:
    row = connection.execute(SQL["meta"], (name,)).fetchone()
    return row[0] if row else None


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
