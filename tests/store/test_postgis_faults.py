"""The bad days of a server, made for real: each is told with its mend."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.config.secrets import without_password
from geoworks.config.settings import Engine, StoreTable
from geoworks.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreUnreachable, StoreUnusable
from geoworks.store.migrations import Migration
from geoworks.store.postgis.columns import FEATURE, feature_rows
from geoworks.store.postgis.migrate import known_migrations, migrate
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.server import check_server, find_postgis
from tests.postgres import Databases, running
from tests.store.alone import Alone
from tests.store.disks import filled, small_disk
from tests.store.samples import batch, put, read_whole, works_record

NEXT = len(known_migrations()) + 1
_PLACES = [f"${number}" for number in range(1, len(FEATURE) + 1)]


@pytest.fixture
def database(databases: Databases) -> str:
    """Give the name of a new database."""
    return databases.new()


async def told_at_opening(dsn: str, folder: Path, clock: ManualClock, **settings: float) -> StoreError:
    """Return what the opening of a store raises."""
    table = StoreTable(engine=Engine.POSTGRESQL, dsn=dsn, **settings)  # type: ignore[arg-type]
    with pytest.raises(StoreError) as caught:
        await Alone(table, folder / "data", clock=clock).open()
    return caught.value


@pytest.mark.parametrize(
    ("dsn", "kind", "told"),
    [
        ("", StoreUnusable, "store.dsn is empty"),
        ("http://example.org/town", StoreUnusable, "the form is postgresql://"),
        ("postgresql://a:secret@h:port/town", StoreUnusable, "store.dsn is no address"),
        ("postgresql://a:secret@[::1/town", StoreUnusable, "store.dsn is no address"),
        ("postgresql://a:secret@127.0.0.1:99999/town", StoreUnusable, "store.dsn is no address"),
        ("postgresql://a:p@x.invalid/secret@127.0.0.1:1/town", StoreUnreachable, "see that the server runs"),
        ("postgresql://a:secret@127.0.0.1:1/town", StoreUnreachable, "see that the server runs"),
        ("postgresql://a:secret@no-such-host.invalid/town", StoreUnreachable, "store.dsn"),
        ("postgresql://a:secret@/town?host=/nowhere", StoreUnreachable, "see that the server runs"),
    ],
)
async def test_wrong_address(tmp_path: Path, clock: ManualClock, dsn: str, kind: type[StoreError], told: str) -> None:
    """An address that leads nowhere is told with its mend and without its password; nothing stays locked."""
    for _ in range(2):
        error = await told_at_opening(dsn, tmp_path, clock)
        assert type(error) is kind
        assert told in str(error)
        assert "secret" not in str(error)


async def test_no_database(databases: Databases, tmp_path: Path, clock: ManualClock) -> None:
    """A database that does not exist is told by its name."""
    error = await told_at_opening(databases.server.dsn("absent"), tmp_path, clock)
    assert 'database "absent" does not exist (create the database' in str(error)


async def test_role_not_let_in(databases: Databases, tmp_path: Path, clock: ManualClock) -> None:
    """A role that the server does not know is told with where to look."""
    error = await told_at_opening(databases.server.dsn(role="nobody_we_know"), tmp_path, clock)
    assert isinstance(error, StoreUnusable)
    assert "pg_hba.conf" in str(error)


async def test_no_postgis(databases: Databases, tmp_path: Path, clock: ManualClock) -> None:
    """A database without the extension is told with the statement that brings it."""
    databases.sql("CREATE DATABASE bare")
    error = await told_at_opening(databases.server.dsn("bare"), tmp_path, clock)
    assert "has no PostGIS: CREATE EXTENSION postgis; in this database, as a superuser" in str(error)


@pytest.mark.parametrize(("server", "postgis", "told"), [(99, 1, "PostgreSQL .* too old"), (1, 99, "PostGIS .* old")])
async def test_too_old(databases: Databases, database: str, server: int, postgis: int, told: str) -> None:
    """A server, or a PostGIS, older than we need is told with what to move it to."""
    place = Place(StoreTable(dsn=databases.server.dsn(database)))
    connection = await place.probe()
    with pytest.raises(StoreUnusable, match=f"{told}: move it to 99"):
        await check_server(connection, place.name, server=server, postgis=postgis)
    await connection.close()


async def test_read_only_server(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A server that takes no writes, as one that follows another, is told as read-only."""
    databases.sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    error = await told_at_opening(databases.server.dsn(database), tmp_path, clock)
    assert isinstance(error, StoreReadOnly)
    assert "name the primary" in str(error)


async def test_missing_rights(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A role that may not make the schema, or use it, is told what it lacks."""
    name = f"poor_{database}"
    databases.sql(f"CREATE ROLE {name} LOGIN")
    dsn = databases.server.dsn(database, role=name)
    databases.sql("GRANT USAGE ON SCHEMA elsewhere TO PUBLIC", database=database)
    assert "geoworks store migrate" in str(await told_at_opening(dsn, tmp_path, clock))
    store = Alone(StoreTable(dsn=databases.server.dsn(database)), tmp_path / "data", clock=clock)
    await store.open()
    await store.close()
    databases.sql(f"GRANT USAGE ON SCHEMA geoworks TO {name}", database=database)
    databases.sql(f"GRANT SELECT ON geoworks.migrations, geoworks.head TO {name}", database=database)
    error = await told_at_opening(dsn, tmp_path, clock)
    assert isinstance(error, StoreReadOnly)
    assert "lacks UPDATE on head, SELECT on commits" in str(error)
    assert "geoworks store setup-sql" in str(error)


async def test_another_programs_schema(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """Tables of another program in a schema of our name are refused, and not touched."""
    databases.sql("CREATE SCHEMA geoworks", "CREATE TABLE geoworks.theirs (x int)", database=database)
    error = await told_at_opening(databases.server.dsn(database), tmp_path, clock)
    assert "another program has tables in the schema geoworks" in str(error)


async def test_schema_of_a_later_release(
    databases: Databases, database: str, tmp_path: Path, clock: ManualClock
) -> None:
    """A schema of a later release is refused with both numbers."""
    dsn = databases.server.dsn(database)
    store = Alone(StoreTable(dsn=dsn), tmp_path / "data", clock=clock)
    await store.open()
    await store.close()
    later = f"INSERT INTO geoworks.migrations VALUES ({NEXT}, 'later')"  # noqa: S608 - our own number
    databases.sql(later, database=database)
    error = await told_at_opening(dsn, tmp_path, clock)
    assert f"has schema {NEXT} and this release knows {NEXT - 1}: install the release" in str(error)


@pytest.mark.parametrize(
    "script", ["CREATE TABLE fresh (x int); UPDATE features SET title = 'x'", "DROP TABLE log; this is no SQL"]
)
async def test_failed_migration(
    databases: Databases, database: str, tmp_path: Path, clock: ManualClock, script: str
) -> None:
    """A migration that fails half-way leaves a database that the release before opens and finds whole."""
    store = Alone(StoreTable(dsn=databases.server.dsn(database)), tmp_path / "data", clock=clock)
    await store.open()
    await store.commit(batch(put(works_record())))
    await store.close()
    place = Place(StoreTable(dsn=databases.server.dsn(database)))
    connection = await place.connect(await find_postgis(place))
    with pytest.raises(StoreUnusable, match=r"later.sql failed .* the database is as it was"):
        async with connection.transaction():
            await migrate(connection, place.name, [*known_migrations(), Migration(NEXT, "later.sql", script)])
    await connection.close()
    assert (await store.open()).offset == 1
    assert len((await read_whole(store)).records) == 1
    await store.close()


async def test_every_query(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """Every query begins with a sentence that says what it does, and fits the schema."""
    store = Alone(StoreTable(dsn=databases.server.dsn(database)), tmp_path / "data", clock=clock)
    await store.open()
    place = Place(StoreTable(dsn=databases.server.dsn(database)))
    connection = await place.connect("elsewhere")
    for query in SQL.values():
        sentence, _, statement = query.partition("\n")
        assert sentence.startswith("-- ")
        assert sentence.endswith(".")
        await connection.prepare(statement)
    await connection.close()
    await store.close()


async def test_what_stood_before_there_were_tiles_is_drawn(databases: Databases, database: str) -> None:
    """A town of an earlier schema is drawn by the tiles as one that is written anew."""
    place = Place(StoreTable(dsn=databases.server.dsn(database)))
    connection = await place.connect(await find_postgis(place))
    before = [one for one in known_migrations() if one.name < "0005"]
    insert = f"INSERT INTO geoworks.features ({', '.join(FEATURE)}) VALUES ({', '.join(_PLACES)})"  # noqa: S608 - our own column names
    async with connection.transaction():
        await migrate(connection, place.name, before)
        await connection.execute(insert, *next(feature_rows([works_record(1)])))
        await migrate(connection, place.name, known_migrations())
        await connection.execute(insert, *next(feature_rows([works_record(2)])))
    rows = await connection.fetch(
        "SELECT tile_rank, tile_title, tile_shape = ST_Transform(geometry, 3857), tile_extent IS NOT NULL,"
        " tile_tags - 'id' FROM geoworks.features ORDER BY number"
    )
    await connection.close()
    stood, fresh = (tuple(row) for row in rows)
    assert stood == fresh
    assert None not in stood
    assert stood[2:4] == (True, True)


def test_migrations_are_numbered() -> None:
    """The migrations are numbered from 1 without a gap."""
    assert [one.number for one in known_migrations()] == list(range(1, NEXT))


async def test_pool_exhausted(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A reader that finds every connection in use for too long is told so; afterwards reads go on."""
    table = StoreTable(dsn=databases.server.dsn(database), pool_size=1, acquire_timeout_s=0.05)
    store = Alone(table, tmp_path / "data", clock=clock)
    await store.open()
    async with asyncio.TaskGroup() as tasks:
        # A lock on the table keeps the only connection waiting.
        place = Place(table)
        other = await place.probe()
        async with other.transaction():
            await other.execute("LOCK TABLE geoworks.documents")
            waiting = tasks.create_task(store.document("keys", "a"))
            await asyncio.sleep(0)
            with pytest.raises(StoreBusy, match=r"all 1 connections were in use .* raise store.pool_size"):
                await store.reply("staff", "k")
            assert not waiting.done()
        await other.close()
    assert await store.document("keys", "a") is None
    await store.close()


async def test_too_many_connections(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A server without a connection left is told with what to raise."""
    databases.sql(f"ALTER DATABASE {database} CONNECTION LIMIT 0", f"CREATE ROLE many_{database} LOGIN")
    error = await told_at_opening(databases.server.dsn(database, role=f"many_{database}"), tmp_path, clock)
    assert isinstance(error, StoreBusy)
    assert "max_connections" in str(error)


async def test_slow_statement(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A commit that waits longer than a statement may take is refused and leaves nothing; the next one is made."""
    table = StoreTable(dsn=databases.server.dsn(database), command_timeout_s=0.5)
    store = Alone(table, tmp_path / "data", clock=clock)
    await store.open()
    other = await Place(table).probe()
    async with other.transaction():
        await other.execute("LOCK TABLE geoworks.log")
        with pytest.raises(StoreUnreachable, match="does not answer in time"):
            await store.commit(batch(put(works_record(1))))
    await other.close()
    (change,) = await store.commit(batch(put(works_record(2))))
    assert change.offset == 1
    await store.close()


async def test_foreign_content(databases: Databases, database: str, tmp_path: Path, clock: ManualClock) -> None:
    """A column that another program has spoilt is told with its table."""
    store = Alone(StoreTable(dsn=databases.server.dsn(database)), tmp_path / "data", clock=clock)
    await store.open()
    await store.commit(batch(put(works_record())))
    databases.sql("UPDATE geoworks.features SET given = given - 'title'", database=database)
    with pytest.raises(StoreUnusable, match=r"features.*title"):
        await read_whole(store)
    await store.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that any user can reach by a short path."""
    folder = Path(tempfile.mkdtemp(prefix="geoworks-disk-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def test_full_disk(tmp_path: Path, open_folder: Path, clock: ManualClock) -> None:
    """On a full disk of the server writes are refused and reads go on; with room again writes go on."""
    with small_disk(open_folder / "disk", size_kib=200_000) as disk, running(within=disk) as server:
        table = StoreTable(dsn=server.dsn(Databases(server).new()))
        store = Alone(table, tmp_path / "data", clock=clock)
        await store.open()
        with filled(disk):
            acknowledged = await commit_until_full(store)
            whole = await read_whole(store)
            assert len(whole.changes) == acknowledged
        await store.commit(batch(put(works_record(999_999))))
        whole = await read_whole(store)
        assert [change.offset for change in whole.changes] == list(range(1, acknowledged + 2))
        await store.close()


async def commit_until_full(store: Alone) -> int:
    """Commit until there is no room; return how many changes were acknowledged."""
    for number in count():
        try:
            await store.commit(batch(*(put(works_record(500 * number + i)) for i in range(500))))
        except StoreFull as error:
            assert "free some" in str(error)  # noqa: PT017 - which of the commits fails is the disk's affair
            return 500 * number
    raise AssertionError


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://a:b@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:b@c/d@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a@h/d?sslmode=require", "postgresql://a@h/d?sslmode=require"),
        ("postgresql:///d?user=a&password=b", "postgresql:///d?user=a&password=***"),
    ],
)
def test_address_as_shown(dsn: str, shown: str) -> None:
    """An address is shown without its password."""
    assert without_password(dsn) == shown
