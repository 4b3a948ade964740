"""Many writers of one database: what they write stands in a log that one relay numbers, beside plain INSERTs.

Ours writes a feature, its version, its change and its record, and notes the commit; the peer inserts the same feature
and nothing else, over as many connections, each row in a transaction of its own. Both encode what they write, in one
process with one loop; the relay is in it too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from geoworks.clock import SystemClock
from geoworks.config.settings import StoreTable
from geoworks.model.change import Cursor, Key, Kind, Record
from geoworks.store.postgis import PostgisStore
from geoworks.store.postgis.columns import FEATURE, feature_rows
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.server import find_postgis
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, paired_row
from tests.postgres import PACKAGE, Databases, find_programs, running
from tests.store.samples import batch, put, works_record

WRITERS = 16
EACH = 60
ROUNDS = 5
TARGET = 0.6
_LIMIT = 500
# A server as Debian sets it up: what it answers is on the disk.
SYNCED = {"listen_addresses": "", "max_connections": "60", "shared_buffers": "64MB"}
_WAYS = {"fsync on": SYNCED, "fsync off": {**SYNCED, "fsync": "off"}}
_INSERT = f"INSERT INTO peer ({', '.join(FEATURE)}) VALUES ({', '.join(f'${n}' for n in range(1, len(FEATURE) + 1))})"  # noqa: S608 - our own column names
_NUMBERS = count(1)

Writing = Callable[[Record], Awaitable[None]]


class Delays(Struct):
    """When each change was answered, and when the relay had numbered it."""

    answered: dict[str, float]
    numbered: dict[str, float]

    def seconds(self) -> list[float]:
        """Return how long each answered change waited for its number; 0 where the number came first."""
        return [max(self.numbered[id_] - at, 0.0) for id_, at in self.answered.items()]


class Nodes:
    """So many nodes that write, and one of them numbers."""

    def __init__(self, stores: Sequence[PostgisStore], head: Cursor) -> None:
        """Write by these; the log stands at `head`."""
        self._stores = stores
        self._head = head
        self._written = asyncio.Event()
        self.delays = Delays({}, {})

    async def number_s(self) -> float:
        """Return the seconds of the relay for one of many changes that wait."""
        assert await self._stores[0].lead(self._head)
        await written_per_s([self._writing(store) for store in self._stores])
        self._written.set()
        begin = time.perf_counter()
        await self._number(WRITERS * EACH)
        return (time.perf_counter() - begin) / (WRITERS * EACH)

    async def run(self) -> float:
        """Return the writes a second of all writers together, until the last is answered."""
        self.delays = Delays({}, {})
        assert await self._stores[0].lead(self._head)
        async with asyncio.TaskGroup() as tasks:
            numbering = tasks.create_task(self._number(WRITERS * EACH))
            per_s = await written_per_s([self._writing(store) for store in self._stores])
            await numbering
        return per_s

    def _writing(self, store: PostgisStore) -> Writing:
        async def write(record: Record) -> None:
            await store.send(batch(put(record)))
            self.delays.answered[record.key.id] = time.perf_counter()
            self._written.set()

        return write

    async def _number(self, missing: int) -> None:
        """Number as the relay does: when told that something was written, until nothing waits."""
        while missing:
            await self._written.wait()
            self._written.clear()
            while changes := (await self._stores[0].number(zones_at=0, limit=_LIMIT)).changes:
                now = time.perf_counter()
                self.delays.numbered.update((one.change.key.id, now) for one in changes)
                missing -= len(changes)
                self._head = Cursor(self._head.epoch, changes[-1].change.offset)


def rows() -> Iterator[Row | Growth]:
    """Measure on a disk that is synced, and on one that is not, where the exchanges with the server count alone."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE))
        return
    for way, settings in _WAYS.items():
        with ExitStack() as stack:
            databases = Databases(stack.enter_context(running(settings)))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            dsn = databases.server.dsn(databases.new())
            pairs, delays_s, number_s = asyncio.run(compared(StoreTable(dsn=dsn), folder))
        name = f"outbox, {way}: single writes of {WRITERS} nodes, beside plain INSERTs"
        yield paired_row(name, pairs, target=TARGET, unit="writes/s")
        yield Growth(f"outbox, {way}: a change numbered, of those that wait", WRITERS * EACH, number_s)
        cuts = quantiles(delays_s, n=100)
        for percent in (50, 99):
            yield Growth(f"outbox, {way}: from answer to number (p{percent}), by nodes", WRITERS, cuts[percent - 1])


async def compared(table: StoreTable, folder: Path) -> tuple[list[tuple[float, float]], list[float], float]:
    """Return pairs of writes a second, ours and the peer's, all of the relay's delays, and what a number costs."""
    pairs, delays_s = [], []
    async with AsyncExitStack() as stack:
        nodes = await opened(table, folder, stack)
        writings = await plain_writings(table, stack)
        for number in range(ROUNDS + 1):
            figures = {}
            for who in ("ours", "peer") if number % 2 else ("peer", "ours"):
                figures[who] = await (nodes.run() if who == "ours" else written_per_s(writings))
            # The first has plans and pages to make.
            if number:
                pairs.append((figures["ours"], figures["peer"]))
                delays_s += nodes.delays.seconds()
        number_s = median([await nodes.number_s() for _ in range(ROUNDS)])
    return pairs, delays_s, number_s


async def opened(table: StoreTable, folder: Path, stack: AsyncExitStack) -> Nodes:
    """Open the nodes, until the stack is closed."""
    stores, clock = [], SystemClock()
    for number in range(WRITERS):
        place = folder / str(number)
        place.mkdir()
        store = PostgisStore(table, place, clock=clock)
        head = await store.open()
        stack.push_async_callback(store.close)
        stores.append(store)
    return Nodes(stores, Cursor(head.epoch, head.offset))


async def plain_writings(table: StoreTable, stack: AsyncExitStack) -> list[Writing]:
    """Connect the peer's writers to a table with the same columns and indexes, until the stack is closed."""
    place = Place(table)
    postgis_schema = await find_postgis(place)
    connections = [await place.connect(postgis_schema) for _ in range(WRITERS)]
    for connection in connections:
        stack.push_async_callback(connection.close)
    await connections[0].execute("CREATE TABLE peer (LIKE features INCLUDING ALL) WITH (fillfactor = 70)")
    return [plain_writing(connection) for connection in connections]


def plain_writing(connection: asyncpg.Connection) -> Writing:
    """Return what inserts one record's row."""

    async def write(record: Record) -> None:
        await connection.execute(_INSERT, *next(feature_rows([record])))

    return write


async def written_per_s(writings: Sequence[Writing]) -> float:
    """Have each writer write its records, one after the other; return the writes a second of all together."""
    todo = [[fresh() for _ in range(EACH)] for _ in writings]
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for writing, records in zip(writings, todo, strict=True):
            tasks.create_task(_each(writing, records))
    return len(writings) * EACH / (time.perf_counter() - begin)


async def _each(writing: Writing, records: Sequence[Record]) -> None:
    for record in records:
        await writing(record)


def fresh() -> Record:
    """Make a works that never was."""
    number = next(_NUMBERS)
    return replace(works_record(number), key=Key(Kind.WORKS, f"outbox:{number}"))
