"""A town of two gateways and a worker, each a process as in service, with writers at the desks of the gateways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from geoworks.app import open_town
from geoworks.clock import ManualClock
from geoworks.config.nodes import NodeRole, NodeTable
from geoworks.config.settings import Data, Settings, StoreTable
from geoworks.model.change import Reason, Record
from geoworks.nodes import Sent
from geoworks.pipeline.draft import Draft
from geoworks.ports import Batch
from geoworks.state import Published
from geoworks.town import Town
from tests.bench.outbox_writers import EACH, Delays, Writing, make_peer, plain_writings, records_of, written
from tests.pipeline.house import a_zone, put_zone
from tests.store.samples import NOON

Work = Callable[[Connection], Coroutine[Any, Any, None]]

_WAIT_S = 120
_ZONES = 4


class Run(Struct, frozen=True):
    """What the writers of a node did: when they began and ended, and how long each change waited for its number."""

    begin: float
    end: float
    writes: int
    delays_s: Sequence[float]


class Writers:
    """Processes that write at once."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        """Talk to these."""
        self._lines = lines

    def run(self) -> tuple[float, list[float]]:
        """Have all write; return the writes a second of all together, and how long each waited for its number."""
        for _ in ("make ready", "go"):
            for line in self._lines:
                line.send(True)
            heard: list[Run] = [_heard(line) for line in self._lines]
        seconds = max(run.end for run in heard) - min(run.begin for run in heard)
        return sum(run.writes for run in heard) / seconds, [delay_s for run in heard for delay_s in run.delays_s]


@contextmanager
def town(table: StoreTable, folder: Path, *, gateways: int, writers: int) -> Iterator[Writers]:
    """Run a worker, and gateways that so many writers share, until the block ends."""
    nodes = [(_settings(table, folder, NodeRole.WORKER, 0), 0)]
    nodes += [(_settings(table, folder, NodeRole.GATEWAY, n), writers // gateways) for n in range(gateways)]
    with _spawned([partial(_node, *node) for node in nodes]) as lines:
        yield Writers(lines[1:])


@contextmanager
def peer(table: StoreTable, *, processes: int, writers: int) -> Iterator[Writers]:
    """Run processes that so many of the peer's writers share, until the block ends."""
    asyncio.run(make_peer(table))
    with _spawned([partial(_plain, table, f"peer{n}", writers // processes) for n in range(processes)]) as lines:
        yield Writers(lines)


@contextmanager
def _spawned(works: Sequence[Work]) -> Iterator[list[Connection]]:
    """Do each work in a process of its own until the block ends, and talk to it."""
    spawn = get_context("spawn")
    lines, processes = list[Connection](), list[SpawnProcess]()
    try:
        for work in works:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_serve, args=(work, theirs), daemon=True)
            process.start()
            lines.append(ours)
            processes.append(process)
            # One after the other: the first makes the tables, and leads.
            _heard(ours)
        yield lines
    finally:
        for line, process in zip(lines, processes, strict=True):
            line.send(False)
            process.join(_WAIT_S)


def _heard(line: Connection) -> Any:  # noqa: ANN401 - whatever a process says
    if not wait([line], _WAIT_S):
        raise TimeoutError("a process does not answer")
    return line.recv()


def _serve(work: Work, line: Connection) -> None:
    asyncio.run(work(line))


def _settings(table: StoreTable, folder: Path, role: NodeRole, number: int) -> Settings:
    name = f"{role}{number}"
    return structs.replace(
        Settings(), data=Data(dir=str(folder / name)), store=table, node=NodeTable(role=role, name=name)
    )


async def _node(settings: Settings, writers: int, line: Connection) -> None:
    """Be a node of the town, with so many writers at its desk."""
    async with open_town(settings, clock=ManualClock(NOON), sources=[]) as node:
        if not writers:
            for number in range(_ZONES):
                await node.desk.submit(put_zone(f"z{number}", a_zone(2.30 + number * 0.01)))
        await _obey(line, [_submitting(node)] * writers, settings.node.name, _noted(node))


async def _plain(table: StoreTable, name: str, writers: int, line: Connection) -> None:
    """Be so many of the peer's writers."""
    async with AsyncExitStack() as stack:
        await _obey(line, await plain_writings(table, writers, stack), name, Delays({}, {}))


async def _obey(line: Connection, writings: Sequence[Writing], prefix: str, delays: Delays) -> None:
    """Write whenever told to, until told to end."""
    line.send(None)
    while await asyncio.to_thread(line.recv):
        todo = records_of(writings, prefix)
        line.send(None)
        # All begin together.
        await asyncio.to_thread(line.recv)
        begin, end = await written(writings, todo)
        line.send(Run(begin, end, len(writings) * EACH, delays.seconds()))
        delays.durable.clear()


def _submitting(node: Town) -> Writing:
    """Return what has the desk write one record's works."""

    async def write(record: Record) -> None:
        def edit(draft: Draft) -> None:
            draft.put(record.key, record.given, reason=Reason.CREATED)

        await node.desk.submit(edit)

    return write


def _noted(node: Town) -> Delays:
    """Note from now on when what this node writes is durable, and when the node tells it with its number."""
    delays, send = Delays({}, {}), node.store.send  # type: ignore[attr-defined]

    async def noting(batch: Batch) -> Sent:
        sent: Sent = await send(batch)
        now = time.monotonic()
        delays.durable.update((write.key.id, now) for write in batch.writes)
        return sent

    def follow(published: Sequence[Published]) -> None:
        now = time.monotonic()
        delays.numbered.update((one.change.key.id, now) for one in published)

    node.store.send = noting  # type: ignore[attr-defined]
    node.desk.followers.append(follow)
    return delays
