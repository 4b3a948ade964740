"""A town as its users run it, by one node or by many, with clients that listen at its doors, each a process of its own.

Works are posted to it at a steady rate, each with a text in its title by which the clients know it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count, cycle
from pathlib import Path

import aiohttp
from msgspec import Struct
from yarl import URL

from tests.bench.bench_fanout import different_areas
from tests.bench.cores import allow_files, cpu_s
from tests.bench.listeners import FILES, WAIT_S, Listeners, WebSocketClient, mark
from tests.process.nodes import node
from tests.process.service import Service, feature, serving, toml

_NUMBERS = count()
# Clients that only take note give no signs of life, and all come from one address.
_LIMITS = {
    "GEOWORKS_SERVER_REQUESTS_PER_MINUTE": "1000000",
    "GEOWORKS_STREAM_CONNECTIONS_PER_ADDRESS": "1000000",
    "GEOWORKS_STREAM_PONG_S": "86400",
}


class Pace(Struct, frozen=True):
    """So many works, with a pause after each."""

    changes: int
    pause_s: float


class Played(Struct, frozen=True):
    """What a run gave: seconds from the request and from its answer to each socket, and CPU seconds of each door."""

    from_request_s: Sequence[float]
    from_answer_s: Sequence[float]
    doors_cpu_s: Sequence[float]


class Town:
    """Doors with clients, and where works are posted."""

    def __init__(
        self, doors: Sequence[Service], posts: Sequence[Service], headers: Mapping[str, str], listeners: list[Listeners]
    ) -> None:
        """Play with these."""
        self._doors = doors
        self._posts = posts
        self._headers = headers
        self._listeners = listeners

    async def play(self, pace: Pace) -> Played:
        """Post works; return when every client has them."""
        first = next(_NUMBERS)
        numbers = [first, *(next(_NUMBERS) for _ in range(pace.changes - 1))]
        begin = [cpu_s(door.process.pid) for door in self._doors]
        for listeners in self._listeners:
            listeners.hear(first, pace.changes)
        sent = await self._posted(numbers, pace.pause_s)
        heard = [await asyncio.to_thread(listeners.moments) for listeners in self._listeners]
        spent = [cpu_s(door.process.pid) - before for door, before in zip(self._doors, begin, strict=True)]
        came = [
            (asked, answered, at)
            for moments in heard
            for (asked, answered), there in zip(sent, moments, strict=True)
            for at in there
        ]
        return Played([at - asked for asked, _, at in came], [max(at - done, 0.0) for _, done, at in came], spent)

    async def _posted(self, numbers: Sequence[int], pause_s: float) -> list[tuple[float, float]]:
        """Post works at a rate, whatever the answers take; return when each was sent and answered."""
        async with aiohttp.ClientSession(headers=self._headers) as client, asyncio.TaskGroup() as group:
            posting = []
            for number, post in zip(numbers, cycle(self._posts), strict=False):
                posting.append(group.create_task(_post(client, post, number)))
                await asyncio.sleep(pause_s)
        return [task.result() for task in posting]


async def _post(client: aiohttp.ClientSession, service: Service, number: int) -> tuple[float, float]:
    begin = time.monotonic()
    async with client.post(service.base.join(URL("/v1/works")), json=feature(mark(number))) as answer:
        await answer.read()
        assert answer.status == 201, answer.status
    return begin, time.monotonic()


@contextmanager
def without_limits() -> Iterator[None]:
    """Have the nodes that start in the block take all that come from this machine."""
    allow_files(FILES)
    before = dict(os.environ)
    os.environ.update(_LIMITS)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@asynccontextmanager
async def embedded(folder: Path, *, clients: Sequence[int]) -> AsyncIterator[Town]:
    """Serve a town by one process with its store in a file; groups of clients of these sizes listen to it."""
    async with AsyncExitStack() as stack:
        service = await _started(stack, folder / "alone", toml())
        yield await _peopled(stack, [service] * len(clients), clients, posts=[service])


@asynccontextmanager
async def shared(
    folder: Path, dsn: str, *more: str, clients: Sequence[int], posts_apart: bool = False
) -> AsyncIterator[Town]:
    """Serve a town by a worker and a gateway for each group of clients; `more` is added to the configuration.

    With `posts_apart` works are posted at one more gateway, where nobody listens.
    """
    async with AsyncExitStack() as stack:
        await _started(stack, folder / "worker", node(dsn, "worker", "worker", *more))
        doors = [
            await _started(stack, folder / f"gateway{n}", node(dsn, "gateway", f"gateway{n}", *more))
            for n in range(len(clients))
        ]
        posts = doors
        if posts_apart:
            posts = [await _started(stack, folder / "desk", node(dsn, "gateway", "desk", *more))]
        yield await _peopled(stack, doors, clients, posts=posts)


async def _started(stack: AsyncExitStack, folder: Path, config: str) -> Service:
    folder.mkdir(parents=True)  # noqa: ASYNC240 - before anything runs
    return await stack.enter_async_context(serving(folder, config=config))


async def _peopled(
    stack: AsyncExitStack, doors: Sequence[Service], clients: Sequence[int], *, posts: Sequence[Service]
) -> Town:
    headers = await posts[0].key()
    await asyncio.gather(*(_knows(post, headers) for post in posts))
    listeners = []
    for door, sockets in zip(doors, clients, strict=True):
        assert door.base.port
        # Each asks about another place around the works, as drivers do.
        client = WebSocketClient(path="/v1/stream", areas=different_areas(sockets))
        listeners.append(await asyncio.to_thread(Listeners, client, door.base.port, sockets))
        stack.push(listeners[-1])
    return Town(doors, posts, headers, listeners)


async def _knows(service: Service, headers: Mapping[str, str]) -> None:
    """Wait until a node knows a key."""
    url = service.base.join(URL("/v1/works"))
    async with asyncio.timeout(WAIT_S), aiohttp.ClientSession(headers=headers) as client:
        while True:
            async with client.post(url, json={}) as answer:
                if answer.status != 401:
                    return
            await asyncio.sleep(0.05)
