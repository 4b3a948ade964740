"""Nodes on a bus of the tests: what each heard, and changes to tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import shapely
from msgspec import structs

from geoworks.bus.nats import NatsBus
from geoworks.config.nodes import BusKind, BusTable
from geoworks.model.change import Change, MatchKeys, Op, Reason, Terms
from geoworks.model.severity import Severity
from geoworks.model.works import Works
from geoworks.nodes import Followed
from tests.nats_server import NatsServer
from tests.store.samples import NOON, works_record

EPOCH = "e1"
_WAIT_S = 15


class Ear:
    """What a node heard of the bus."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.changes: list[Followed] = []
        self.epochs: set[str] = set()
        self.hints = 0
        self.writings = 0
        self._heard = asyncio.Event()

    def written(self) -> None:
        """Hear that a node wrote something."""
        self.writings += 1
        self._heard.set()

    def numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Hear of changes, or of none."""
        self.changes += changes
        self.hints += not changes
        if changes:
            self.epochs.add(epoch)
        self._heard.set()

    @property
    def offsets(self) -> list[int]:
        """Return the offsets heard, in the order in which they came."""
        return [followed.change.offset for followed in self.changes]

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until what was heard is enough.

        Raises:
            TimeoutError: it never was.

        """
        async with asyncio.timeout(_WAIT_S):
            while not done():
                self._heard.clear()
                await self._heard.wait()


class Node:
    """A node: its bus, which runs, and what it heard."""

    def __init__(self, settings: BusTable) -> None:
        """Stand ready to join."""
        self.bus = NatsBus(settings)
        self.ear = Ear()

    async def until_trouble(self, *words: str) -> str:
        """Wait until the bus tells of trouble with all these words, and return it; without words, until none is left.

        Raises:
            TimeoutError: it never did.

        """
        async with asyncio.timeout(_WAIT_S):
            while not _fits(self.bus.trouble, words):  # noqa: ASYNC110 - the bus has no event for it
                await asyncio.sleep(0.01)
        return self.bus.trouble


def _fits(trouble: str, words: Sequence[str]) -> bool:
    return all(word in trouble for word in words) if words else not trouble


def settings_of(server: NatsServer, *, stream: str = "geoworks", login: str = "") -> BusTable:
    """Return the settings of a bus through this server."""
    url = f"nats://{login}127.0.0.1:{server.port}"
    return BusTable(kind=BusKind.NATS, nats_servers=(url,), stream=stream)


@asynccontextmanager
async def running_node(settings: BusTable, *, joined: bool = True) -> AsyncIterator[Node]:
    """Run a node's bus until the block ends; `joined` waits until it carries news."""
    node = Node(settings)
    run = asyncio.create_task(node.bus.run(node.ear))
    try:
        if joined:
            await node.ear.until(lambda: node.ear.hints > 0)
            node.ear.hints = node.ear.writings = 0
        yield node
    finally:
        run.cancel()
        await asyncio.wait([run], timeout=_WAIT_S)
    assert run.cancelled()


def followed(offset: int, *, reach: int = 2) -> Followed:
    """Make a numbered change of a works whose line has `reach` vertices; what is kept in memory only is in it too."""
    record = works_record(offset, version=2)
    line = shapely.LineString([(2.3 + step * 1e-6, 48.6) for step in range(reach)])
    assert isinstance(record.given, Works)
    given = structs.replace(record.given, geometry=line)
    before = MatchKeys(
        geometry=line,
        visible=True,
        severity=Severity.MEDIUM,
        terms=Terms(given, (given.impact,), in_force=True, begins=None),
    )
    change = Change(offset, NOON, record.key, Op.PUT, Reason.UPDATED, 2, before)
    return Followed(change, structs.replace(record, given=given), revision=offset + 1000, at=NOON)


def told(change: Followed) -> Followed:
    """Return a change as another node hears it."""
    before = change.change.before
    assert before is not None
    bare = structs.replace(change.change, before=structs.replace(before, terms=None))
    return structs.replace(change, change=bare)
