"""The store on PostGIS keeps to the contract, also when the way to the server breaks at the worst moment."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from geoworks.clock import ManualClock
from geoworks.config.settings import Engine, StoreTable
from geoworks.errors import LeadLost, StoreBusy, StoreUncertain, StoreUnreachable, StoreUnusable
from geoworks.model.change import Cursor, Key, Record
from geoworks.ports import Head
from geoworks.store.postgis.columns import CODEC
from geoworks.store.postgis.holding import hold_database
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.readers import Readers
from geoworks.store.postgis.server import find_postgis
from tests.left_out import left_out
from tests.postgres import Databases, running
from tests.store.alone import Alone
from tests.store.contract import NewStore, StoreContract
from tests.store.cutting import Cut, Way, way_to
from tests.store.samples import NOON, batch, put, read_records, read_whole, records, works_record


def at(dsn: str, **settings: float) -> StoreTable:
    """Return the settings of a store on a database."""
    return StoreTable(engine=Engine.POSTGRESQL, dsn=dsn, **settings)  # type: ignore[arg-type]


@pytest.fixture
def dsn(databases: Databases) -> str:
    """Give the address of a new database."""
    return databases.server.dsn(databases.new())


@pytest.fixture
def new_store(dsn: str, tmp_path: Path, clock: ManualClock) -> NewStore:
    """Make stores on one database."""
    return lambda: Alone(at(dsn), tmp_path / "data", clock=clock)


class TestPostgis(StoreContract):
    """The contract, on a server."""


class TestRestart:
    """The server goes away and comes back."""

    @pytest.fixture
    async def store(self, new_store: NewStore) -> AsyncIterator[Alone]:
        """Give the store, open and empty."""
        store = new_store()
        await store.open()
        yield store  # type: ignore[misc]
        await store.close()

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    async def test_between_commits(self, store: Alone, databases: Databases, how: signal.Signals) -> None:
        """A restart, or a crash, between two commits is not noticed."""
        await store.commit(batch(put(works_record(1))))
        databases.server.restart(how)
        (change,) = await store.commit(batch(put(works_record(2))))
        assert change.offset == 2
        assert len(await read_records(store)) == 2

    async def test_away(self, store: Alone, databases: Databases) -> None:
        """While the server is away everything is refused with a way out; afterwards all is well."""
        await store.commit(batch(put(works_record(1))))
        databases.server.stop()
        try:
            for _ in range(2):
                with pytest.raises(StoreUnreachable, match="see that the server runs"):
                    await store.commit(batch(put(works_record(2))))
                with pytest.raises(StoreUnreachable):
                    await store.changes(0, limit=1)
                with pytest.raises(StoreUnreachable):
                    await store.put_document("keys", "a", b"1")
        finally:
            databases.server.start()
        (change,) = await store.commit(batch(put(works_record(2))))
        assert change.offset == 2
        assert [change.offset for change in (await read_whole(store)).changes] == [1, 2]


class TestCut:
    """The way to the server is cut around a COMMIT."""

    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        """Give a folder whose path is short enough for a socket."""
        folder = Path(tempfile.mkdtemp(prefix="geoworks-way-"))
        yield folder
        shutil.rmtree(folder)

    @pytest.fixture
    async def way(self, databases: Databases, folder: Path) -> AsyncIterator[Way]:
        """Give a way to the server."""
        async with way_to(databases.server.folder / ".s.PGSQL.5432", folder) as way:
            yield way

    @pytest.fixture
    async def store(
        self, way: Way, folder: Path, databases: Databases, tmp_path: Path, clock: ManualClock
    ) -> AsyncIterator[Alone]:
        """Give a store that goes that way, with one works in it."""
        dsn = f"postgresql://postgres@/{databases.new()}?host={folder}"
        store = Alone(at(dsn), tmp_path / "data", clock=clock)
        await store.open()
        await store.commit(batch(put(works_record(1))))
        yield store
        way.closed = False
        await store.close()

    @pytest.mark.parametrize("cut", [Cut.BEFORE_COMMIT, Cut.AFTER_COMMIT])
    async def test_once(self, store: Alone, way: Way, cut: Cut) -> None:
        """A commit whose question or answer is lost is made once, and its caller sees nothing of it."""
        way.cut = cut
        (change,) = await store.commit(batch(put(works_record(2))))
        assert way.cut is Cut.NEVER
        assert change.offset == 2
        whole = await read_whole(store, [works_record(2).key])
        assert [change.offset for change in whole.changes] == [1, 2]
        assert len(whole.versions[works_record(2).key]) == 1
        (change,) = await store.commit(batch(put(works_record(3))))
        assert change.offset == 3

    async def test_last_of_several(self, store: Alone, way: Way) -> None:
        """Of a batch whose answer is lost it is found out which change is its last, though others are silent."""
        silent = replace(put(works_record(4)), silent=True)
        way.cut = Cut.AFTER_COMMIT
        sent = await store.send(batch(put(works_record(2)), put(works_record(3)), silent))
        assert way.cut is Cut.NEVER
        assert await store.lead(Cursor((await store.look()).head.epoch, 1))
        numbered = (await store.number(zones_at=0, limit=9)).changes
        assert [one.change.key for one in numbered] == [works_record(2).key, works_record(3).key]
        assert sent.last == numbered[-1].revision

    @pytest.mark.parametrize("cut", [Cut.BEFORE_COMMIT, Cut.AFTER_COMMIT])
    async def test_away_after(self, store: Alone, way: Way, cut: Cut) -> None:
        """While nobody can look, a commit is in doubt and no other is made; then it is told what became of it."""
        way.cut, way.stays_closed = cut, True
        with pytest.raises(StoreUncertain):
            await store.commit(batch(put(works_record(2))))
        with pytest.raises(StoreUncertain):
            await store.settle()
        way.closed = False
        with pytest.raises(StoreUncertain):
            await store.commit(batch(put(works_record(3))))
        committed = await store.settle()
        went_through = cut is Cut.AFTER_COMMIT
        assert [change.offset for change in committed or ()] == [2] * went_through
        assert await store.settle() is None
        (change,) = await store.commit(batch(put(works_record(3))))
        assert change.offset == 2 + went_through
        assert [change.offset for change in await store.changes(0, limit=9)] == list(range(1, change.offset + 1))

    async def test_readers(self, store: Alone, way: Way) -> None:
        """Readers whose connections are cut go on over others."""
        await store.changes(0, limit=1)
        way.abort()
        assert len(await store.changes(0, limit=9)) == 1


class TestReading:
    """What reading takes of the server."""

    @pytest.fixture
    async def readers(self, dsn: str) -> AsyncIterator[Readers]:
        """Give a single connection that reads."""
        place = Place(at(dsn, pool_size=1))
        readers = await Readers.open(place, await find_postgis(place))
        yield readers
        await readers.close()

    async def test_plans_look_at_no_values(self, readers: Readers) -> None:
        """The first run of a statement is planned as the hundredth is."""

        async def read(connection: asyncpg.Connection) -> list[tuple[int, int]]:
            assert await connection.fetchval("SELECT $1::integer", 1) == 1
            plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1%'"
            return [tuple(row) for row in await connection.fetch(plans)]

        assert await readers.read(read) == [(0, 1)]

    async def test_memory_is_kept(self, readers: Readers) -> None:
        """A statement that needs megabytes gets them from what the one before had, not page by page from the system."""

        async def read(connection: asyncpg.Connection) -> int:
            await connection.fetch("SELECT array_agg(number) FROM generate_series(1, 300000) AS number")
            return int(connection.get_server_pid())

        pid = [await readers.read(read) for _ in range(3)][-1]
        before = page_faults(pid)
        assert await readers.read(read) == pid
        assert page_faults(pid) - before < 200


def page_faults(pid: int) -> int:
    """Return how many pages a process has got from the system."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        left_out("this system tells nothing of other processes (/proc)")
    return int(told.rpartition(")")[2].split()[7])


class TestHistory:
    """A log that is not what clients were told is given a new name; a foreign hand is noticed."""

    async def test_copy_of_the_database(self, databases: Databases, tmp_path: Path) -> None:
        """A database that was copied, as a dump that is read in again is, begins a new epoch once."""
        database = databases.new()
        store = Alone(at(databases.server.dsn(database)), tmp_path / "a", clock=ManualClock(NOON))
        epoch = (await store.open()).epoch
        await store.commit(batch(put(works_record())))
        await store.close()
        copy = databases.new(database)
        heads = []
        for folder in ("b", "c"):
            moved = Alone(at(databases.server.dsn(copy)), tmp_path / folder, clock=ManualClock(NOON))
            heads.append(await moved.open())
            await moved.close()
        assert heads[0] == heads[1]
        assert heads[0] == Head(heads[0].epoch, offset=1, first=1)
        assert heads[0].epoch != epoch
        assert (await store.open()).epoch == epoch
        await store.close()

    async def test_dump(self, databases: Databases, tmp_path: Path) -> None:
        """A dump that is read in elsewhere is the whole town, views and corrections too, in a new epoch."""
        database, other = databases.new(), f"dumped_{databases.new()}"
        store = Alone(at(databases.server.dsn(database)), tmp_path / "a", clock=ManualClock(NOON))
        epoch = (await store.open()).epoch
        await store.commit(batch(put(replace(works_record(), overlay={"title": "Corrigé"}))))
        before = await read_whole(store, [works_record().key])
        await store.close()
        databases.sql(f"CREATE DATABASE {other}")
        databases.server.run_sql(databases.server.dump(database), database=other)
        store = Alone(at(databases.server.dsn(other)), tmp_path / "b", clock=ManualClock(NOON))
        assert (await store.open()).epoch != epoch
        assert await read_whole(store, [works_record().key]) == before
        assert databases.sql("SELECT title FROM geoworks.works", database=other) == [("Corrigé",)]
        (change,) = await store.commit(batch(put(works_record(2))))
        assert change.offset == 2
        await store.close()

    async def test_server_set_back(self, tmp_path: Path) -> None:
        """A server whose files are set back is found out: under a running process, and by the next one."""
        with running() as server:
            own = Databases(server)
            database = own.new()
            store = Alone(at(server.dsn(database)), tmp_path / "data", clock=ManualClock(NOON))
            epoch = (await store.open()).epoch
            await store.commit(batch(put(works_record(1))))
            server.stop()
            shutil.copytree(server.data, tmp_path / "kept")
            server.start()
            await store.commit(batch(put(works_record(2))))
            server.stop()
            server.put_back(tmp_path / "kept")
            server.start()
            with pytest.raises(StoreUnusable, match="set back from 2 to 1 under this node: restart it"):
                await store.commit(batch(put(works_record(3))))
            with pytest.raises(StoreUnusable):
                await store.document("health", "ready")
            await store.close()
            head = await store.open()
            assert (head.offset, head.epoch != epoch) == (1, True)
            await store.close()

    async def test_lost_lead(self, dsn: str, tmp_path: Path, clock: ManualClock, databases: Databases) -> None:
        """A node that lost its lock with its connection, and whose place another took, numbers nothing more."""
        first, second = (Alone(at(dsn), tmp_path / name, clock=clock) for name in ("a", "b"))
        await first.open()
        await first.commit(batch(put(works_record(1))))
        databases.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        await second.open()
        await second.commit(batch(put(works_record(2))))
        with pytest.raises(LeadLost):
            await first.number(zones_at=0, limit=10)
        assert not await first.lead(Cursor((await first.look()).head.epoch, 2))
        await first.send(batch(put(works_record(3))))
        (change,) = (await second.number(zones_at=0, limit=10)).changes
        assert change.change.offset == 3
        await first.close()
        await second.close()

    async def test_held_by_a_copy(self, dsn: str, tmp_path: Path, clock: ManualClock) -> None:
        """While a town is copied no node begins, and while a node is there no copy does."""
        store = Alone(at(dsn), tmp_path / "data", clock=clock)
        async with hold_database(at(dsn)):
            with pytest.raises(StoreBusy, match=r"geoworks .* process \d+ uses database"):
                await store.open()
        await store.open()
        with pytest.raises(StoreBusy, match=r"geoworks .* process \d+ uses database"):
            async with hold_database(at(dsn)):
                pass
        await store.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=st.lists(records(), max_size=4, unique_by=lambda record: record.key))
def test_values(databases: Databases, tmp_path_factory: pytest.TempPathFactory, some: list[Record]) -> None:
    """Records of every kind come back as they were, without the NULs that PostgreSQL cannot hold."""
    with asyncio.Runner() as runner:
        runner.run(_check_values(some, tmp_path_factory.mktemp("data"), databases))


async def _check_values(some: list[Record], data_dir: Path, databases: Databases) -> None:
    dsn = databases.server.dsn(databases.new())
    store = Alone(at(dsn), data_dir, clock=ManualClock(NOON))
    await store.open()
    await store.commit(batch(*map(put, some)))
    rows = [(0, *row) for row in CODEC.feature_rows(some)]
    kept: dict[Key, Record] = {record.key: record for record in CODEC.read_records(rows)}
    assert await read_records(store) == kept
    for record in kept.values():
        (version,) = await store.versions(record.key)
        assert (version.given, version.overlay) == (record.given, record.overlay)
    await store.close()


async def test_corrected_place(new_store: NewStore) -> None:
    """Staff's correction of a geometry is laid over, and what the source gave comes back as it was."""
    store = new_store()
    await store.open()
    record = replace(works_record(), overlay={"geometry": {"type": "Point", "coordinates": [2.4, 48.7]}})
    await store.commit(batch(put(record)))
    assert await read_records(store) == {record.key: record}
    again = replace(record, overlay=None, version=2)
    await store.commit(batch(put(again, before=record)))
    assert await read_records(store) == {record.key: again}
    await store.close()
