"""A town on a server, held to be copied from or into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from geoworks.config.settings import StoreTable
from geoworks.errors import StoreUncertain
from geoworks.store.codec import Row
from geoworks.store.copying import Counts, Facts, Item, Place, Section
from geoworks.store.postgis.columns import CHANGE, CODEC, FEATURE, VERSION, feature_rows
from geoworks.store.postgis.faults import CutDuringCommit, translated
from geoworks.store.postgis.migrate import grant, known_migrations, migrate
from geoworks.store.postgis.place import SCHEMA
from geoworks.store.postgis.place import Place as Address
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.server import find_postgis
from geoworks.store.postgis.writer import TOWN_LOCK, Lock, Writer

Asking: TypeAlias = Callable[[asyncpg.Connection], Awaitable[Any]]

_COLUMNS = {
    "features": ("number", *FEATURE),
    "versions": ("number", *VERSION),
    "log": CHANGE,
    "replies": ("owner", "key", "body_hash", "status", "body", "expires"),
    "documents": ("collection", "name", "value"),
}


@asynccontextmanager
async def hold_database(settings: StoreTable, *, aside: str = "") -> AsyncIterator[PostgisHolding]:
    """Keep every other process from writing in a database, made ready where it is empty.

    With `aside` a town that is there is kept in a schema of this name, and the place is empty.

    Raises:
        StoreError: it cannot be reached, is in use, or cannot keep a town.

    """
    address = Address(settings)
    writer = Writer(address, await find_postgis(address), lock=Lock(TOWN_LOCK))
    try:
        await writer.open()

        async def ask(asking: Asking) -> Any:  # noqa: ANN401 - whatever is asked
            try:
                return await writer.finished(lambda: writer.attempt(asking))
            except CutDuringCommit as error:
                raise StoreUncertain(f"{address.name} broke off: ask again, the copy goes on") from error

        async def prepare(connection: asyncpg.Connection) -> bool:
            there = bool(aside and (await connection.fetchrow(SQL["schema"]))["ours"])
            if there:
                await connection.fetchval(SQL["aside_name"], aside)
                await connection.execute(SQL["keep_aside"])
            await migrate(connection, address.name, known_migrations())
            # Also where nothing was lacking: the roles may have come after the tables.
            await grant(connection)
            # What the nodes had no time to number any more.
            await connection.execute(SQL["number_all"])
            return there

        yield PostgisHolding(address.name, ask, kept_aside=await ask(prepare))
    finally:
        await writer.close()


@asynccontextmanager
async def read_database(settings: StoreTable) -> AsyncIterator[PostgisHolding]:
    """Hold one moment of a database to be read only, while others write.

    Raises:
        StoreError: it cannot be reached.

    """
    address = Address(settings)
    connection = await address.connect(await find_postgis(address))
    try:
        with translated(address.name):
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

        async def ask(asking: Asking) -> Any:  # noqa: ANN401 - whatever is asked
            with translated(address.name):
                return await asking(connection)

        yield PostgisHolding(address.name, ask)
    finally:
        await connection.close()


class PostgisHolding:
    """A `geoworks.store.copying.Holding` of a town on a server."""

    def __init__(self, name: str, ask: Callable[[Asking], Awaitable[Any]], *, kept_aside: bool = False) -> None:
        """Hold what a way of asking reaches; each asking is a transaction, or all of them are one that reads."""
        self.kept_aside = kept_aside
        self._name = name
        self._ask = ask

    @property
    def name(self) -> str:
        """Return the database and its host."""
        return self._name

    async def facts(self) -> Facts:
        """Return where its log stands."""
        row = await self._ask(lambda connection: connection.fetchrow(SQL["head"]))
        return Facts(row["epoch"], row["last"], row["pruned"])

    async def counts(self) -> Counts:
        """Return how much of every section there is."""
        return dict(await self._ask(lambda connection: connection.fetchrow(SQL["counts"])))

    async def read(self, section: Section, after: Place) -> Sequence[Item]:
        """Return what comes after a place, at most a chunk; nothing at the end."""
        statement = SQL[f"next_{section.name}"]
        rows = await self._ask(lambda connection: connection.fetch(statement, *after, section.chunk))
        return list(section.read(CODEC, rows))

    async def put(self, section: Section, items: Sequence[Item]) -> None:
        """Add items durably, all or none."""
        columns = _COLUMNS[section.name]
        # Made anew for each attempt, for an attempt uses them up.
        await self._ask(
            lambda connection: connection.copy_records_to_table(
                section.name, schema_name=SCHEMA, columns=columns, records=_rows(section, items)
            )
        )

    async def reached(self, section: Section) -> Place | None:
        """Return the last place it holds, or None."""
        row = await self._ask(lambda connection: connection.fetchrow(SQL[f"reached_{section.name}"]))
        return tuple(row) if row else None

    async def arriving(self) -> str:
        """Return the name of what is being copied into it; empty when nothing is."""
        return str((await self._ask(lambda connection: connection.fetchrow(SQL["head"])))["arriving"])

    async def begin(self, name: str, sections: Sequence[Section]) -> None:
        """Empty these sections and note what is being copied into it."""

        async def begin(connection: asyncpg.Connection) -> None:
            for section in sections:
                await connection.execute(SQL[f"empty_{section.name}"])
            await connection.execute(SQL["note_arriving"], name)

        await self._ask(begin)

    async def finish(self, facts: Facts) -> None:
        """Take over where the log stands, at home here."""

        async def finish(connection: asyncpg.Connection) -> None:
            home = await connection.fetchval(SQL["home"])
            await connection.execute(SQL["arrived"], facts.epoch, facts.last, facts.pruned, home)
            await connection.execute(SQL["go_on_numbering"])

        await self._ask(finish)


def _rows(section: Section, items: Sequence[Item]) -> Iterator[Row]:
    if section.name != "features":
        return section.write(CODEC, items)
    rows = feature_rows([record for _, record in items])
    return ((*place, *row) for (place, _), row in zip(items, rows, strict=True))
