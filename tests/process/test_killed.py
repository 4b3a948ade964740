"""The service killed at any moment: what it accepted is there, numbered without a gap, and told once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from websockets.exceptions import ConnectionClosed
from yarl import URL

from tests.process.service import Service, feature, gather, serving, titles
from tests.web.driver import Driver

BURSTS = 200
POSTS = 5
KILLS = 8
_EVERYTHING = {"id": "all", "area": {"everywhere": True}}


@dataclass
class Writer:
    """Posts works, each under a key of its own, and remembers which of them were accepted."""

    client: aiohttp.ClientSession
    headers: dict[str, str]
    accepted: dict[str, str] = field(default_factory=dict)
    answers: int = 0

    async def post(self, base: URL, title: str) -> None:
        """Post a works once; a connection that breaks tells nothing of it."""
        headers = self.headers | {"Idempotency-Key": title}
        try:
            async with self.client.post(base.join(URL("/v1/works")), json=feature(title), headers=headers) as answer:
                assert answer.status == 201, await answer.text()
                created = await answer.json(content_type=None)
        except aiohttp.ClientError:
            return
        self.answers += 1
        assert self.accepted.setdefault(title, created["id"]) == created["id"]

    async def burst(self, service: Service, number: int, *, dies_after: int | None) -> None:
        """Post a burst; kill the service once so many of its posts were answered."""
        before = self.answers

        async def one(title: str) -> None:
            await self.post(service.base, title)
            if dies_after is not None and self.answers >= before + dies_after and service.process.returncode is None:
                service.process.kill()

        await gather(one(title) for title in burst_titles(number))

    async def finish(self, service: Service, number: int) -> None:
        """Post again what a kill left unanswered, and what was answered, as a careful client would."""
        await gather(self.post(service.base, title) for title in burst_titles(number))


def burst_titles(number: int) -> Sequence[str]:
    """Return the titles of a burst."""
    return [f"{number:03}-{post}" for post in range(POSTS)]


class Lives:
    """One service after the other on the same data, each until it is killed."""

    def __init__(self, folder: Path) -> None:
        """Keep the data in a folder."""
        self._folder = folder
        self._stack = AsyncExitStack()
        self.service: Service

    async def begin(self) -> None:
        """Wait for the end of the last life, and start the next."""
        await self._stack.aclose()
        self.service = await self._stack.enter_async_context(serving(self._folder))

    async def end(self) -> None:
        """End the last life."""
        await self._stack.aclose()


@asynccontextmanager
async def lives(folder: Path) -> AsyncIterator[Lives]:
    """Give a service that may be killed and started again."""
    one = Lives(folder)
    await one.begin()
    try:
        yield one
    finally:
        await one.end()


class Follower:
    """A client of the stream that comes back after each life of the service."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.driver: Driver | None = None

    async def follow(self, base: URL) -> None:
        """Connect, and hear everything until the connection breaks."""
        fresh = Driver(base, _EVERYTHING)
        if self.driver:
            fresh.held = self.driver.held
        self.driver = fresh
        await fresh.come()
        try:
            while True:
                await fresh.hear()
        except ConnectionClosed:
            return

    async def catch_up(self, base: URL) -> dict[str, str]:
        """Connect a last time and return the titles it ends with, by id."""
        assert self.driver
        last = Driver(base, _EVERYTHING)
        last.held = self.driver.held
        await last.come()
        await last.hear_until("caught_up")
        await last.socket.close()
        assert len(last.held.offsets) == len(set(last.held.offsets))
        return {id_: one["properties"]["title"] for (_, id_), one in last.held.features.items()}


async def test_killed_in_write_bursts(tmp_path: Path) -> None:
    """Killed 8 times in the middle of 200 bursts of posts, the service has every accepted one, once, without a gap."""
    luck = random.Random(200)
    deaths = {luck.randrange(life * BURSTS // KILLS, (life + 1) * BURSTS // KILLS) for life in range(KILLS)}
    async with aiohttp.ClientSession() as client, lives(tmp_path) as town:
        writer, follower = Writer(client, await town.service.key()), Follower()
        async with asyncio.TaskGroup() as listening:
            listening.create_task(follower.follow(town.service.base))
            for number in range(BURSTS):
                dies_after = luck.randrange(POSTS) if number in deaths else None
                await writer.burst(town.service, number, dies_after=dies_after)
                if dies_after is not None:
                    await town.begin()
                    listening.create_task(follower.follow(town.service.base))
                    await check(writer, town.service)
                    await writer.finish(town.service, number)
            served = await check(writer, town.service)
            await town.service.kill()
        await town.begin()
        assert await follower.catch_up(town.service.base) == served
    assert sorted(served.values()) == [title for number in range(BURSTS) for title in burst_titles(number)]
    assert log_offsets(tmp_path / "data") == list(range(1, len(served) + 1))


async def check(writer: Writer, service: Service) -> dict[str, str]:
    """Assert that every accepted works is served; return all that are."""
    served = await titles(writer.client, service.base)
    assert {id_: title for title, id_ in writer.accepted.items()}.items() <= served.items()
    return served


def log_offsets(data_dir: Path) -> list[int]:
    """Return the offsets that stand in the log on disk."""
    with closing(sqlite3.connect(data_dir / "geoworks.db")) as database:
        return [offset for (offset,) in database.execute("SELECT offset FROM log ORDER BY offset")]
