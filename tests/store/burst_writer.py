"""A process that commits bursts until it is killed: `python -m tests.store.burst_writer DATA_DIR [DSN]`.

With the address of a database it writes there.

After each commit it writes one line: the offsets and ids of its changes, as JSON.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import StoreTable
from geoworks.ports import OwnStore
from geoworks.store.sqlite import SqliteStore
from tests.store.alone import Alone
from tests.store.samples import batch, put, remove, works_record

COMMITS_PER_BURST = 4


class Acknowledged(msgspec.Struct):
    """One commit that returned."""

    burst: int
    changes: list[tuple[int, str]]


def make_store(data_dir: Path, dsn: str, clock: Clock) -> OwnStore:
    """Make the store on a folder, or on a database where one is named."""
    return Alone(StoreTable(dsn=dsn), data_dir, clock=clock) if dsn else SqliteStore(data_dir, clock=clock)


async def write_bursts(data_dir: Path, dsn: str = "") -> None:
    """Commit bursts for ever; every commit creates three works and withdraws one of them."""
    store = make_store(data_dir, dsn, SystemClock())
    number, burst = (await store.open()).offset, 0
    while True:
        burst += 1
        numbers = range(number, number + 3 * COMMITS_PER_BURST, 3)
        await asyncio.gather(*(_commit(store, burst, first) for first in numbers))
        number = numbers[-1] + 3


async def _commit(store: OwnStore, burst: int, first: int) -> None:
    records = [works_record(first + step) for step in range(3)]
    changes = await store.commit(batch(*map(put, records), remove(records[0])))
    line = msgspec.json.encode(Acknowledged(burst, [(change.offset, change.key.id) for change in changes]))
    os.write(sys.stdout.fileno(), line + b"\n")


if __name__ == "__main__":
    asyncio.run(write_bursts(Path(sys.argv[1]), *sys.argv[2:]))
