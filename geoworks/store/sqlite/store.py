"""The store in one SQLite file: `geoworks.db`, with `geoworks.lock` and `told` beside it in the data directory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from geoworks.clock import Clock
from geoworks.errors import StoreUnusable
from geoworks.ids import new_id
from geoworks.model.change import Change, Cursor, Key, Record, Version
from geoworks.ports import Batch, Committed, Head, Reply
from geoworks.store.lock import DirectoryLock
from geoworks.store.sqlite import tables
from geoworks.store.sqlite.backup import DATABASE_NAME, back_up
from geoworks.store.sqlite.connection import closed_on_error, connect_reader, connect_writer, transaction
from geoworks.store.sqlite.migrate import known_migrations, migrate
from geoworks.store.sqlite.thread import ConnectionThread
from geoworks.store.told import TOLD_NAME, Told, read_told

# The desk commits one batch at a time; the rest is for documents and reads of many pages.
_BOUND = 256


class SqliteStore:
    """A `geoworks.ports.Store` on a folder of a local disk, for one process.

    One thread writes on its own connection, another one reads; a commit is synced to disk (WAL, `synchronous=FULL`)
    before it is answered.
    """

    def __init__(self, data_dir: Path, *, clock: Clock, busy_timeout_s: float = 5.0) -> None:
        """Name the data directory; nothing is touched before `open`.

        `busy_timeout_s` is the wait for a foreign program that locks the file.
        """
        self._dir = data_dir
        self._path = data_dir / DATABASE_NAME
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._resources = AsyncExitStack()
        self._writer: ConnectionThread
        self._reader: ConnectionThread
        self._told: Told

    async def open(self) -> Head:
        """Lock the data directory, open or create the database, migrate it, and tell where the log stands.

        Raises:
            StoreError: it is in use, cannot be written, is damaged or from a later release.

        """
        async with AsyncExitStack() as stack:
            lock = await asyncio.to_thread(DirectoryLock.take, self._dir)
            stack.callback(lock.release)
            # Closed after the writer, which notes in it what its last commits told.
            sidecar = stack.enter_context(ExitStack())
            self._writer = await self._start(stack, self._connect_writer)
            head = await self._writer.run(self._find_head)
            sidecar.callback(self._told.close)
            self._reader = await self._start(
                stack, partial(connect_reader, self._path, busy_timeout_s=self._busy_timeout_s)
            )
            self._resources = stack.pop_all()
        return head

    async def close(self) -> None:
        """Finish what was accepted and let go of the files; harmless when it is not open."""
        await self._resources.aclose()

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all current records in chunks, in the order they first came."""
        last, records = await self._reader.run(partial(tables.next_records, after=0))
        while records:
            yield records
            last, records = await self._reader.run(partial(tables.next_records, after=last))

    async def commit(self, batch: Batch) -> Committed:
        """Make a batch durable and return its changes, numbered in the order of its writes (silent ones left out).

        The change of a removal carries the version it removed.

        Raises:
            StoreError: nothing of the batch was written.

        """
        return await self._writer.run(partial(self._commit, batch))

    async def settle(self) -> None:
        """Tell that no commit is in doubt: in one process there is no way between the store and its file."""

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        return await self._reader.run(partial(tables.changes_after, after=after, limit=limit))

    async def versions(self, key: Key) -> Sequence[Version]:
        """Return the versions of one feature, the oldest first; empty when it never was."""
        return await self._reader.run(partial(tables.versions_of, key=key))

    async def reply(self, owner: str, key: str) -> Reply | None:
        """Return what an `Idempotency-Key` of an owner answered, unless it has expired."""
        return await self._reader.run(partial(tables.reply_to, owner=owner, key=key, now=self._clock.now()))

    async def prune(self, *, changes_before: datetime, now: datetime) -> int:
        """Drop log entries older than a moment and expired replies; return how many entries went.

        They go from the oldest on, a few thousand in a transaction, so commits pass in between. The first offset
        still kept is further by what this returns.
        """
        await self._writer.run(partial(tables.drop_expired_replies, now=now))
        through = await self._reader.run(partial(tables.last_before, moment=changes_before))
        dropped = 0
        while step := await self._writer.run(partial(_prune_some, through=through)):
            dropped += step
        return dropped

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told; free, for every commit has noted its own already."""
        if offset > self._told.cursor.offset:
            await self._writer.run(lambda _: self._told.note(offset))

    async def backup(self, target: Path) -> None:
        """Copy everything to a new file while serving; it appears only when it is whole and checked."""
        await asyncio.to_thread(back_up, self._path, target)

    async def document(self, collection: str, name: str) -> bytes | None:
        """Return a small named value, or None."""
        return await self._reader.run(partial(tables.document, collection=collection, name=name))

    async def documents(self, collection: str) -> Mapping[str, bytes]:
        """Return all values of a collection by name."""
        return await self._reader.run(partial(tables.documents_of, collection=collection))

    async def put_document(self, collection: str, name: str, value: bytes | None) -> None:
        """Write a small named value durably; None drops it."""
        await self._writer.run(partial(tables.put_document, place=(collection, name), value=value))

    async def _start(self, stack: AsyncExitStack, connect: Callable[[], sqlite3.Connection]) -> ConnectionThread:
        thread = await ConnectionThread.open(self._path, connect, bound=_BOUND)
        stack.push_async_callback(thread.close)
        return thread

    def _connect_writer(self) -> sqlite3.Connection:
        connection = connect_writer(self._path, busy_timeout_s=self._busy_timeout_s)
        with closed_on_error(connection):
            migrate(connection, self._path, known_migrations())
        return connection

    def _find_head(self, connection: sqlite3.Connection) -> Head:
        """Tell where the log stands, in a new epoch when the sidecar does not vouch for the database."""
        if tables.arriving(connection):
            raise StoreUnusable(f"{self._path}: a copy into it was cut: run the same `geoworks store copy` again")
        path = self._dir / TOLD_NAME
        head, told = tables.head(connection), read_told(path)
        if not head.epoch or told is None or told.epoch != head.epoch or told.offset > head.offset:
            with transaction(connection):
                tables.begin_epoch(connection, new_id())
            head = tables.head(connection)
        self._told = Told(path, Cursor(head.epoch, head.offset))
        return head

    def _commit(self, batch: Batch, connection: sqlite3.Connection) -> Committed:
        with transaction(connection):
            changes = tables.write(connection, batch)
        committed = Committed.now(changes)
        if committed:
            self._told.note(committed[-1].offset)
        return committed


def _prune_some(connection: sqlite3.Connection, through: int) -> int:
    with transaction(connection):
        return tables.prune_some(connection, through)
