"""The store on PostgreSQL with PostGIS, through asyncpg: one connection writes, one numbers, a pool reads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import StoreTable, VectorTiles
from geoworks.errors import StoreError, StoreUncertain, StoreUnusable
from geoworks.model.change import Change, Cursor, Key, Record, Version
from geoworks.nodes import Followed, Numbered, Outlook, Sent, Standing, Waiting
from geoworks.ports import Batch, Head, Reply
from geoworks.store.lock import DirectoryLock
from geoworks.store.postgis import tables
from geoworks.store.postgis.backup import back_up
from geoworks.store.postgis.faults import CutDuringCommit, fault
from geoworks.store.postgis.few import is_few
from geoworks.store.postgis.following import log_after, look
from geoworks.store.postgis.history import find_head
from geoworks.store.postgis.leader import LEADER, Leader
from geoworks.store.postgis.migrate import known_migrations, migrate
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.readers import Readers
from geoworks.store.postgis.server import check_rights, find_postgis
from geoworks.store.postgis.tiles import PostgisTiles
from geoworks.store.postgis.writer import TOWN_LOCK, Lock, Writer
from geoworks.store.told import TOLD_NAME, Told, read_told

T = TypeVar("T")
Reading = Callable[[asyncpg.Connection], Awaitable[T]]

_ATTEMPTS = 3
# So long a node may be away and still follow the log.
_FOLLOW_S = 3_600.0


class PostgisStore:
    """A `geoworks.nodes.SharedStore` on a PostgreSQL server, written by many nodes.

    Every batch carries an id, stored with what it wrote: when the connection breaks while the server commits, the
    store looks whether it went through. While the server is away every method raises `StoreUnreachable`; when it is
    back they work again.
    """

    def __init__(self, settings: StoreTable, data_dir: Path, *, clock: Clock, node: str = "") -> None:
        """Name the database, the folder of this process (its lock, and what it told), and how others name this node."""
        self._place = Place(settings)
        self._dir = data_dir
        self._clock = clock
        self._node = node or node_name()
        self._home = ""
        self._doubt: tuple[UUID, Sent] | None = None
        self._lost: StoreUnusable | None = None
        self._resources = AsyncExitStack()
        self._writer: Writer
        self._leader: Leader
        self._readers: Readers
        self._told: Told

    async def open(self) -> Head:
        """Lock the data directory, migrate the database, and tell where the log stands.

        Raises:
            StoreError: it cannot be reached, is held by a copy, lacks something, or is from a later release.

        """
        async with AsyncExitStack() as stack:
            lock = await asyncio.to_thread(DirectoryLock.take, self._dir)
            stack.callback(lock.release)
            # Closed after the writer, which notes in it what its last commits told.
            sidecar = stack.enter_context(ExitStack())
            postgis_schema = await find_postgis(self._place)
            self._writer = Writer(self._place, postgis_schema, lock=Lock(TOWN_LOCK, shared=True))
            stack.push_async_callback(self._writer.close)
            await self._writer.open()
            await self._writer.repeatable(self._prepare)
            head = await self._writer.repeatable(self._begin)
            sidecar.callback(self._told.close)
            leading = Writer(self._place, postgis_schema, lock=LEADER)
            self._leader = Leader(leading, name=self._place.name, node=self._node)
            stack.push_async_callback(self._leader.resign)
            self._readers = await Readers.open(self._place, postgis_schema)
            stack.push_async_callback(self._readers.close)
            self._doubt, self._lost = None, None
            self._resources = stack.pop_all()
        return head

    async def close(self) -> None:
        """Finish what was accepted and disconnect; harmless when it is not open."""
        await self._resources.aclose()

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all current records in chunks, in the order they first came."""
        async for features in self.standing():
            yield [feature.record for feature in features]

    async def standing(self) -> AsyncIterator[Sequence[Standing]]:
        """Yield all current features in chunks, in the order they first came; some may be ahead of the log."""
        last, features = await self._read(partial(tables.next_standing, after=0))
        while features:
            yield features
            last, features = await self._read(partial(tables.next_standing, after=last))

    async def send(self, batch: Batch) -> Sent:
        """Make a batch durable, to be numbered soon.

        Raises:
            Overtaken: another node wrote one of the features meanwhile.
            StoreUncertain: the server went away while it committed; call `settle_sent` before the next batch.
            StoreError: nothing of the batch was written.

        """
        return await self._writer.finished(partial(self._send, batch))

    async def settle_sent(self) -> Sent | None:
        """Find out what became of the batch that raised `StoreUncertain`; None when it left nothing.

        Raises:
            StoreUncertain: the server is still away.

        """
        return await self._writer.finished(self._settle)

    async def log(self, after: Cursor, *, limit: int) -> Sequence[Followed]:
        """Return the numbered changes behind a cursor, in order, at most `limit`, with their records.

        Raises:
            StoreUnusable: the log does not lead to the cursor any more, or the records are not kept.

        """
        return await self._unless_lost(self._read(partial(log_after, after=after, limit=limit)))

    async def look(self) -> Outlook:
        """Tell how the store stands."""
        return await self._read(partial(look, now=SystemClock().now()))

    async def zones_moved(self) -> int:
        """Return the offset after which the zones have been as they are, 0 when that was long ago."""
        return await self._read(tables.zones_moved)

    async def lead(self, known: Cursor) -> bool:
        """Become the one that numbers, unless another node is; `known` is where this node knows the log to stand.

        Raises:
            StoreUnusable: the log does not lead there any more.

        """
        self._check_ours()
        return await self._unless_lost(self._leader.lead(known, self._home))

    async def number(self, *, zones_at: int, limit: int) -> Numbered:
        """Give the oldest changes that wait their offsets, at most `limit`.

        Raises:
            LeadLost: another node numbers.

        """
        return await self._leader.number(zones_at=zones_at, limit=limit)

    async def waiting(self, *, limit: int) -> Sequence[Waiting]:
        """Return the oldest changes that can be numbered, in their order."""
        return await self._leader.waiting(limit=limit)

    async def rejoined(self, changes: Sequence[Waiting]) -> None:
        """Put changes that wait in the place of those with the same revision.

        Raises:
            LeadLost: another node numbers.

        """
        await self._leader.rejoined(changes)

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        return await self._read(partial(tables.changes_after, after=after, limit=limit))

    async def versions(self, key: Key) -> Sequence[Version]:
        """Return the versions of one feature, the oldest first; empty when it never was."""
        return await self._read(partial(tables.versions_of, key=key))

    async def reply(self, owner: str, key: str) -> Reply | None:
        """Return what an `Idempotency-Key` of an owner answered, unless it has expired.

        Raises:
            StoreUncertain: a batch is in doubt; the answer may be of what nobody can be shown yet.

        """
        self._check_no_doubt()
        return await self._read(partial(tables.reply_to, owner=owner, key=key, now=self._clock.now()))

    async def prune(self, *, changes_before: datetime, now: datetime) -> int:
        """Drop log entries older than a moment and expired replies; return how many entries went.

        They go from the oldest on, a few thousand in a transaction, so commits pass in between. The first offset
        still kept is further by what this returns. Records that nodes followed long ago go too.
        """
        await self._write(partial(tables.drop_expired, now=now))
        while await self._write(partial(tables.drop_records, older_s=_FOLLOW_S)):
            pass
        dropped = 0
        while step := await self._write(partial(tables.prune_some, before=changes_before)):
            dropped += step
        return dropped

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told, in the sidecar."""
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

    async def _unless_lost(self, asking: Awaitable[T]) -> T:
        """Return what is asked; once the log is not what this node knows, nothing is asked or written any more."""
        try:
            return await asking
        except StoreUnusable as error:
            self._lost = error
            raise

    async def _write(self, task: Reading[T]) -> T:
        self._check_ours()
        return await self._writer.repeatable(task)

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await migrate(connection, self._place.name, known_migrations())
        await check_rights(connection, self._place.name)

    async def _begin(self, connection: asyncpg.Connection) -> Head:
        path = self._dir / TOLD_NAME
        head, self._home = await find_head(connection, self._place.name, await asyncio.to_thread(read_told, path))
        self._told = await asyncio.to_thread(Told, path, Cursor(head.epoch, head.offset))
        return head

    async def _send(self, batch: Batch) -> Sent:
        self._check_ours()
        self._check_no_doubt()
        check = "" if is_few(batch) else SQL["check_order"]
        is_single = is_few(batch) and not batch.replies
        for _ in range(_ATTEMPTS):
            commit, revisions = uuid4(), list[int]()

            async def write(
                connection: asyncpg.Connection, commit: UUID = commit, revisions: list[int] = revisions
            ) -> None:
                revisions[:] = await tables.send(connection, commit, batch)

            try:
                await self._writer.attempt(write, check=check, is_single=is_single)
            except CutDuringCommit as cut:
                self._doubt = commit, _sent(revisions)
                if sent := await self._settle():
                    return sent
                # What took too long would do so again.
                if isinstance(cut.__cause__, TimeoutError):
                    raise fault(cut.__cause__, self._place.name) from cut
                continue
            return _sent(revisions)
        raise StoreError(f"{self._place.name} broke off {_ATTEMPTS} times: look at its log")

    async def _settle(self) -> Sent | None:
        if self._doubt is None:
            return None
        commit, sent = self._doubt

        async def prevent(connection: asyncpg.Connection) -> asyncpg.Record:
            # Waits for the end of what the server may still do on the lost connection.
            return await connection.fetchrow(SQL["prevent_commit"], commit)

        try:
            found = await self._writer.attempt(prevent, repeatable=True)
        except StoreError as error:
            raise StoreUncertain(f"what became of this write is not known yet; send it again ({error})") from error
        self._doubt = None
        if found["prevented"]:
            return None
        # Where the batch was one exchange, its revisions were lost with the answer.
        return sent if found["revision"] is None else Sent(found["revision"])

    def _check_no_doubt(self) -> None:
        if self._doubt is not None:
            raise StoreUncertain(f"{self._place.name}: what became of the last write is not known yet; send it again")

    def _check_ours(self) -> None:
        if self._lost is not None:
            raise StoreUnusable(str(self._lost))


def node_name() -> str:
    """Return how a node is named that has no name; everybody may read it, so its host is not in it."""
    return f"node {os.getpid()}"


def _sent(revisions: Sequence[int]) -> Sent:
    return Sent(revisions[-1] if revisions else None)
