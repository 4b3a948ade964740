"""The commands for a town on PostgreSQL: roles, tables, check, backup, restore, moving."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from pathlib import Path

import asyncpg
import pytest

from geoworks.clock import SystemClock
from geoworks.store.postgis.migrate import read_script
from geoworks.store.sqlite import SqliteStore
from tests.cli.terminal import GEOWORKS, SOURCE, WAIT_S, Terminal, travaux
from tests.nats_server import running_nats
from tests.postgres import Databases
from tests.store.samples import batch, put, works_record

ROLES = ("geoworks_owner", "geoworks_writer", "geoworks_reader")
MANY, SOME = 12_000, 2_000


@pytest.fixture
def database(databases: Databases, terminal: Terminal) -> str:
    """Give a new database, and a configuration that names it by its superuser."""
    name = databases.new()
    configure(terminal, databases.server.dsn(name))
    return name


def configure(terminal: Terminal, dsn: str, *lines: str) -> None:
    """Write a configuration on a database."""
    terminal.configure("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"', *lines)


def sync_one(terminal: Terminal, dsn: str) -> None:
    """Bring one works in from a file."""
    terminal.write("travaux.geojson", travaux({"1": "Réseau d'eau"}))
    configure(terminal, dsn, *SOURCE)
    terminal.run("sync", "voirie")


def test_check(terminal: Terminal, databases: Databases, database: str) -> None:
    """A good database is told with its versions; the tables come with the first start."""
    assert "fsync or full_page_writes is off" in terminal.fail("check")
    databases.sql("ALTER SYSTEM SET fsync = on")
    try:
        databases.server.restart()
        said = terminal.run("check").out.splitlines()[-1]
    finally:
        databases.sql("ALTER SYSTEM RESET fsync")
        databases.server.restart()
    assert database in said
    assert "PostgreSQL" in said
    assert "PostGIS" in said


def test_check_of_the_clock(terminal: Terminal, databases: Databases) -> None:
    """A database whose clock is further off than may be is told, by how much and with the mend."""
    dsn = databases.server.dsn(databases.new())
    # No two readings of a clock are so near each other.
    configure(terminal, dsn, "[node]", "clock_alarm_s = 1e-9")
    databases.sql("ALTER SYSTEM SET fsync = on")
    try:
        databases.server.restart()
        told = terminal.fail("check")
    finally:
        databases.sql("ALTER SYSTEM RESET fsync")
        databases.server.restart()
    assert re.search(r"this machine's clock is [+-]\d\.\d s off the server's", told)
    assert "let both follow NTP" in told


def test_check_of_the_bus(terminal: Terminal, databases: Databases) -> None:
    """A bus that cannot carry news is told with its mend: away, without JetStream, or with a stream of another's."""
    dsn = databases.server.dsn(databases.new())
    with running_nats(jetstream=False) as server:
        configure(terminal, dsn, "[bus]", 'kind = "nats"', f'nats_servers = ["{server.url}"]')
        assert "error bus: " in (told := terminal.fail("check"))
        assert "JetStream" in told
    told = terminal.fail("check")
    assert f"error bus: {server.url}" in told


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("postgresql://town:secret@127.0.0.1:1/town", "see that the server runs"),
        ("no address", "the form is postgresql://"),
        ("", "error store.dsn: is empty"),
    ],
)
def test_check_finds_faults(terminal: Terminal, dsn: str, told: str) -> None:
    """What is wrong is told with its mend, without the password."""
    configure(terminal, dsn)
    said = terminal.fail("check")
    assert told in said
    assert "secret" not in said


def test_password_in_a_misspelt_key(terminal: Terminal) -> None:
    """An address under a misspelt key is told without its password."""
    terminal.configure("[store]", 'dns = "postgresql://town:secret@h/town?password=secret"')
    said = terminal.fail("check")
    assert "did you mean dsn?" in said
    assert "postgresql://town:***@h/town?password=***" in said
    assert "secret" not in said


def test_address_from_the_environment(terminal: Terminal, databases: Databases) -> None:
    """The address may come from the environment alone."""
    terminal.configure("[store]", 'engine = "postgresql"')
    environment = {"GEOWORKS_STORE_DSN": databases.server.dsn(databases.new())}
    said = terminal.run("store", "migrate", environment=environment).out
    assert "is at this release" in said


def test_migrate_of_an_embedded_town(terminal: Terminal) -> None:
    """Without a database there is nothing to migrate."""
    terminal.configure()
    assert "store.engine: is embedded" in terminal.fail("store", "migrate")


def test_backup_and_restore(terminal: Terminal, databases: Databases, database: str) -> None:
    """A backup is one file; restored, what was there is kept aside, and the log has a new name."""
    dsn = databases.server.dsn(database)
    sync_one(terminal, dsn)
    said = terminal.run("backup", "copy.db").out
    assert "checked: 1 features, 1 versions, 1 log" in said
    epoch = databases.sql("SELECT epoch FROM geoworks.head", database=database)
    terminal.write("travaux.geojson", travaux({"1": "Changé", "2": "Neuf"}))
    terminal.run("sync", "voirie")
    assert databases.sql("SELECT count(*) FROM geoworks.works", database=database) == [(2,)]
    aside = terminal.run("restore", "copy.db").out.split()[-1]
    assert databases.sql("SELECT title FROM geoworks.works", database=database) == [("Réseau d'eau",)]
    assert databases.sql("SELECT epoch FROM geoworks.head", database=database) != epoch
    kept = databases.sql(
        "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname LIKE 'geoworks\\_replaced%' AND relname = 'features'",
        database=database,
    )
    assert kept == [(1,)]
    assert aside.startswith("geoworks_replaced_")
    assert "is no file" in terminal.fail("restore", "absent.db")
    terminal.write("wrong.db", "no database " * 1000)
    assert "wrong.db" in terminal.fail("restore", "wrong.db")
    assert databases.sql("SELECT title FROM geoworks.works", database=database) == [("Réseau d'eau",)]


def test_copy(terminal: Terminal, databases: Databases, database: str) -> None:
    """A town moves from a folder to a database and back."""
    terminal.write("travaux.geojson", travaux({"1": "Réseau d'eau"}))
    terminal.configure(*SOURCE)
    terminal.run("sync", "voirie")
    dsn = databases.server.dsn(database)
    said = terminal.run("store", "copy", "data", dsn).out
    assert "counted on both sides: 1 features, 1 versions, 1 log" in said
    assert databases.sql("SELECT title FROM geoworks.works", database=database) == [("Réseau d'eau",)]
    terminal.run("store", "copy", dsn, "back")
    assert "holds a town already" in terminal.fail("store", "copy", "data", dsn)
    terminal.configure(*SOURCE, data_dir="back")
    assert "unchanged" in terminal.run("sync", "voirie").out


def test_roles(terminal: Terminal, databases: Databases, database: str) -> None:
    """The owner makes the tables, the writer serves and changes no table, the reader sees the views alone."""
    setup = terminal.run("store", "setup-sql").out
    assert setup == read_script("setup")
    for _ in range(2):
        databases.server.run_sql(setup, database=database)
    # What a careful administrator takes from everybody, and the service does without.
    databases.server.run_sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC", database=database)
    owner, writer = (databases.server.dsn(database, role=role) for role in ROLES[:2])
    configure(terminal, writer, *SOURCE)
    assert "run `geoworks store migrate` once with the owner's address" in terminal.fail("sync", "voirie")
    terminal.run("store", "migrate", environment={"GEOWORKS_STORE_DSN": owner})
    for title in ("Réseau d'eau", "Réseau de gaz"):
        # Many at once go another way than few.
        terminal.write("travaux.geojson", travaux({f"{number}": title for number in range(60)}))
        configure(terminal, writer, *SOURCE)
        terminal.run("sync", "voirie")
    assert databases.sql("SELECT DISTINCT title FROM geoworks.works", database=database) == [("Réseau de gaz",)]
    databases.sql("CREATE ROLE anna LOGIN IN ROLE geoworks_reader")
    try:
        for view in ("works", "reports", "zones", "effects"):
            databases.sql(f"SELECT * FROM geoworks.{view}", database=database, role="anna")  # noqa: S608 - our own names
        for table in ("features", "versions", "log", "records", "replies", "documents", "head", "commits"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                databases.sql(f"SELECT * FROM geoworks.{table}", database=database, role="anna")  # noqa: S608 - our own names
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            databases.sql("DELETE FROM geoworks.zones", database=database, role="anna")
        for statement in (
            "DROP TABLE geoworks.log",
            "CREATE TABLE geoworks.x (y int)",
            "UPDATE geoworks.log SET at = now()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                databases.sql(statement, database=database, role="geoworks_writer")
        assert "must be owner" in terminal.fail("restore", backed_up(terminal))
        terminal.run("restore", "town.db", environment={"GEOWORKS_STORE_DSN": owner})
        configure(terminal, writer, *SOURCE)
        assert "unchanged" in terminal.run("sync", "voirie").out
        databases.sql("SELECT * FROM geoworks.works", database=database, role="anna")
    finally:
        databases.sql("DROP ROLE anna")


def backed_up(terminal: Terminal) -> str:
    """Make a backup and return its name."""
    terminal.run("backup", "town.db")
    return "town.db"


def test_copy_killed(terminal: Terminal, databases: Databases, database: str) -> None:
    """A copy whose process is killed is not served, and goes on when the same command is given again."""
    asyncio.run(fill(terminal.folder / "data"))
    dsn = databases.server.dsn(database)
    with subprocess.Popen([GEOWORKS, "store", "copy", "data", dsn], stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + WAIT_S
        while count_features(databases, database) < SOME:
            assert time.monotonic() < until
            assert process.poll() is None
        process.kill()
    configure(terminal, dsn, *SOURCE)
    assert "a copy into it was cut: run the same `geoworks store copy` again" in terminal.fail("sync", "voirie")
    said = terminal.run("store", "copy", "data", dsn).out
    assert f"counted on both sides: {MANY:,} features, {MANY:,} versions, {MANY:,} log" in said
    assert count_features(databases, database) == MANY


async def fill(data_dir: Path) -> None:
    """Make an embedded town whose copy takes a while."""
    store = SqliteStore(data_dir, clock=SystemClock())
    await store.open()
    await store.commit(batch(*(put(works_record(number)) for number in range(MANY))))
    await store.close()


def count_features(databases: Databases, database: str) -> int:
    """Count the features in a database, 0 while it has no tables."""
    (there,) = databases.sql("SELECT to_regclass('geoworks.features') IS NOT NULL", database=database)
    if not there[0]:
        return 0
    ((count,),) = databases.sql("SELECT count(*)::text FROM geoworks.features", database=database)
    return int(str(count))
