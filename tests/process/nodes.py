"""Many nodes on one database, each a process of its own as its users run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from tests.process.service import WAIT_S, Service, serving, toml


def node(dsn: str, role: str, name: str, *more: str) -> str:
    """Return the configuration of a node, with more lines at its end."""
    store = ("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')
    return toml(*store, "[node]", f'role = "{role}"', f'name = "{name}"', "lag_alarm_s = 1.0", *more)


@asynccontextmanager
async def three_nodes(folder: Path, dsn: str, *more: str) -> AsyncIterator[Sequence[Service]]:
    """Serve a town by a worker and two gateways until the block ends; yield them in this order."""
    async with AsyncExitStack() as stack:
        services = []
        for name, role in (("worker", "worker"), ("north", "gateway"), ("south", "gateway")):
            place = folder / name
            place.mkdir()
            services.append(await stack.enter_async_context(serving(place, config=node(dsn, role, name, *more))))
        yield services


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds in another process."""
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.05)


async def accepts(service: Service, headers: dict[str, str]) -> bool:
    """Tell whether a node knows a key."""
    url = service.base.join(URL("/v1/works"))
    async with aiohttp.ClientSession() as client, client.post(url, json={}, headers=headers) as answer:
        return answer.status != 401


async def status_of(service: Service) -> dict[str, Any]:
    """Return what a node tells of the town and of itself."""
    async with aiohttp.ClientSession() as client, client.get(service.base.join(URL("/v1/status"))) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        return told
