"""Many writers of one database: what they write stands in a log that one relay numbers, beside plain INSERTs.

Ours writes a feature, its version, its change and its record, and notes the commit; the peer inserts the same feature
and nothing else, over as many connections, each row in a transaction of its own. Two ways to write:

- as a town does it: writers at the desks of two gateways, each a process, with join, group commit and the answer after
  the number; a third process leads. The peer's writers are in two processes, too.
- the worst case: each writer is a node of its own that sends one feature at a time, all in one process with one loop,
  the relay in it too. So are the peer's.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from statistics import median, quantiles

from geoworks.clock import SystemClock
from geoworks.config.settings import Engine, StoreTable
from geoworks.model.change import Cursor, Record
from geoworks.store.postgis import PostgisStore
from tests.bench.outbox_town import peer, town
from tests.bench.outbox_writers import EACH, WRITERS, Delays, Writing, make_peer, plain_writings, written_per_s
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, paired_row
from tests.postgres import PACKAGE, Databases, find_programs, running
from tests.store.samples import batch, put

GATEWAYS = 2
ROUNDS = 7
TARGET = 0.6
# As the relay has them.
_LIMIT = 500
_POLL_S = 0.25
# A server as Debian sets it up: what it answers is on the disk.
SYNCED = {"listen_addresses": "", "max_connections": "60", "shared_buffers": "64MB"}
_WAYS = {"fsync on": SYNCED, "fsync off": {**SYNCED, "fsync": "off"}}

Pairs = list[tuple[float, float]]


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
            self.delays.durable[record.key.id] = time.monotonic()
            self._written.set()

        return write

    async def _number(self, missing: int) -> None:
        """Number as the relay does, when told of something written, and now and then, until nothing is missing."""
        while missing:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._written.wait()
            self._written.clear()
            # What comes while it numbers is told of.
            while missing and (came := await self._number_some()):
                missing -= came
                if came < _LIMIT:
                    break

    async def _number_some(self) -> int:
        """Return how many got their numbers."""
        changes = (await self._stores[0].number(zones_at=0, limit=_LIMIT)).changes
        now = time.monotonic()
        self.delays.numbered.update((one.change.key.id, now) for one in changes)
        if changes:
            self._head = Cursor(self._head.epoch, changes[-1].change.offset)
        return len(changes)


def rows() -> Iterator[Row | Growth]:
    """Measure on a disk that is synced, and on one that is not, where the exchanges with the server count alone."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE))
        return
    for way, settings in _WAYS.items():
        with ExitStack() as stack:
            databases = Databases(stack.enter_context(running(settings)))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            pairs, delays_s = of_a_town(_table(databases), folder)
            what = f"outbox of a town, {way}: {WRITERS} writers at {GATEWAYS} gateways"
            yield paired_row(f"{what}, beside plain INSERTs", pairs, target=TARGET, unit="writes/s")
            yield from _delays(what, delays_s)
            pairs, delays_s, number_s = asyncio.run(of_nodes(_table(databases), folder))
            what = f"outbox, {way}: single writes of {WRITERS} nodes"
            yield paired_row(f"{what}, beside plain INSERTs", pairs, target=TARGET, unit="writes/s")
            yield from _delays(what, delays_s)
            yield Growth(f"outbox, {way}: a change numbered, of those that wait", WRITERS * EACH, number_s)


def _table(databases: Databases) -> StoreTable:
    return StoreTable(engine=Engine.POSTGRESQL, dsn=databases.server.dsn(databases.new()))


def _delays(what: str, delays_s: Sequence[float]) -> Iterator[Growth]:
    cuts = quantiles(delays_s, n=100)
    for percent in (50, 99):
        yield Growth(f"{what}: from durable to numbered (p{percent})", WRITERS, cuts[percent - 1])


def of_a_town(table: StoreTable, folder: Path) -> tuple[Pairs, list[float]]:
    """Return pairs of writes a second, ours and the peer's, and all of the relay's delays."""
    pairs, delays_s = [], list[float]()
    with (
        town(table, folder, gateways=GATEWAYS, writers=WRITERS) as ours,
        peer(table, processes=GATEWAYS, writers=WRITERS) as plain,
    ):
        for number in range(ROUNDS + 1):
            figures = {}
            for who in (ours, plain) if number % 2 else (plain, ours):
                figures[who], waited_s = who.run()
                # The first has plans and pages to make.
                delays_s += waited_s if number else []
            if number:
                pairs.append((figures[ours], figures[plain]))
    return pairs, delays_s


async def of_nodes(table: StoreTable, folder: Path) -> tuple[Pairs, list[float], float]:
    """Return pairs of writes a second, ours and the peer's, all of the relay's delays, and what a number costs."""
    pairs, delays_s = [], []
    async with AsyncExitStack() as stack:
        nodes = await opened(table, folder, stack)
        await make_peer(table)
        writings = await plain_writings(table, WRITERS, stack)
        for number in range(ROUNDS + 1):
            figures = {}
            for who in ("ours", "peer") if number % 2 else ("peer", "ours"):
                figures[who] = await (nodes.run() if who == "ours" else written_per_s(writings))
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
