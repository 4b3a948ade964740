"""The store on PostgreSQL with PostGIS, through asyncpg: one connection writes, a pool reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

from geoworks.clock import Clock
from geoworks.config.settings import StoreTable, VectorTiles
from geoworks.errors import StoreError, StoreUncertain, StoreUnusable
from geoworks.ids import new_id
from geoworks.model.change import Change, Cursor, Key, Record, Version
from geoworks.ports import Batch, Committed, Head, Reply
from geoworks.store.lock import DirectoryLock
from geoworks.store.postgis import tables
from geoworks.store.postgis.backup import back_up
from geoworks.store.postgis.faults import CutDuringCommit
from geoworks.store.postgis.migrate import known_migrations, migrate
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.readers import Readers
from geoworks.store.postgis.server import check_rights, find_postgis
from geoworks.store.postgis.tiles import PostgisTiles
from geoworks.store.postgis.writer import Writer
from geoworks.store.told import TOLD_NAME, Told, read_told

T = TypeVar("T")
Reading = Callable[[asyncpg.Connection], Awaitable[T]]

_ATTEMPTS = 3


class _Doubt(Struct, frozen=True):
    """A commit of which nobody knows whether it went through."""

    id: UUID
    changes: Sequence[Change]


class PostgisStore:
    """A `geoworks.ports.Store` on a PostgreSQL server, written by one process at a time.

    Every commit carries an id, stored with what it wrote: when the connection breaks while the server commits, the
    store looks whether it went through. While the server is away every method raises `StoreUnreachable`; when it is
    back they work again.
    """

    def __init__(self, settings: StoreTable, data_dir: Path, *, clock: Clock) -> None:
        """Name the database and the folder of this process (its lock, and what it told); nothing is touched yet."""
        self._place = Place(settings)
        self._dir = data_dir
        self._clock = clock
        self._id = new_id()
        self._last = 0
        self._doubt: _Doubt | None = None
        self._lost: StoreUnusable | None = None
        self._resources = AsyncExitStack()
        self._writer: Writer
        self._readers: Readers
        self._told: Told

    async def open(self) -> Head:
        """Lock the data directory and the database, migrate it, and tell where the log stands.

        Raises:
            StoreError: it cannot be reached, is in use, lacks something, or is from a later release.

        """
        async with AsyncExitStack() as stack:
            lock = await asyncio.to_thread(DirectoryLock.take, self._dir)
            stack.callback(lock.release)
            # Closed after the writer, which notes in it what its last commits told.
            sidecar = stack.enter_context(ExitStack())
            postgis_schema = await find_postgis(self._place)
            self._writer = Writer(self._place, postgis_schema)
            stack.push_async_callback(self._writer.close)
            await self._writer.open()
            await self._writer.repeatable(self._prepare)
            head = await self._writer.repeatable(self._find_head)
            sidecar.callback(self._told.close)
            self._readers = await Readers.open(self._place, postgis_schema)
            stack.push_async_callback(self._readers.close)
            self._last, self._doubt, self._lost = head.offset, None, None
            self._resources = stack.pop_all()
        return head

    async def close(self) -> None:
        """Finish what was accepted and disconnect; harmless when it is not open."""
        await self._resources.aclose()

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all current records in chunks, in the order they first came."""
        last, records = await self._read(partial(tables.next_records, after=0))
        while records:
            yield records
            last, records = await self._read(partial(tables.next_records, after=last))

    async def commit(self, batch: Batch) -> Committed:
        """Make a batch durable and return its changes, numbered in the order of its writes (silent ones left out).

        The change of a removal carries the version it removed.

        Raises:
            StoreUncertain: the server went away while it committed; call `settle` before the next commit.
            StoreError: nothing of the batch was written.

        """
        return await self._writer.finished(partial(self._commit, batch))

    async def settle(self) -> Committed | None:
        """Find out what became of the commit that raised `StoreUncertain`: its changes, None when it left nothing.

        Raises:
            StoreUncertain: the server is still away.

        """
        return await self._writer.finished(self._settle)

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        return await self._read(partial(tables.changes_after, after=after, limit=limit))

    async def versions(self, key: Key) -> Sequence[Version]:
        """Return the versions of one feature, the oldest first; empty when it never was."""
        return await self._read(partial(tables.versions_of, key=key))

    async def reply(self, owner: str, key: str) -> Reply | None:
        """Return what an `Idempotency-Key` of an owner answered, unless it has expired.

        Raises:
            StoreUncertain: a commit is in doubt; the answer may be of what nobody can be shown yet.

        """
        self._check_no_doubt()
        return await self._read(partial(tables.reply_to, owner=owner, key=key, now=self._clock.now()))

    async def prune(self, *, changes_before: datetime, now: datetime) -> int:
        """Drop log entries older than a moment and expired replies; return how many entries went.

        They go from the oldest on, a few thousand in a transaction, so commits pass in between. The first offset
        still kept is further by what this returns.
        """
        await self._write(partial(tables.drop_expired, now=now))
        dropped = 0
        while step := await self._write(partial(tables.prune_some, before=changes_before)):
            dropped += step
        return dropped

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told; free, for every commit has noted its own already."""
        self._told.note(offset)

    async def backup(self, target: Path) -> None:
        """Copy everything to a new file while serving, as an embedded town; it appears when it is whole and checked."""
        await back_up(self._place.settings, target)

    async def document(self, collection: str, name: str) -> bytes | None:
        """Return a small named value, or None."""
        return await self._read(partial(tables.document, collection=collection, name=name))

    async def documents(self, collection: str) -> Mapping[str, bytes]:
        """Return all values of a collection by name."""
        return await self._read(partial(tables.documents_of, collection=collection))

    async def put_document(self, collection: str, name: str, value: bytes | None) -> None:
        """Write a small named value durably; None drops it."""
        await self._write(partial(tables.put_document, place=(collection, name), value=value))

    def tiles(self, settings: VectorTiles) -> PostgisTiles:
        """Return what makes vector tiles of what is held here, with at most half of the connections that read."""
        return PostgisTiles(self._read, settings=settings, at_once=max(1, self._place.settings.pool_size // 2))

    async def _read(self, reading: Reading[T]) -> T:
        self._check_ours()
        return await self._readers.read(reading)

    async def _write(self, task: Reading[T]) -> T:
        self._check_ours()

        async def fenced(connection: asyncpg.Connection) -> T:
            await self._hold_head(connection)
            return await task(connection)

        return await self._writer.repeatable(fenced)

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await migrate(connection, self._place.name, known_migrations())
        await check_rights(connection, self._place.name)

    async def _find_head(self, connection: asyncpg.Connection) -> Head:
        """Tell where the log stands, in a new epoch when this is not the database that named it, or it was set back."""
        path = self._dir / TOLD_NAME
        row = await connection.fetchrow(SQL["head"])
        if row["arriving"]:
            raise StoreUnusable(f"{self._place.name}: a copy into it was cut: run the same `geoworks store copy` again")
        home, told = await connection.fetchval(SQL["home"]), await asyncio.to_thread(read_told, path)
        set_back = told is not None and told.epoch == row["epoch"] and told.offset > row["last"]
        if not row["epoch"] or row["home"] != home or set_back:
            await connection.execute(SQL["begin_epoch"], new_id(), home)
        await connection.execute(SQL["become_writer"], self._id)
        head = await tables.head(connection)
        self._told = await asyncio.to_thread(Told, path, Cursor(head.epoch, head.offset))
        return head

    async def _commit(self, batch: Batch) -> Committed:
        self._check_ours()
        self._check_no_doubt()
        count = sum(not write.silent for write in batch.writes)
        for _ in range(_ATTEMPTS):
            commit, changes = uuid4(), list[Change]()

            async def write(
                connection: asyncpg.Connection, commit: UUID = commit, changes: list[Change] = changes
            ) -> None:
                changes.clear()
                if not await tables.advance(connection, commit, count, writer=self._id, last=self._last):
                    await self._hold_head(connection)
                    raise StoreError(f"{self._place.name} gave out no offsets: look at its log")
                changes.extend(await tables.write(connection, batch, last=self._last))

            try:
                await self._writer.attempt(write)
            except CutDuringCommit:
                self._doubt = _Doubt(commit, changes)
                committed = await self._settle()
                if committed is None:
                    continue
                return committed
            return self._durable(changes)
        raise StoreError(f"{self._place.name} broke off {_ATTEMPTS} times: look at its log")

    async def _settle(self) -> Committed | None:
        doubt = self._doubt
        if doubt is None:
            return None

        async def find(connection: asyncpg.Connection) -> bool:
            # Whoever still works on the lost connection holds the head: this waits for its end, whichever it is.
            await connection.fetchrow(SQL["hold_head"])
            return bool(await connection.fetchval(SQL["find_commit"], doubt.id))

        try:
            went_through = await self._writer.attempt(find, repeatable=True)
        except StoreError as error:
            raise StoreUncertain(f"what became of this write is not known yet; send it again ({error})") from error
        self._doubt = None
        return self._durable(doubt.changes) if went_through else None

    def _durable(self, changes: Sequence[Change]) -> Committed:
        committed = Committed.now(changes)
        if committed:
            self._last = committed[-1].offset
            self._told.note(self._last)
        return committed

    async def _hold_head(self, connection: asyncpg.Connection) -> None:
        """Keep others out until the end of the transaction, and see that this process may write.

        Raises:
            StoreUnusable: another process took over, or the log is not where this one left it.

        """
        row = await connection.fetchrow(SQL["hold_head"])
        if row["writer"] != self._id:
            self._lost = StoreUnusable(f"another process took {self._place.name} over: stop one, restart the other")
        elif row["last"] != self._last and self._doubt is None:
            self._lost = StoreUnusable(
                f"{self._place.name} was set back from {self._last} to {row['last']} under this process: restart it"
            )
        self._check_ours()

    def _check_no_doubt(self) -> None:
        if self._doubt is not None:
            raise StoreUncertain(f"{self._place.name}: what became of the last write is not known yet; send it again")

    def _check_ours(self) -> None:
        if self._lost is not None:
            raise StoreUnusable(str(self._lost))
