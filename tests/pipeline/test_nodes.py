"""Many nodes write one town, whatever their bus does and whoever leads: one order, no gap, nothing lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from msgspec import structs

from geoworks.app import open_town
from geoworks.clock import ManualClock
from geoworks.config.nodes import NodeRole, NodeTable
from geoworks.config.settings import Data, Engine, Settings, StoreTable
from geoworks.errors import StoreError, StoreUncertain
from geoworks.model.change import Key, Kind, Reason, Record
from geoworks.model.works import Effect, Works, WorksDerived
from geoworks.nodes import Bus, Followed, News
from geoworks.pipeline.derive import zone_geometries
from geoworks.pipeline.draft import Draft, works_key
from geoworks.pipeline.join import ZoneJoin
from geoworks.state import Published
from geoworks.town import Town
from tests.pipeline.house import a_works, a_zone, put_zone
from tests.postgres import Databases
from tests.store.samples import NOON

WAIT_S = 40
SEEDS = range(6)


class Grapevine:
    """A bus between the nodes of one process that loses, doubles, delays and turns round what is told."""

    def __init__(self, luck: random.Random) -> None:
        """Misbehave as luck has it."""
        self._luck = luck
        self._news: list[News] = []

    def new_bus(self) -> Bus:
        """Return the bus of one more node."""
        return _Whisper(self)

    @asynccontextmanager
    async def heard_by(self, news: News) -> AsyncIterator[None]:
        """Let a node hear until the block ends."""
        self._news.append(news)
        try:
            yield
        finally:
            self._news.remove(news)

    def tell(self, hear: Callable[[News], None]) -> None:
        """Tell every node, or not, or twice, now or later."""
        for news in self._news:
            for _ in range(self._luck.choice((0, 1, 1, 1, 2))):
                delay_s = self._luck.choice((0.0, 0.0, 0.001, 0.02, 0.2))
                asyncio.get_running_loop().call_later(delay_s, hear, news)


class _Whisper:
    """A `geoworks.nodes.Bus`."""

    def __init__(self, grapevine: Grapevine) -> None:
        self._grapevine = grapevine

    @property
    def trouble(self) -> str:
        return ""

    async def run(self, news: News) -> None:
        async with self._grapevine.heard_by(news):
            await asyncio.Event().wait()

    def tell_written(self) -> None:
        self._grapevine.tell(lambda news: news.written())

    def tell_numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        for change in changes:
            self._grapevine.tell(lambda news, one=change: news.numbered(epoch, [one]))  # type: ignore[misc]


class Region:
    """Three nodes, of which two may lead, and what was done to them."""

    def __init__(self, towns: Sequence[Town], dsn: str, luck: random.Random) -> None:
        """Begin with nothing done."""
        self.towns = towns
        self.told: list[list[int]] = [[] for _ in towns]
        self.counted: dict[Key, int] = {}
        self.doubtful = 0
        self._dsn = dsn
        self._luck = luck
        for town, told in zip(towns, self.told, strict=True):
            town.desk.followers.append(_listening(told))

    async def act(self) -> None:
        """Do one thing at one node; what is refused for a while is done again, as a client does it."""
        town, key = self._luck.choice(self.towns), works_key(f"w{self._luck.randrange(4)}")
        kind = self._luck.random()
        if kind < 0.8:
            await self._insist(town, _count(key, self._luck))
            self.counted[key] = self.counted.get(key, 0) + 1
        elif kind < 0.95:
            west = 2.30 + self._luck.choice((0.0, 0.001, 0.005, 0.02))
            await self._insist(town, put_zone(f"z{self._luck.randrange(2)}", a_zone(west)))
        else:
            await self._end_connections()

    async def settled(self) -> None:
        """Wait until nothing waits, every node has come to the end of the log, and joining has ended."""
        async with asyncio.timeout(WAIT_S):
            while not await self._is_settled():  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.05)

    async def _is_settled(self) -> bool:
        looks = [await town.node.follower._store.look() for town in self.towns if town.node]  # noqa: SLF001 - no other way to see it
        heads = {(look.head.offset, look.waiting) for look in looks}
        cursors = {town.state.cursor.offset for town in self.towns}
        joined = [_joined_anew(town) for town in self.towns]
        return len(heads) == 1 and heads == {(offset, 0) for offset in cursors} and all(joined)

    async def _insist(self, town: Town, edit: Callable[[Draft], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await town.desk.submit(edit)
                except StoreUncertain:
                    self.doubtful += 1
                except StoreError:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def _end_connections(self) -> None:
        """Have the server end the connections that hold locks: those of the leader, or of all that write."""
        connection = await asyncpg.connect(self._dsn)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = $1",
            self._luck.choice(("ExclusiveLock", "ExclusiveLock", "ShareLock")),
        )
        await connection.close()


def _listening(told: list[int]) -> Callable[[Sequence[Published]], None]:
    def listen(published: Sequence[Published]) -> None:
        told.extend(one.change.offset for one in published)

    return listen


def _count(key: Key, luck: random.Random) -> Callable[[Draft], object]:
    """Return an edit that adds one to the number a works has for its title, and moves it."""
    lon = 2.29 + luck.randrange(30) / 1000

    def edit(draft: Draft) -> None:
        standing = draft.get(key)
        number = number_of(standing) if standing else 0
        draft.put(key, a_works(title=str(number + 1), at=(lon, 48.635)), reason=Reason.UPDATED)

    return edit


def number_of(record: Record) -> int:
    """Return the number that a works has for its title."""
    assert isinstance(record.given, Works)
    return int(record.given.title)


def _joined_anew(town: Town) -> bool:
    """Tell whether every works has the effects that the zones as they stand make."""
    join = ZoneJoin(zone_geometries(town.state))
    entries = list(town.state.of_kind(Kind.WORKS))
    if not entries:
        return True
    shapes = np.array([entry.record.given.geometry for entry in entries], dtype=object)
    return [_effects(entry.record) for entry in entries] == list(join.effects(shapes))


def _effects(record: Record) -> tuple[Effect, ...]:
    assert isinstance(record.derived, WorksDerived)
    return record.derived.effects


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_life(databases: Databases, tmp_path: Path, seed: int) -> None:
    """Whatever three nodes write at once, whichever connection breaks and whatever the bus does, it is one town.

    No edit is lost though all count on the same works, every node is told every number once and in order, all hold
    what the store holds, and every works is joined with the zones as they are.
    """
    luck = random.Random(seed)
    dsn, grapevine = databases.server.dsn(databases.new()), Grapevine(luck)
    async with AsyncExitStack() as stack:
        towns = []
        for name, role in (("a", NodeRole.ALL), ("b", NodeRole.WORKER), ("c", NodeRole.GATEWAY)):
            settings = structs.replace(
                Settings(),
                data=Data(dir=str(tmp_path / name)),
                store=StoreTable(engine=Engine.POSTGRESQL, dsn=dsn),
                node=NodeTable(role=role, name=name, poll_s=0.2),
            )
            opened = open_town(settings, clock=ManualClock(NOON), sources=[], bus=grapevine.new_bus())
            towns.append(await stack.enter_async_context(opened))
        region = Region(towns, dsn, luck)
        for _ in range(12):
            async with asyncio.TaskGroup() as group:
                for _ in range(luck.randrange(1, 6)):
                    group.create_task(region.act())
        await region.settled()
        connection = await asyncpg.connect(dsn)
        offsets = [row[0] for row in await connection.fetch('SELECT "offset" FROM geoworks.log ORDER BY "offset"')]
        await connection.close()
        assert offsets == list(range(1, len(offsets) + 1))
        records = {record.key: record for town in towns[:1] async for some in town.store.records() for record in some}
        for town, told in zip(towns, region.told, strict=True):
            assert told == list(range(told[0], offsets[-1] + 1))
            held = {entry.record.key: entry.record for kind in Kind for entry in town.state.of_kind(kind)}
            assert held == records
        titles = {key: number_of(record) for key, record in records.items() if key.kind is Kind.WORKS}
        if region.doubtful:
            # What was sent again may have gone through the first time.
            assert all(titles[key] >= count for key, count in region.counted.items())
        else:
            assert titles == region.counted
