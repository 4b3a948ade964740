"""Who writes in the benchmark of the outbox, as fast as answers come; and the peer, who inserts one row a write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from geoworks.config.settings import StoreTable
from geoworks.model.change import Key, Kind, Record
from geoworks.store.postgis.columns import FEATURE, feature_rows
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.server import find_postgis
from tests.pipeline.house import a_works
from tests.store.samples import NOON, works_record

WRITERS = 16
EACH = 120
_INSERT = f"INSERT INTO peer ({', '.join(FEATURE)}) VALUES ({', '.join(f'${n}' for n in range(1, len(FEATURE) + 1))})"  # noqa: S608 - our own column names
_PLACES = 997
_NUMBERS = count(1)

Writing = Callable[[Record], Awaitable[None]]


class Delays(Struct):
    """When each change was durable, and when it had its number."""

    durable: dict[str, float]
    numbered: dict[str, float]

    def seconds(self) -> list[float]:
        """Return how long each durable change waited for its number; 0 where the number came first."""
        return [max(self.numbered[id_] - at, 0.0) for id_, at in self.durable.items()]


def records_of(writings: Sequence[Writing], prefix: str = "outbox") -> list[list[Record]]:
    """Make what each writer is to write."""
    return [[fresh(prefix) for _ in range(EACH)] for _ in writings]


async def written(writings: Sequence[Writing], todo: Sequence[Sequence[Record]]) -> tuple[float, float]:
    """Have each writer write its records, one after the other; return when they began and when the last was answered.

    The moments are of a clock that all processes of a machine share.
    """
    begin = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for writing, records in zip(writings, todo, strict=True):
            tasks.create_task(_each(writing, records))
    return begin, time.monotonic()


async def written_per_s(writings: Sequence[Writing]) -> float:
    """Return the writes a second of all writers together."""
    begin, end = await written(writings, records_of(writings))
    return len(writings) * EACH / (end - begin)


async def _each(writing: Writing, records: Sequence[Record]) -> None:
    for record in records:
        await writing(record)


def fresh(prefix: str) -> Record:
    """Make a works that never was, somewhere in the town, planned for tomorrow."""
    number = next(_NUMBERS)
    at = (2.30 + number % _PLACES / _PLACES * 0.04, 48.63 + number % 7 * 0.001)
    given = a_works(at=at, start=NOON + timedelta(days=1), end=NOON + timedelta(days=2))
    return replace(works_record(number), key=Key(Kind.WORKS, f"{prefix}:{number}"), given=given)


async def make_peer(table: StoreTable) -> None:
    """Make a table with the columns and indexes of our features."""
    place = Place(table)
    connection = await place.connect(await find_postgis(place))
    await connection.execute("CREATE TABLE peer (LIKE features INCLUDING ALL) WITH (fillfactor = 70)")
    await connection.close()


async def plain_writings(table: StoreTable, writers: int, stack: AsyncExitStack) -> list[Writing]:
    """Connect the peer's writers, until the stack is closed."""
    place = Place(table)
    postgis_schema = await find_postgis(place)
    connections = [await place.connect(postgis_schema) for _ in range(writers)]
    for connection in connections:
        stack.push_async_callback(connection.close)
    return [_plain_writing(connection) for connection in connections]


def _plain_writing(connection: asyncpg.Connection) -> Writing:
    """Return what inserts one record's row."""

    async def write(record: Record) -> None:
        await connection.execute(_INSERT, *next(feature_rows([record])))

    return write
