"""Whether a database is the one that named the log, and whether the log still is what a node knows it to be."""

from __future__ import annotations

import asyncpg

from geoworks.errors import StoreUnusable
from geoworks.ids import new_id
from geoworks.model.change import Cursor
from geoworks.ports import Head
from geoworks.store.postgis import tables
from geoworks.store.postgis.queries import SQL


async def find_head(connection: asyncpg.Connection, name: str, told: Cursor | None) -> tuple[Head, str]:
    """Tell where the log stands and what names its database; `told` is what this node told last, None when unknown.

    The log begins a new epoch when this is not the database that named it, or when it was set back.

    Raises:
        StoreUnusable: a copy into the database was cut.

    """
    row = await connection.fetchrow(SQL["hold_head"])
    if row["arriving"]:
        raise StoreUnusable(f"{name}: a copy into it was cut: run the same `geoworks store copy` again")
    home = await connection.fetchval(SQL["home"])
    set_back = told is not None and told.epoch == row["epoch"] and told.offset > row["last"]
    if not row["epoch"] or row["home"] != home or set_back:
        await connection.execute(SQL["begin_epoch"], new_id(), home)
    return await tables.head(connection), str(home)


def check_history(known: Cursor, head: Cursor) -> None:
    """See that a log still leads to where this node knows it to stand.

    Raises:
        StoreUnusable: it is another one, or ends before.

    """
    if head.epoch != known.epoch:
        raise StoreUnusable("the log of this town began anew, for history was lost: restart this node")
    if head.offset < known.offset:
        raise StoreUnusable(
            f"the log of this town was set back from {known.offset} to {head.offset} under this node: restart it"
        )
