"""Batches of two nodes over the same features: one is first, the other is refused whole, and none waits in a circle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from geoworks.config.settings import Engine, StoreTable
from geoworks.errors import Overtaken
from geoworks.model.change import Record
from geoworks.ports import Write
from geoworks.store.postgis import few, many
from geoworks.store.postgis.columns import columns
from geoworks.store.postgis.holding import hold_database
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.server import find_postgis
from tests.postgres import Databases
from tests.store.samples import batch, put, remove, renamed, works_record

_COUNT = 240
# A writing takes as long as on a busy server, so that two of them meet in the middle.
_SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE UPDATE ON features FOR EACH ROW EXECUTE FUNCTION slow();
"""
_RECORDS = [works_record(number) for number in range(_COUNT)]
# Have the server tell how it goes about what is inside of functions.
_TOLD_PLANS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_level": "notice",
    "client_min_messages": "notice",
}


class Two:
    """Two connections that write to one database, which has the records."""

    def __init__(self, connections: Sequence[asyncpg.Connection]) -> None:
        """Take open connections."""
        self.one, self.other = connections

    async def changes(self, title: str) -> list[Write]:
        """Make writes of all records that stand, from where they do."""
        rows = await self.one.fetch("SELECT id, revision FROM geoworks.features")
        revisions = {row["id"]: row["revision"] for row in rows}
        return [_changed(record, title, revisions[record.key.id]) for record in _RECORDS if record.key.id in revisions]

    async def titles(self) -> set[str]:
        """Return the titles that stand."""
        return {row["title"] for row in await self.one.fetch("SELECT title FROM geoworks.works")}

    async def deadlocks(self) -> int:
        """Return how often the server had to end who waited in a circle."""
        await self.one.execute("SELECT pg_stat_force_next_flush()")
        await self.other.execute("SELECT pg_stat_force_next_flush()")
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await self.one.fetchval(query))


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Two]:
    """Give two connections to a database with nothing in it."""
    table = StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))
    async with hold_database(table):
        pass
    place = Place(table)
    schema = await find_postgis(place)
    async with AsyncExitStack() as stack:
        yield Two([await stack.enter_async_context(_connected(place, schema)) for _ in range(2)])


@pytest.fixture
async def two(empty: Two) -> Two:
    """Give two connections to a database with the records, slow to write them."""
    assert await _writes(empty.one, [put(record) for record in _RECORDS])
    await empty.one.execute(_SLOW)
    return empty


async def test_opposite_orders(two: Two) -> None:
    """Of two batches over the same features in opposite orders one is written whole and the other not at all."""
    for turn in range(3):
        changes = await two.changes(f"{turn}")
        others = [replace(one, record=renamed(one.record, "other")) for one in reversed(changes) if one.record]
        done = await asyncio.gather(_writes(two.one, changes), _writes(two.other, others))
        assert sorted(done) == [False, True]
        assert await two.titles() == {f"{turn}" if done[0] else "other"}
    assert await two.deadlocks() == 0


async def test_few_and_many(two: Two) -> None:
    """A few that go in one exchange wait for many: 100, which comes before 99 by its key, is with the many already."""
    changes = await two.changes("new")
    many_first = asyncio.create_task(_writes(two.one, changes))
    await _held(two.other, "voirie:100")
    done = await _writes(two.other, [changes[99], changes[100]])
    assert (await many_first, done) == (True, False)
    assert await two.deadlocks() == 0


async def test_some_go(two: Two) -> None:
    """So do those of which one goes."""
    changes = await two.changes("new")
    ends = [replace(remove(_RECORDS[place]), revision=changes[place].revision) for place in (99, 100)]
    many_first = asyncio.create_task(_writes(two.one, changes))
    await _held(two.other, "voirie:100")
    done = await _writes(two.other, ends)
    assert (await many_first, done) == (True, False)
    assert await two.titles() == {"new"}
    assert await two.deadlocks() == 0


async def test_joined_again(two: Two) -> None:
    """So does who leads, who writes what was joined again; what changed meanwhile is left alone."""
    changes = await two.changes("new")
    many_first = asyncio.create_task(_writes(two.one, changes))
    await _held(two.other, "voirie:100")
    some = [(changes[place].revision, '{"severity": "low"}') for place in (99, 100)]
    await two.other.execute(SQL["rejoined_features"], *columns(some))
    assert await many_first
    assert await two.one.fetchval("SELECT count(*) FROM geoworks.features WHERE derived ? 'effects'") == _COUNT
    assert await two.deadlocks() == 0


async def test_one_that_moved(two: Two) -> None:
    """One feature that somebody else wrote meanwhile refuses a whole batch, wherever it is in it."""
    for place in (0, 150, _COUNT - 1):
        changes = await two.changes("new")
        assert await _writes(two.other, [_changed(_RECORDS[place], "moved", changes[place].revision)])
        assert not await _writes(two.one, changes)
        assert "new" not in await two.titles()


@pytest.mark.parametrize("is_analysed", [False, True])
@pytest.mark.parametrize("count", [51, 120])
async def test_looked_up_by_key(empty: Two, count: int, *, is_analysed: bool) -> None:
    """Changed features are looked up one by one, and so in order, in a small town too; the plan is kept as it grows."""
    connection, plans = empty.one, list[str]()
    assert await _writes(connection, [put(record) for record in _RECORDS[:count]])
    if is_analysed:
        await connection.execute("ANALYZE features")
    await connection.execute("LOAD 'auto_explain'")
    for name, value in _TOLD_PLANS.items():
        await connection.execute(f"SET {name} = {value}")
    connection.add_log_listener(lambda _, message: plans.append(message.message))
    assert await _writes(connection, await empty.changes("new"))
    plan = next(plan for plan in plans if "Update on features" in plan)
    assert "Index Cond: ((kind = fresh.kind) AND (id = fresh.id))" in plan
    assert plan.index("Function Scan on fresh") < plan.index("Index Scan using features_kind_id_key")


@asynccontextmanager
async def _connected(place: Place, schema: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await place.connect(schema)
    try:
        yield connection
    finally:
        await connection.close()


async def _held(connection: asyncpg.Connection, id_: str) -> None:
    """Wait until another connection writes a feature."""
    query = "SELECT id FROM geoworks.features WHERE id = $1 FOR UPDATE SKIP LOCKED"
    while await connection.fetchval(query, id_):  # noqa: ASYNC110 - the server holds it, and tells nobody
        await asyncio.sleep(0.001)


def _changed(record: Record, title: str, revision: int) -> Write:
    changed = replace(renamed(record, title), version=2)
    return replace(put(changed, before=record), revision=revision)


async def _writes(connection: asyncpg.Connection, writes: Sequence[Write]) -> bool:
    """Write a batch; tell whether it was written, or refused for what another wrote meanwhile."""
    some = batch(*writes)
    try:
        async with connection.transaction():
            await (few.write_few if few.is_few(some) else many.write_many)(connection, uuid4(), some)
    except (Overtaken, asyncpg.SerializationError):
        return False
    return True
