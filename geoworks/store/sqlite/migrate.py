"""Bring a database file to the present schema: numbered migrations, each whole or not at all.

A migration is a file `sql/migrations/NNNN_name.sql` that sets `PRAGMA user_version` to its number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from geoworks.errors import StoreUnusable
from geoworks.store.migrations import Migration, read_migrations
from geoworks.store.sqlite.connection import transaction
from geoworks.store.sqlite.copies import fresh_copy
from geoworks.store.sqlite.queries import SQL, SQL_DIR

APPLICATION_ID = 0x67776B73  # "gwks"


def known_migrations() -> list[Migration]:
    """Return the migrations of this release in order."""
    return read_migrations(SQL_DIR)


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Run the migrations a file lacks; the file as it was stays beside as `NAME.schema-N` when there was one.

    Raises:
        StoreUnusable: the file is not ours, is of a later release, or a migration failed and left it as it was.

    """
    schema = check_schema(connection, path, newest=len(migrations))
    lacking = migrations[schema:]
    if lacking and schema:
        with fresh_copy(connection, path.with_name(f"{path.name}.schema-{schema}")):
            pass
    for migration in lacking:
        _run(connection, path, migration)


def check_schema(connection: sqlite3.Connection, path: Path, *, newest: int) -> int:
    """Return the schema a file is at, 0 when it is empty.

    Raises:
        StoreUnusable: the file is another program's, or of a later release.

    """
    ((schema,),) = connection.execute("PRAGMA user_version")
    ((application,),) = connection.execute("PRAGMA application_id")
    ((tables,),) = connection.execute(SQL["table_count"])
    if application != APPLICATION_ID and tables:
        raise StoreUnusable(f"{path} is no geoworks database: name another folder under [data] dir")
    if schema > newest:
        raise StoreUnusable(
            f"{path} has schema {schema} and this release knows {newest}: install the release that wrote it,"
            " or restore a copy made before"
        )
    return int(schema)


def _run(connection: sqlite3.Connection, path: Path, migration: Migration) -> None:
    try:
        with transaction(connection):
            for statement in statements(migration.script):
                connection.execute(statement)
    except sqlite3.OperationalError as error:
        # A full or locked disk has its own error and mend; what is left is the script against this file.
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        raise _failed(path, migration, error) from error
    except sqlite3.IntegrityError as error:
        raise _failed(path, migration, error) from error


def _failed(path: Path, migration: Migration, error: sqlite3.Error) -> StoreUnusable:
    return StoreUnusable(
        f"migration {migration.name} failed on {path} ({error}); the file is as it was: go back to the release before"
    )


def statements(script: str) -> Iterator[str]:
    r"""Yield the statements of a script one by one, for the driver's own way would end our transaction.

    >>> list(statements("SELECT 1;\nSELECT\n';';\n"))
    ['SELECT 1;\n', "SELECT\n';';\n"]
    """
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
