"""The connection of the node that numbers: by a lock one at a time, and fenced by its name in `head`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import asyncpg

from geoworks.errors import LeadLost, StoreUnusable
from geoworks.ids import new_id
from geoworks.model.change import Cursor, Key, Kind, Record
from geoworks.nodes import Numbered, Waiting
from geoworks.store.postgis.columns import CODEC, columns
from geoworks.store.postgis.following import followed
from geoworks.store.postgis.history import check_history
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.records import RECORDS
from geoworks.store.postgis.writer import Lock, Writer

# "gwks" and one: held by the node that numbers.
LEADER: Final = Lock(0x67776B74, needed=False)
_BEAT_S = 1.0
_SILENT_S = 10.0


class Leader:
    """Numbers what waits, as long as no other node does."""

    def __init__(self, writer: Writer, *, name: str, node: str) -> None:
        """Ask over a connection that tries to take `LEADER`; `name` is the database's, `node` this process's."""
        self._writer = writer
        self._name = name
        self._node = node
        # Of the connection: what an old one of this process still does must not pass for the new one's.
        self._id = ""
        self._connection = 0
        self._last = 0
        self._beaten = 0.0

    async def lead(self, known: Cursor, home: str) -> bool:
        """Become the one that numbers, unless another node is; `known` is where this node knows the log to stand.

        Raises:
            StoreUnusable: history was lost, or the database is not `home`, where the log was named.

        """
        if not await self._writer.finished(self._writer.locked):
            # A process that stands still, or is cut off, keeps its lock for as long as the server sees its connection.
            await self._writer.repeatable(_oust_silent)
            return False
        if self._connection != self._writer.connections:
            await self._writer.repeatable(partial(self._take_over, known, home))
        return True

    async def resign(self) -> None:
        """Let another node number."""
        self._connection = 0
        await self._writer.close()

    async def number(self, *, zones_at: int, limit: int) -> Numbered:
        """Give the oldest that wait their offsets, at most `limit`."""
        rows = await self._writer.repeatable(partial(self._number, zones_at=zones_at, limit=limit), is_single=True)
        changes = followed([row for row in rows if row["offset"] is not None], first=3)
        if changes:
            self._last = changes[-1].change.offset
        return Numbered(changes, stopped=rows[0]["stopped"])

    async def waiting(self, *, limit: int) -> Sequence[Waiting]:
        """Return the oldest that can be numbered."""
        rows = await self._writer.repeatable(lambda connection: connection.fetch(SQL["waiting"], limit), is_single=True)
        return [
            Waiting(row["revision"], Key(Kind(row["kind"]), row["id"]), _record(row["record"]), row["zones_at"])
            for row in rows
        ]

    async def rejoined(self, changes: Sequence[Waiting]) -> None:
        """Write what was joined again."""
        await self._writer.repeatable(partial(self._rejoined, changes))

    async def _take_over(self, known: Cursor, home: str, connection: asyncpg.Connection) -> None:
        self._id = new_id()
        head = await connection.fetchrow(SQL["hold_head"])
        check_history(known, Cursor(head["epoch"], head["last"]))
        if await connection.fetchval(SQL["home"]) != home:
            raise StoreUnusable(f"{self._name} is not the database it was, or a copy took its place: restart this node")
        await connection.execute(SQL["become_writer"], self._id, self._node)
        self._last, self._connection = head["last"], self._writer.connections

    async def _number(self, connection: asyncpg.Connection, *, zones_at: int, limit: int) -> Sequence[asyncpg.Record]:
        self._check_connection()
        await self._beat(connection)
        rows: Sequence[asyncpg.Record] = await connection.fetch(SQL["number"], self._id, self._last, zones_at, limit)
        if rows[0]["offset"] is None:
            self._check(rows[0])
        return rows

    async def _beat(self, connection: asyncpg.Connection) -> None:
        now = time.monotonic()
        if now - self._beaten >= _BEAT_S:
            await connection.execute(SQL["beat"], self._id)
            self._beaten = now

    def _check_connection(self) -> None:
        """See that this is the connection that took over; another one may be without the lock."""
        if self._connection != self._writer.connections:
            raise LeadLost(f"the connection to {self._name} that numbered the log is gone")

    async def _rejoined(self, changes: Sequence[Waiting], connection: asyncpg.Connection) -> None:
        await connection.fetchrow(SQL["hold_head"])
        self._check_connection()
        self._check(await connection.fetchrow(SQL["is_writer"], self._id))
        joined = [(change.revision, change.record, change.zones_at) for change in changes if change.record]
        records = [(revision, RECORDS.write(record), zones_at) for revision, record, zones_at in joined]
        await connection.execute(SQL["rejoined_records"], *columns(records))
        derived = [(revision, CODEC.derived(record)) for revision, record, _ in joined]
        await connection.execute(SQL["rejoined_features"], *columns(derived))

    def _check(self, row: asyncpg.Record) -> None:
        """See that this process may still number, and learn where the log stands."""
        if not row["ours"]:
            self._connection = 0
            raise LeadLost(f"another node numbers the log of {self._name}")
        # Where the answer to a numbering was lost, the log is ahead of what this process knows.
        self._last = max(self._last, row["last"])


async def _oust_silent(connection: asyncpg.Connection) -> None:
    await connection.execute(SQL["oust"], LEADER.number, _SILENT_S)


def _record(data: bytes | None) -> Record | None:
    return None if data is None else RECORDS.read(data)
