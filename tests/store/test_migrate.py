"""Migrations: whole or not at all, and never backwards."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.errors import StoreUnusable
from geoworks.store.migrations import Migration
from geoworks.store.sqlite import SqliteStore
from geoworks.store.sqlite.connection import connect_writer
from geoworks.store.sqlite.migrate import known_migrations, migrate
from geoworks.store.sqlite.queries import SQL
from tests.store.samples import batch, put, read_whole, works_record

NEXT = len(known_migrations()) + 1


def bring_to(path: Path, *later: Migration) -> None:
    """Migrate a file as a later release would."""
    with closing(connect_writer(path, busy_timeout_s=1)) as connection:
        migrate(connection, path, [*known_migrations(), *later])


def later_migration(*statements: str, number: int = NEXT) -> Migration:
    """Make a migration that a later release might bring."""
    script = ";\n".join([*statements, f"PRAGMA user_version = {number}", ""])
    return Migration(number, f"{number:04}_later.sql", script)


@pytest.fixture
async def database(store: SqliteStore, tmp_path: Path) -> Path:
    """Give a closed database with one works in it."""
    await store.commit(batch(put(works_record())))
    await store.close()
    return tmp_path / "data" / "geoworks.db"


FAILING = [
    ["CREATE TABLE fresh (x)", "UPDATE features SET title = 'x'"],
    ["DROP TABLE log", "DELETE FROM features", "this is no SQL"],
    ["UPDATE features SET given = NULL"],
    ["UPDATE features SET version = 'no number'"],
]


@pytest.mark.parametrize("statements", FAILING)
async def test_failed_migration(database: Path, clock: ManualClock, statements: Sequence[str]) -> None:
    """A migration that fails half-way leaves a file that the release before opens and finds whole."""
    with pytest.raises(StoreUnusable, match=rf"{NEXT:04}_later.sql failed .* the file is as it was"):
        bring_to(database, later_migration(*statements))
    store = SqliteStore(database.parent, clock=clock)
    assert (await store.open()).offset == 1
    record = works_record()
    assert (await read_whole(store)).records == {record.key: record}
    await store.commit(batch(put(works_record(2))))
    await store.close()


async def test_earlier_migrations_stay(database: Path) -> None:
    """Each migration is a transaction of its own: those before the failing one are done."""
    good = later_migration("CREATE TABLE fresh (x)")
    with pytest.raises(StoreUnusable):
        bring_to(database, good, later_migration("no SQL", number=NEXT + 1))
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
        assert connection.execute("SELECT count(*) FROM fresh").fetchone() == (0,)


async def test_copy_before(database: Path, tmp_path: Path, clock: ManualClock) -> None:
    """Before a file is migrated it is copied; the copy opens as the file did."""
    bring_to(database, later_migration("DELETE FROM features"))
    (tmp_path / "old").mkdir()
    database.with_name(f"geoworks.db.schema-{NEXT - 1}").rename(tmp_path / "old" / "geoworks.db")
    store = SqliteStore(tmp_path / "old", clock=clock)
    assert (await store.open()).offset == 1
    assert len((await read_whole(store)).records) == 1
    await store.close()


async def test_schema_of_a_later_release(database: Path, clock: ManualClock) -> None:
    """A file of a later release is refused with both versions, and not touched."""
    bring_to(database, later_migration())
    with pytest.raises(StoreUnusable, match=f"schema {NEXT} and this release knows {NEXT - 1}"):
        await SqliteStore(database.parent, clock=clock).open()
    bring_to(database, later_migration())


def test_fresh_file_needs_no_copy(tmp_path: Path) -> None:
    """A new file is brought to the present schema without a copy of nothing."""
    path = tmp_path / "geoworks.db"
    bring_to(path)
    assert [file.name for file in tmp_path.iterdir()] == ["geoworks.db"]


def test_every_migration_sets_its_number(tmp_path: Path) -> None:
    """The migrations are numbered from 1 without a gap, and each leaves its number in the file."""
    path = tmp_path / "geoworks.db"
    migrations = known_migrations()
    with closing(connect_writer(path, busy_timeout_s=1)) as connection:
        for number in range(1, len(migrations) + 1):
            assert migrations[number - 1].number == number
            migrate(connection, path, migrations[:number])
            assert connection.execute("PRAGMA user_version").fetchone() == (number,)


@pytest.mark.parametrize("name", SQL)
def test_every_query(tmp_path: Path, name: str) -> None:
    """Every query begins with a sentence that says what it does, and fits the schema."""
    sentence, _, statement = SQL[name].partition("\n")
    assert sentence.startswith("-- ")
    assert sentence.endswith(".")
    with closing(connect_writer(tmp_path / "geoworks.db", busy_timeout_s=1)) as connection:
        migrate(connection, tmp_path / "geoworks.db", known_migrations())
        names = dict.fromkeys(re.findall(r":(\w+)", statement))
        assert connection.execute(f"EXPLAIN {statement}", names or [None] * statement.count("?")).fetchall()
