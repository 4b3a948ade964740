"""A few features written in one exchange with the server, with all that goes with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import asyncpg

from geoworks.ports import Batch, Write
from geoworks.store.codec import Row
from geoworks.store.numbering import number
from geoworks.store.postgis.columns import CHANGE, CODEC, columns, feature_rows
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.records import record_bytes

# COPY is worth its further exchanges from more on.
_FEW = 50
_BEFORE = CHANGE.index("before")


def is_few(batch: Batch) -> bool:
    """Tell whether a batch can be written by `write_few`: some features that stay, each written once."""
    few = 0 < len(batch.writes) <= _FEW and len({write.key for write in batch.writes}) == len(batch.writes)
    return few and not any(write.record is None or write.forget for write in batch.writes)


async def write_few(connection: asyncpg.Connection, commit: UUID, batch: Batch) -> Sequence[int]:
    """Write the features of a batch in one exchange, and note its commit; return the revisions of its changes.

    Outside of a transaction it is one of its own.

    Raises:
        asyncpg.SerializationError: a feature is not what a write was made from.

    """
    made = await connection.fetchmany(SQL["write_feature"], _rows(commit, batch))
    return [revision for (revision,) in made if revision is not None]


def _rows(commit: UUID, batch: Batch) -> Iterator[Row]:
    """Yield for each write the commit, what to keep others from, when and where it was joined, and its `_columns`."""
    standing = [CODEC.key_row(write.key) for write in batch.writes if write.revision]
    # One alone is kept by its own writing, and what is new by nothing.
    names = columns(standing) if standing and len(batch.writes) > 1 else (None, None)
    notes = _notes(batch.writes)
    for place, row in enumerate(_columns(batch)):
        yield commit if place == notes else None, *names, batch.at, batch.zones_at, *row
        names = None, None


def _notes(writes: Sequence[Write]) -> int:
    """Return which of the writes notes the commit: the last that makes a change, if any does."""
    return max((place for place, write in enumerate(writes) if not write.silent), default=0)


def _columns(batch: Batch) -> Iterator[Row]:
    """Yield for each write the columns of its feature, then those of its version, its record and its change."""
    changes = CODEC.change_rows(number(batch, 0, lambda _: 0))
    records = [write.record for write in batch.writes if write.record]
    told_records = record_bytes([write.record for write in batch.writes if not write.silent])
    for write, feature in zip(batch.writes, feature_rows(records), strict=True):
        told = (write.revision, write.reason.value, CODEC.text(write.actor), write.new_version)
        if write.silent or write.record is None:
            yield *feature, *told, None, None, None
        else:
            yield *feature, *told, next(told_records), *next(changes)[_BEFORE:]
