"""What the leader does with what other nodes wrote: numbers it in order, and joins it again where zones moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from asyncpg.transaction import Transaction
from msgspec import structs
from msgspec.structs import replace

from geoworks.app import open_town
from geoworks.clock import ManualClock
from geoworks.config.nodes import NodeTable
from geoworks.config.settings import Data, Engine, Settings, StoreTable
from geoworks.errors import Overtaken, StoreBusy
from geoworks.model.change import Reason, Record
from geoworks.model.works import WorksDerived
from geoworks.pipeline.draft import works_key
from geoworks.ports import Reply
from geoworks.state import Published
from geoworks.store.postgis import PostgisStore, tables
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.server import find_postgis
from geoworks.town import Town
from tests.pipeline.house import a_works, a_zone, put, put_zone
from tests.postgres import Databases
from tests.store.samples import DAY, NOON, batch, works_record
from tests.store.samples import put as written

WAIT_S = 30


@pytest.fixture
def table(databases: Databases) -> StoreTable:
    """Name a new database."""
    return StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))


@pytest.fixture
async def town(table: StoreTable, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a node that leads."""
    node = NodeTable(poll_s=0.1, lag_alarm_s=0.3)
    settings = structs.replace(Settings(), data=Data(dir=str(tmp_path / "leader")), store=table, node=node)
    async with open_town(settings, clock=ManualClock(NOON), sources=[]) as town:
        yield town


@pytest.fixture
async def other(table: StoreTable, tmp_path: Path, town: Town) -> AsyncIterator[PostgisStore]:
    """Give the store as another node has it."""
    del town
    async with opened(table, tmp_path / "other") as store:
        yield store


@asynccontextmanager
async def told(town: Town) -> AsyncIterator[list[Published]]:
    """Note what a node tells until the block ends."""
    heard: list[Published] = []

    def hear(published: Sequence[Published]) -> None:
        heard.extend(published)

    town.desk.followers.append(hear)
    yield heard
    town.desk.followers.remove(hear)


async def until_told(heard: Sequence[Published], count: int) -> None:
    """Wait until so many changes are told."""
    async with asyncio.timeout(WAIT_S):
        while len(heard) < count:  # noqa: ASYNC110 - it comes from the database
            await asyncio.sleep(0.01)


def alarms_of(town: Town) -> set[str]:
    """Return what a node raises an alarm about."""
    assert town.node is not None
    return {alarm.code for alarm in town.node.alarms()}


def zones_of(record: Record) -> list[str]:
    """Return the zones that a works has an effect on."""
    assert isinstance(record.derived, WorksDerived)
    return [effect.zone for effect in record.derived.effects]


async def test_joined_again_before_it_is_numbered(town: Town, other: PostgisStore) -> None:
    """What a node joined with zones that have moved since is joined anew before anybody is told of it."""
    await town.desk.submit(put_zone("gare", a_zone()))
    stale = replace(works_record(1), given=a_works(), derived=WorksDerived())
    async with told(town) as heard:
        await other.send(batch(written(stale)))
        await until_told(heard, 1)
        (change,) = [one for one in heard if one.change.key == stale.key]
    assert change.entry is not None
    assert zones_of(change.entry.record) == ["gare"]
    (standing,) = [one for one in [record async for some in other.records() for record in some] if one.key == stale.key]
    assert zones_of(standing) == ["gare"]


async def test_taken_back_before_it_is_numbered(town: Town, other: PostgisStore, table: StoreTable) -> None:
    """What was joined with old zones, and taken back before it could be joined again, holds nothing up."""
    await town.desk.submit(put_zone("gare", a_zone()))
    async with writing_slowly(table.dsn) as (connection, slow), told(town) as heard:
        await other.send(batch(written(works_record(1))))
        await connection.execute(
            "UPDATE geoworks.records SET record = NULL WHERE revision = (SELECT max(revision) FROM geoworks.records)"
        )
        await slow.commit()
        await until_told(heard, 1)
    assert heard[0].change.key == works_record(1).key


async def test_waits_for_a_slow_transaction(town: Town, other: PostgisStore, table: StoreTable) -> None:
    """What is committed while an older transaction writes is numbered after that one's end; alarms say so."""
    async with writing_slowly(table.dsn) as (_, slow), told(town) as heard:
        await other.send(batch(written(works_record(1))))
        async with asyncio.timeout(WAIT_S):
            while alarms_of(town) != {"lag", "transaction"}:  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.05)
        assert ((await other.look()).waiting, heard) == (1, [])
        await slow.rollback()
        await until_told(heard, 1)
        async with asyncio.timeout(WAIT_S):
            while alarms_of(town):  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.05)


async def test_order_of_transactions(town: Town, table: StoreTable, tmp_path: Path) -> None:
    """Sixteen nodes that commit at once, some slowly and some not at all, leave a log without a gap or a loss."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(table, tmp_path / f"node{number}")) for number in range(16)]
        heard = await stack.enter_async_context(told(town))
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(hold_up(table.dsn, 0.02 * (number + 1)))
            for node, store in enumerate(stores):
                group.create_task(write_each(store, range(100 * node, 100 * node + 12)))
            await until_told(heard, 16 * 12)
        assert [one.change.offset for one in heard] == list(range(1, 16 * 12 + 1))
        assert len({one.change.key for one in heard}) == 16 * 12


@asynccontextmanager
async def opened(table: StoreTable, folder: Path) -> AsyncIterator[PostgisStore]:
    """Give the store as one more node has it."""
    store = PostgisStore(table, folder, clock=ManualClock(NOON))
    await store.open()
    yield store
    await store.close()


@asynccontextmanager
async def writing_slowly(dsn: str) -> AsyncIterator[tuple[asyncpg.Connection, Transaction]]:
    """Give a transaction that has begun to write, and its connection."""
    connection = await asyncpg.connect(dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT pg_current_xact_id()")
    yield connection, transaction
    await connection.close()


async def hold_up(dsn: str, seconds: float) -> None:
    """Write slowly, and take back every other time what was written."""
    connection = await asyncpg.connect(dsn)
    for turn in range(6):
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT pg_current_xact_id()")
        await asyncio.sleep(seconds)
        await (transaction.rollback() if turn % 2 else transaction.commit())
    await connection.close()


async def write_each(store: PostgisStore, numbers: Iterable[int]) -> None:
    """Write works of these numbers, each in a transaction of its own."""
    for number in numbers:
        await store.send(batch(written(works_record(number))))


async def test_overtaken(town: Town, other: PostgisStore) -> None:
    """A write made from what another node has written over leaves nothing, and says so."""
    await town.desk.submit(put("1"))
    (standing,) = [one async for some in other.standing() for one in some]
    await town.desk.submit(put("1", a_works(title="Deuxième")))
    record = replace(standing.record, given=a_works(title="Trop tard"), version=2)
    write = replace(written(record), reason=Reason.UPDATED, revision=standing.revision)
    with pytest.raises(Overtaken):
        await other.send(batch(write))
    with pytest.raises(Overtaken):
        await other.send(batch(written(record)))
    entry = town.state.get(works_key("1"))
    assert entry is not None
    assert (entry.record.version, len(await other.versions(works_key("1")))) == (2, 2)


async def test_locks_in_one_order(town: Town, other: PostgisStore, table: StoreTable) -> None:
    """Of several features none is kept from others while one that came before it is waited for, in whatever order."""
    await town.desk.submit(put("1"))
    await town.desk.submit(put("2"))
    standing = {one.record.key.id: one async for some in other.standing() for one in some}
    updates = [
        replace(
            written(replace(standing[id_].record, version=2)), reason=Reason.UPDATED, revision=standing[id_].revision
        )
        for id_ in ("2", "1")
    ]
    connection = await asyncpg.connect(table.dsn)
    held = connection.transaction()
    await held.start()
    await connection.execute("SELECT FROM geoworks.features WHERE id = '1' FOR UPDATE")
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(other.send(batch(*updates)))
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')"
        async with asyncio.timeout(WAIT_S):
            while not await connection.fetchval(waits):  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)
        await connection.execute("SELECT FROM geoworks.features WHERE id = '2' FOR UPDATE NOWAIT")
        assert not sending.done()
        await held.rollback()
    await connection.close()
    assert {one.record.version async for some in other.standing() for one in some} == {2}


async def test_made_again_while_it_is_taken_away(town: Town, other: PostgisStore, table: StoreTable) -> None:
    """Who makes a feature anew without having heard of it, while another takes it away, is not numbered first."""
    await town.desk.submit(put("1"))
    late = await asyncpg.connect(table.dsn)
    removal = late.transaction()
    made = replace(written(replace(works_record(1), key=works_key("1"))), revision=0)
    place = Place(table)
    # Its number is smaller than the removal's, though it writes after it.
    early = await place.connect(await find_postgis(place))
    making = early.transaction()
    await making.start()
    await early.execute("SELECT pg_current_xact_id()")
    await removal.start()
    await late.execute("DELETE FROM geoworks.features WHERE id = '1'")
    entry = (
        "INSERT INTO geoworks.log (at, kind, id, op, reason, version) VALUES (now(), 'works', '1', $1, 'updated', 1)"
    )
    await late.execute(entry, "remove")
    await removal.commit()
    attempt = early.transaction()
    await attempt.start()
    with pytest.raises(asyncpg.SerializationError, match="another transaction was first"):
        await tables.send(early, uuid4(), batch(made))
    await attempt.rollback()
    await early.execute(entry, "put")
    with pytest.raises(asyncpg.SerializationError, match="another transaction was first"):
        await early.execute("SELECT geoworks.check_order(); COMMIT")
    await making.rollback()
    await early.close()
    await late.close()
    await other.send(batch(made))


async def test_same_key_at_two_nodes(town: Town, other: PostgisStore) -> None:
    """Of two answers under one Idempotency-Key at two nodes the second is refused with its write, for a while."""
    reply = Reply("anna", "once", b"1", 201, b"{}", NOON + DAY)
    await town.store.send(replace(batch(written(works_record(1))), replies=(reply,)))  # type: ignore[attr-defined]
    with pytest.raises(StoreBusy, match="Idempotency-Key just now: send it again"):
        await other.send(replace(batch(written(works_record(2))), replies=(reply,)))
    assert await other.reply("anna", "once") == reply
    keys = {record.key async for some in other.records() for record in some}
    assert keys == {works_record(1).key}
