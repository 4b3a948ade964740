"""A town served by two gateways and two workers, on PostgreSQL and NATS of its own that can be hurt."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from yarl import URL

from geoworks.clock import SystemClock
from geoworks.config.nodes import BusKind
from geoworks.config.settings import StoreTable
from geoworks.state import make_entry
from geoworks.store.postgis import PostgisStore
from tests.nats_server import NatsServer, running_nats
from tests.postgres import Databases, Server, running
from tests.process.nodes import node
from tests.process.service import GEOWORKS, Service, serving
from tests.soak.archive import Archive, read_archive
from tests.soak.planning import Planning
from tests.soak.relay import Relay, Upstream, relaying
from tests.soak.town import STREAM, many_requests
from tests.store.disks import small_disk

GATEWAYS, WORKERS = ("north", "south"), ("worker", "standby")
_ANSWER_S = 5.0
_DISK_KIB = 600_000
_LAST_WORKERS, _NUMBERED_S = 5, 60
_KNOWN_S = 60
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "150",
    "shared_buffers": "64MB",
    # A commit takes long enough that a kill comes in the middle of one now and then.
    "commit_delay": "10000",
    "commit_siblings": "0",
}


class Either(Upstream):
    """A gateway, and the other one while nobody is there: what stands in front of many nodes does so."""

    def __init__(self, first: Upstream, other: Upstream) -> None:
        """Prefer the first."""
        super().__init__()
        self._ways = (first, other)

    async def connect(self, end: asyncio.Protocol) -> bool:
        """Connect one end to whichever is there; tell whether one was."""
        for way in self._ways:
            if await way.connect(end):
                return True
        return False


class Fleet:
    """The processes, by name, and where they are."""

    def __init__(
        self, folder: Path, databases: Databases, *, disk: Path | None, bus: Sequence[str], before: str = ""
    ) -> None:
        """Keep configuration, and what the processes say, in a folder; `bus` are the lines that configure it.

        `before` is the program of an earlier release, by which all begin; what is started again is this one.
        """
        self.server: Server = databases.server
        self.dsn = self.server.dsn(databases.new())
        self.disk = disk
        self.nats: NatsServer | None = None
        self.nats_way: Relay | None = None
        self.ways = {name: Upstream() for name in GATEWAYS}
        self.services: dict[str, Service] = {}
        self.headers: Mapping[str, str] = {}
        self.bad_ends: list[str] = []
        # What it gives out does not follow from the seed of the faults, which are to stay the same.
        self.planning = Planning(folder / "planning.geojson", random.Random(0))
        self._folder = folder
        self._bus = bus
        self._before = before
        self._stacks: dict[str, AsyncExitStack] = {}
        self._store = PostgisStore(StoreTable(dsn=self.dsn), folder / "reader", clock=SystemClock())
        self._reads = False

    @property
    def upstreams(self) -> Sequence[Upstream]:
        """Return the ways to the gateways: to one of them only, or to the other when that is not there."""
        north, south = self.ways.values()
        return (north, south, Either(north, south), Either(south, north))

    async def begin(self) -> None:
        """Start all, the worker that leads first."""
        for name in (*WORKERS, *GATEWAYS):
            await self.start(name)
        self.headers = await self.services[GATEWAYS[0]].key()
        async with asyncio.timeout(_KNOWN_S):
            while not all([await self._lets_in(name) for name in GATEWAYS]):  # noqa: ASYNC110 - it is in other processes
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """End all at once."""
        await self._store.close()
        for name in self._stacks:
            await self.kill(name)

    async def start(self, name: str) -> None:
        """Start a process."""
        place = self._folder / name
        place.mkdir(exist_ok=True)
        role = "gateway" if name in GATEWAYS else "worker"
        sources = () if role == "gateway" else self.planning.config
        config = many_requests(node(self.dsn, role, name, *self._bus, *STREAM, *sources))
        program = self._before if self._before and name not in self._stacks else GEOWORKS
        stack = self._stacks[name] = AsyncExitStack()
        self.services[name] = await stack.enter_async_context(serving(place, config=config, program=program))
        if name in self.ways:
            self.ways[name].base = self.services[name].base

    async def kill(self, name: str) -> None:
        """End a process by SIGKILL."""
        self._look_alive(name)
        if name in self.ways:
            self.ways[name].base = None
        await self.services[name].kill()
        await self._stacks[name].aclose()

    async def terminate(self, name: str) -> None:
        """End a process by SIGTERM."""
        self._look_alive(name)
        code = await self.services[name].terminate()
        if code:
            self.bad_ends.append(f"{name} ended by SIGTERM with {code}")
        if name in self.ways:
            self.ways[name].base = None
        await self._stacks[name].aclose()

    async def revive(self) -> None:
        """Start what has ended by itself, which is a fault of its own."""
        for name, service in self.services.items():
            if service.process.returncode is not None:
                self._look_alive(name)
                await self._stacks[name].aclose()
                await self.start(name)

    def pid(self, name: str) -> int:
        """Return the number of a process."""
        return self.services[name].process.pid

    async def leads(self, name: str) -> bool:
        """Tell whether a worker says that it leads."""
        try:
            told = await self._get(name, "/v1/status")
        except (aiohttp.ClientError, TimeoutError):
            return False
        return bool((msgspec.json.decode(told)["node"] or {}).get("leads"))

    async def leader(self) -> str:
        """Return the worker that leads, once one does."""
        while True:
            for name in WORKERS:
                if await self.leads(name):
                    return name
            await asyncio.sleep(0.1)

    async def works(self, name: str) -> dict[str, Any]:
        """Return what `GET /v1/works` of a process answers, by id."""
        features = msgspec.json.decode(await self._get(name, "/v1/works"))["features"]
        return {one["id"]: one for one in features}

    async def stored(self) -> dict[str, Any]:
        """Return the features in the database that the public sees, by id, as they are to be answered."""
        store = await self._opened()
        entries = [make_entry(record) async for records in store.records() for record in records]
        features = [msgspec.json.decode(entry.body) for entry in entries if entry.body and entry.keys.visible]
        return {one["id"]: one for one in features}

    async def archive(self) -> Archive:
        """Return the log, and every version of every works."""
        return await read_archive(await self._opened())

    async def missing(self) -> int:
        """Return how many offsets are missing or waited for in the log."""
        connection = await asyncpg.connect(self.dsn)
        try:
            row = await connection.fetchrow(
                'SELECT max("offset") - count(DISTINCT "offset") AS holes, count(*) - count("offset") AS waiting, '
                'count("offset") - count(DISTINCT "offset") AS twice FROM geoworks.log'
            )
        finally:
            await connection.close()
        return int(sum(row.values()))

    async def still_missing(self, within_s: float) -> int:
        """Return how many offsets are missing however long one waits: the clock goes on writing."""
        missing = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while missing := await self.missing():  # noqa: ASYNC110 - it is another process that numbers
                    await asyncio.sleep(0.1)
        return missing

    async def number_the_rest(self) -> None:
        """Have a worker number what the clock wrote while the last one ended."""
        for _ in range(_LAST_WORKERS):
            if not await self.missing():
                return
            await self.start(WORKERS[0])
            async with asyncio.timeout(_NUMBERED_S):
                while await self.missing():  # noqa: ASYNC110 - it is another process that numbers
                    await asyncio.sleep(0.05)
            await self.terminate(WORKERS[0])

    def told(self) -> str:
        """Return what all processes of ours wrote to standard error."""
        names = (*WORKERS, *GATEWAYS)
        return "".join(f"--- {name}\n{(self._folder / name / 'stderr').read_text()}" for name in names)

    def faults(self) -> int:
        """Return how often processes of ours told of a fault of their own, or ended as they should not."""
        return self.told().count("Traceback") + len(self.bad_ends)

    async def _opened(self) -> PostgisStore:
        """Read the database: not before it has to be, for that makes it one of this release."""
        if not self._reads:
            await self._store.open()
            self._reads = True
        return self._store

    def _look_alive(self, name: str) -> None:
        code = self.services[name].process.returncode
        if code is not None and code != -signal.SIGKILL:
            self.bad_ends.append(f"{name} had ended by itself with {code}")

    async def _lets_in(self, name: str) -> bool:
        """Tell whether a gateway knows the key of the writers."""
        url = self.services[name].base.join(URL("/v1/works"))
        async with aiohttp.ClientSession() as client, client.post(url, json={}, headers=self.headers) as answer:
            return answer.status != HTTPStatus.UNAUTHORIZED

    async def _get(self, name: str, path: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        url = self.services[name].base.join(URL(path))
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()


@asynccontextmanager
async def fleet(folder: Path, kind: BusKind, *, before: str = "") -> AsyncIterator[Fleet]:
    """Serve a new town by many nodes while the block lasts; they begin by the program `before`, if there is one."""
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(_disk())
        server = stack.enter_context(running(_SETTINGS, within=disk))
        bus, nats, way = [f'[bus]\nkind = "{kind}"'], None, None
        if kind is BusKind.NATS:
            nats = stack.enter_context(running_nats())
            way = await stack.enter_async_context(relaying(Upstream(URL(nats.url))))
            bus.append(f'nats_servers = ["nats://127.0.0.1:{way.base.port}"]')
        made = Fleet(folder, Databases(server), disk=disk, bus=bus, before=before)
        made.nats, made.nats_way = nats, way
        stack.push_async_callback(made.end)
        await made.begin()
        yield made


@contextmanager
def _disk() -> Iterator[Path | None]:
    """Give a small disk in a folder that everybody may enter; None where mounting is not permitted."""
    with tempfile.TemporaryDirectory(prefix="geoworks-disk-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        try:
            disk = stack.enter_context(small_disk(Path(folder) / "disk", size_kib=_DISK_KIB))
        except pytest.skip.Exception:
            yield None
        else:
            yield disk
