"""An embedded town, held to be copied from or into."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from geoworks.errors import Invalid, Problem, StoreUnusable
from geoworks.model.change import Cursor
from geoworks.store.copying import Counts, Facts, Item, Place, Section
from geoworks.store.lock import DirectoryLock
from geoworks.store.sqlite import tables
from geoworks.store.sqlite.backup import DATABASE_NAME
from geoworks.store.sqlite.columns import CODEC
from geoworks.store.sqlite.connection import closed_on_error, connect_reader, connect_writer, transaction
from geoworks.store.sqlite.migrate import check_schema, known_migrations, migrate
from geoworks.store.sqlite.queries import SQL
from geoworks.store.sqlite.thread import ConnectionThread
from geoworks.store.told import TOLD_NAME, write_told

_COUNTED = ("features", "versions", "log", "replies", "documents")
_BUSY_TIMEOUT_S = 5.0


@asynccontextmanager
async def hold_folder(data_dir: Path, *, make: bool) -> AsyncIterator[SqliteHolding]:
    """Lock a data directory and hold the town in it; with `make` it may be empty.

    Raises:
        Invalid: there is no town.
        StoreError: it is in use, or cannot be opened.

    """
    database = data_dir / DATABASE_NAME
    if not make and not database.exists():
        raise Invalid(Problem(str(database), "does not exist", "name the folder of a town"))
    lock = DirectoryLock.take(data_dir)
    try:
        async with hold_file(database, told=data_dir / TOLD_NAME) as holding:
            yield holding
    finally:
        lock.release()


@asynccontextmanager
async def hold_file(database: Path, *, told: Path | None = None) -> AsyncIterator[SqliteHolding]:
    """Hold the town in a database file that nobody else uses, made where it is missing; `told` is its sidecar."""
    thread = await ConnectionThread.open(database, partial(_connect, database), bound=1)
    try:
        yield SqliteHolding(database, thread, told)
    finally:
        await thread.close()


@asynccontextmanager
async def read_file(database: Path) -> AsyncIterator[SqliteHolding]:
    """Hold the town in a database file to be read only.

    Raises:
        StoreUnusable: it is damaged, or from another program or a later release.

    """
    thread = await ConnectionThread.open(database, partial(_connect_reader, database), bound=1)
    try:
        yield SqliteHolding(database, thread, None)
    finally:
        await thread.close()


class SqliteHolding:
    """A `geoworks.store.copying.Holding` of an embedded town."""

    def __init__(self, database: Path, thread: ConnectionThread, told: Path | None) -> None:
        """Hold the database that a thread has open."""
        self._database = database
        self._thread = thread
        self._told = told

    @property
    def name(self) -> str:
        """Return its path."""
        return str(self._database)

    async def facts(self) -> Facts:
        """Return where its log stands."""
        head = await self._thread.run(tables.head)
        return Facts(head.epoch, head.offset, head.first - 1)

    async def counts(self) -> Counts:
        """Return how much of every section there is."""
        return await self._thread.run(_counts)

    async def read(self, section: Section, after: Place) -> Sequence[Item]:
        """Return what comes after a place, at most a chunk; nothing at the end."""
        statement, values = SQL[f"next_{section.name}"], (*after, section.chunk)
        rows = await self._thread.run(lambda connection: connection.execute(statement, values).fetchall())
        return list(section.read(CODEC, rows))

    async def put(self, section: Section, items: Sequence[Item]) -> None:
        """Add items durably, all or none."""

        def put(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(SQL[f"fill_{section.name}"], section.write(CODEC, items))

        await self._thread.run(put)

    async def reached(self, section: Section) -> Place | None:
        """Return the last place it holds, or None."""
        place: Place | None = await self._thread.run(
            lambda connection: connection.execute(SQL[f"reached_{section.name}"]).fetchone()
        )
        return place

    async def arriving(self) -> str:
        """Return the name of what is being copied into it; empty when nothing is."""
        return await self._thread.run(tables.arriving)

    async def begin(self, name: str, sections: Sequence[Section]) -> None:
        """Empty these sections and note what is being copied into it."""

        def begin(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                for section in sections:
                    connection.execute(SQL[f"empty_{section.name}"])
                connection.execute(SQL["put_meta"], ("arriving", name))

        await self._thread.run(begin)

    async def finish(self, facts: Facts) -> None:
        """Take over where the log stands, and vouch for it in the sidecar."""
        await self._thread.run(partial(_finish, facts=facts))
        if self._told is not None:
            write_told(self._told, Cursor(facts.epoch, facts.last))


def _connect(database: Path) -> sqlite3.Connection:
    connection = connect_writer(database, busy_timeout_s=_BUSY_TIMEOUT_S)
    with closed_on_error(connection):
        migrate(connection, database, known_migrations())
    return connection


def _connect_reader(database: Path) -> sqlite3.Connection:
    connection = connect_reader(database, busy_timeout_s=_BUSY_TIMEOUT_S)
    with closed_on_error(connection):
        if check_schema(connection, database, newest=len(known_migrations())) != len(known_migrations()):
            raise StoreUnusable(f"{database} is empty or of an earlier release: restore it into a folder first")
    return connection


def _counts(connection: sqlite3.Connection) -> Counts:
    return dict(zip(_COUNTED, connection.execute(SQL["counts"]).fetchone(), strict=True))


def _finish(connection: sqlite3.Connection, facts: Facts) -> None:
    with transaction(connection):
        tables.begin_epoch(connection, facts.epoch)
        connection.execute(SQL["put_meta"], ("pruned", facts.pruned))
        connection.execute(SQL["drop_meta"], ("arriving",))
