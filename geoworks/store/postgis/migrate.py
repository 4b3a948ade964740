"""Bring a database to the present schema: numbered migrations in one transaction, by one process at a time."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from geoworks.errors import StoreReadOnly, StoreUnusable
from geoworks.store.migrations import Migration, read_migrations
from geoworks.store.postgis.queries import SQL, SQL_DIR

# "gwks"; the lock of the one that writes has the next number.
_LOCK = 0x67776B73
_OUR_MISTAKES = ("22", "23", "42")


def known_migrations() -> list[Migration]:
    """Return the migrations of this release in order."""
    return read_migrations(SQL_DIR)


async def migrate(connection: asyncpg.Connection, name: str, migrations: Sequence[Migration]) -> None:
    """Run the migrations that a database lacks, inside the caller's transaction: all of them or none.

    Raises:
        StoreUnusable: the schema is another program's, is of a later release, or a migration failed.
        StoreReadOnly: the schema is older, and this role may not change it.

    """
    if await lacks_nothing(connection, name, migrations):
        return
    await connection.execute(SQL["lock_migrations"], _LOCK)
    schema = await find_schema(connection, name, newest=len(migrations))
    await connection.execute(SQL["begin_migrations"])
    await connection.execute(SQL["make_migrations_table"])
    for migration in migrations[schema:]:
        await _run(connection, name, migration)
    await grant(connection)


async def grant(connection: asyncpg.Connection) -> None:
    """Give the roles of the set-up their rights, where they exist and this role may."""
    if await connection.fetchval(SQL["schema_owned"]):
        await connection.execute(read_script("grants"))


def read_script(name: str) -> str:
    """Return a script that is run as a whole."""
    return SQL_DIR.joinpath("scripts", f"{name}.sql").read_text("utf-8")


async def lacks_nothing(connection: asyncpg.Connection, name: str, migrations: Sequence[Migration]) -> bool:
    """Tell whether a database is at the present schema; where it is not, this role may bring it there.

    Raises:
        StoreUnusable: the schema is another program's, or of a later release.
        StoreReadOnly: the schema is older, and this role may not change it.

    """
    schema = await find_schema(connection, name, newest=len(migrations))
    if schema == len(migrations):
        return True
    if not (await connection.fetchrow(SQL["schema"]))["may_create"]:
        raise StoreReadOnly(
            f"{name} has schema {schema}, this release needs {len(migrations)}, and this role may not change it: "
            "run `geoworks store migrate` once with the owner's address in GEOWORKS_STORE_DSN"
        )
    return False


async def find_schema(connection: asyncpg.Connection, name: str, *, newest: int) -> int:
    """Return the number of the schema a database is at, 0 when there is none.

    Raises:
        StoreUnusable: the schema is another program's, or of a later release.

    """
    found = await connection.fetchrow(SQL["schema"])
    if not found["ours"]:
        if found["filled"]:
            raise StoreUnusable(f"{name}: another program has tables in the schema geoworks: name another database")
        return 0
    schema = int(await connection.fetchval(SQL["schema_number"]))
    if schema > newest:
        raise StoreUnusable(
            f"{name} has schema {schema} and this release knows {newest}: install the release that wrote it"
        )
    return schema


async def _run(connection: asyncpg.Connection, name: str, migration: Migration) -> None:
    try:
        await connection.execute(migration.script)
    except asyncpg.PostgresError as error:
        # A full disk or a missing right has its own error and mend; what is left is the script against this database.
        if not (error.sqlstate or "").startswith(_OUR_MISTAKES) or error.sqlstate == "42501":
            raise
        raise StoreUnusable(
            f"{name}: migration {migration.name} failed ({error}); the database is as it was: go back to the release"
            " before"
        ) from error
    await connection.execute(SQL["note_migration"], migration.number, migration.name)
