"""A town on three nodes in one process: each is opened as the command does it, on one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientSession
from msgspec import structs
from yarl import URL

from geoworks.app import open_doors, open_town
from geoworks.clock import ManualClock
from geoworks.config.nodes import NodeRole, NodeTable
from geoworks.config.settings import Data, Engine, Server, Settings, StoreTable
from geoworks.nodes import Bus, Followed, News
from geoworks.pipeline.desk import Desk, Edit
from geoworks.pipeline.keys import Role
from geoworks.ports import Reply
from geoworks.town import Town
from tests.web.house import NOW, Answer, GivenSource, House

T = TypeVar("T")
WAIT_S = 30


@dataclass(frozen=True)
class Among(House):
    """The gateway that is listened to, whose desk is the other one's; requests that change the town go there too."""

    other: Town
    other_base: URL

    async def key(self, role: Role = Role.STAFF, name: str = "") -> str:
        """Make a key at this gateway and let the other one know it."""
        secret = await super().key(role, name)
        await self.other.keys.load()
        return secret

    async def ask(self, method: str, path: str, **options: Any) -> Answer:  # noqa: ANN401 - aiohttp's own options
        """Send what changes something to the other gateway, and let this one come as far as that one."""
        if method in {"GET", "HEAD", "OPTIONS"}:
            return await super().ask(method, path, **options)
        async with self.client.request(method, self.other_base.join(URL(path, encoded=True)), **options) as response:
            answer = Answer(response, await response.read())
        await come_as_far(self.town, self.other)
        return answer


class ElsewhereDesk(Desk):
    """The desk of one gateway, to whoever looks at the town from another."""

    def __init__(self, here: Town, other: Town) -> None:
        """Submit at `other`, and let `here` come as far before what was submitted returns."""
        self._here = here
        self._other = other

    async def submit(self, edit: Edit[T], *, reply: Callable[[T], Reply] | None = None) -> T:
        """Run an edit at the other gateway."""
        result = await self._other.desk.submit(edit, reply=reply)
        await come_as_far(self._here, self._other)
        return result


async def come_as_far(here: Town, other: Town) -> None:
    """Wait until a node knows what another one does."""
    async with asyncio.timeout(WAIT_S):
        while here.state.cursor.offset < other.state.cursor.offset:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.001)


class DeafBus:
    """A `geoworks.nodes.Bus` by which nothing is heard: its node knows what it finds when it looks."""

    trouble = ""

    async def run(self, news: News) -> None:
        """Hear nothing until cancelled."""
        del news
        await asyncio.Event().wait()

    def tell_written(self) -> None:
        """Tell nobody."""

    def tell_numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Tell nobody."""
        del epoch, changes


@asynccontextmanager
async def opened_among(
    folder: Path, dsn: str, clock: ManualClock | None = None, bus: Bus | None = None, /, **tables: object
) -> AsyncIterator[Among]:
    """Serve a town by a worker and two gateways; `tables` replace those of the settings.

    `bus` is that of the gateway that is listened to, and of none else.
    """
    tables.setdefault("server", Server(port=0, requests_per_minute=10_000))
    store = StoreTable(engine=Engine.POSTGRESQL, dsn=dsn)
    clock, source = clock or ManualClock(NOW), GivenSource()

    def settings(name: str, role: NodeRole) -> Settings:
        node = NodeTable(role=role, name=name, poll_s=1.0)
        return structs.replace(Settings(), data=Data(dir=str(folder / name)), store=store, node=node, **tables)

    async with (
        open_town(settings("worker", NodeRole.WORKER), clock=clock, sources=[source]),
        open_town(settings("north", NodeRole.GATEWAY), clock=clock, sources=[source]) as north,
        open_town(settings("south", NodeRole.GATEWAY), clock=clock, sources=[source], bus=bus) as south,
        open_doors(north) as north_address,
        open_doors(south) as address,
        ClientSession() as client,
    ):
        town = replace(south, desk=ElsewhereDesk(south, north))
        yield Among(town, source, clock, client, URL(address), north, URL(north_address))
