"""A town served by one `geoworks` process after the other, on the same data."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from geoworks.clock import SystemClock
from geoworks.store.sqlite import SqliteStore
from geoworks.web.answers import CURSOR_HEADER
from tests.process.service import Service, serving, toml
from tests.soak.archive import Archive, read_archive
from tests.soak.relay import Upstream

# Heartbeats come often, so that a connection gone silent is noticed within seconds. All clients have one address here,
# so what is allowed to one address is for all of them.
STREAM = ("[stream]", "heartbeat_s = 3.0", "pong_s = 3.0", "connections_per_address = 10000")


class Town:
    """The data, and the process that serves it now, if any."""

    def __init__(self, folder: Path) -> None:
        """Keep data, configuration and what the processes say in a folder."""
        self.upstream = Upstream()
        self.headers: Mapping[str, str] = {}
        self.starts_s: list[float] = []
        self._folder = folder
        self._stack = AsyncExitStack()
        self._service: Service
        self._bad_ends = 0

    async def start(self) -> None:
        """Serve, and tell the relays where."""
        begin = time.monotonic()
        self._service = await self._stack.enter_async_context(
            serving(self._folder, config=many_requests(toml(*STREAM)))
        )
        self.starts_s.append(time.monotonic() - begin)
        self.headers = self.headers or await self._service.key()
        self.upstream.base = self._service.base

    async def kill(self) -> None:
        """End the process by SIGKILL."""
        self.upstream.base = None
        await self._service.kill()
        await self._stack.aclose()

    async def terminate(self) -> None:
        """End the process by SIGTERM."""
        self._bad_ends += await self._service.terminate() != 0
        self.upstream.base = None
        await self._stack.aclose()

    async def works(self) -> tuple[int, dict[str, Any]]:
        """Return the offset that the service is at, and what `GET /v1/works` answers, by id."""
        url = self._service.base.join(URL("/v1/works"))
        async with aiohttp.ClientSession(headers=self.headers) as client, client.get(url) as answer:
            features = msgspec.json.decode(await answer.read())["features"]
        return int(answer.headers[CURSOR_HEADER].partition(".")[2]), {one["id"]: one for one in features}

    async def archive(self) -> Archive:
        """Return what stands on the disk; nothing may be served."""
        store = SqliteStore(self._service.data_dir, clock=SystemClock())
        try:
            await store.open()
            return await read_archive(store)
        finally:
            await store.close()

    def faults(self) -> int:
        """Return how often a process told of a fault of its own, or ended badly when it was asked to end."""
        return self.told().count("Traceback") + self._bad_ends

    def told(self) -> str:
        """Return what all processes wrote to standard error."""
        return self._service.told()


def many_requests(config: str) -> str:
    """Return a configuration that lets one address ask as much as it likes."""
    return config.replace("port = 0", "port = 0\nrequests_per_minute = 1000000")


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Town]:
    """Serve a new town while the block lasts."""
    town = Town(folder)
    await town.start()
    try:
        yield town
    finally:
        await town.kill()
