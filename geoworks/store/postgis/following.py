"""The numbered log as other nodes follow it, and how the shared store stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache

import asyncpg

from geoworks.errors import StoreUnusable
from geoworks.model.change import Change, Cursor, Op
from geoworks.nodes import Followed, Outlook
from geoworks.ports import Head
from geoworks.store.codec import Row
from geoworks.store.postgis.columns import CODEC
from geoworks.store.postgis.history import check_history
from geoworks.store.postgis.migrate import known_migrations
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.records import RECORDS


def followed(rows: Sequence[asyncpg.Record], *, first: int = 0) -> list[Followed]:
    """Return changes with their records from rows.

    The columns from `first` on are those of a change, then its revision, record, zones and moment.

    Raises:
        StoreUnusable: the record of a change is not kept any more.

    """
    cut = [tuple(row)[first:] for row in rows]
    changes = CODEC.read_changes([row[:-4] for row in cut])
    return [_followed(change, row[-4:]) for change, row in zip(changes, cut, strict=True)]


async def log_after(connection: asyncpg.Connection, *, after: Cursor, limit: int) -> list[Followed]:
    """Return the numbered changes behind a cursor, at most `limit`.

    Raises:
        StoreUnusable: the log is another one, or ends before the cursor: history was lost.

    """
    rows = await connection.fetch(SQL["followed"], after.offset, limit)
    check_history(after, Cursor(rows[0]["epoch"], rows[0]["last"]))
    return followed([row for row in rows if row["offset"] is not None], first=2)


def _followed(change: Change, row: Row) -> Followed:
    revision, record, zones_at, at = row
    if change.op is Op.PUT and zones_at is None:
        raise StoreUnusable("this node was away for longer than changes are kept to be followed: restart this node")
    return Followed(change, None if record is None else RECORDS.read(record), revision, at, zones_at or 0)


async def look(connection: asyncpg.Connection, *, now: datetime) -> Outlook:
    """Return how the store stands; `now` is this node's clock."""
    row = await connection.fetchrow(SQL["outlook"])
    return Outlook(
        head=Head(row["epoch"], row["last"], row["pruned"] + 1),
        waiting=row["waiting"],
        waiting_s=row["waiting_s"],
        transaction_s=row["transaction_s"],
        clock_ahead_s=(now - row["now"]).total_seconds(),
        leader=row["leader"],
        collections=json.loads(row["collections"] or "{}"),
        outdated=row["schema"] > _own_schema(),
    )


@cache
def _own_schema() -> int:
    return len(known_migrations())
