"""nginx with the delivered configuration before two gateways of a town: one stops or is killed, and clients go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from yarl import URL

from geoworks.ids import new_id
from geoworks.supervisor import background
from tests.deploy.nginx import Proxy, free_port, proxying
from tests.postgres import Databases
from tests.process.nodes import accepts, node, until
from tests.process.service import WAIT_S, Service, feature, gather, serving
from tests.web.driver import Driver

ADDRESSES = [f"127.0.0.{number}" for number in range(2, 12)]
_QUESTION = {"id": "all", "area": {"everywhere": True}}


@dataclass
class Behind:
    """A town behind nginx, with a driver on the stream from each address."""

    folder: Path
    dsn: str
    north: Service
    south: Service
    proxy: Proxy
    staff: dict[str, str]
    drivers: Sequence[Driver] = field(default_factory=list)

    def start_again(self, service: Service) -> AbstractAsyncContextManager[Service]:
        """Run a gateway that has ended at its old place."""
        return gateway(self.folder, self.dsn, service.folder.name, service.base.port or 0)

    @asynccontextmanager
    async def client(self, address: str) -> AsyncIterator[aiohttp.ClientSession]:
        """Give a client of nginx that comes from this address, anew each time."""
        connector = aiohttp.TCPConnector(ssl=self.proxy.trust, local_addr=(address, 0), force_close=True)
        async with aiohttp.ClientSession(self.proxy.base, connector=connector) as client:
            yield client

    async def gateway_of(self, address: str) -> str:
        """Return the name of the gateway that an address comes to."""
        async with self.client(address) as client, client.get("/v1/status") as answer:
            assert answer.status == 200
            return str((await answer.json(content_type=None))["node"]["name"])

    async def gateways(self) -> list[str]:
        """Return the gateway of each address."""
        return await gather(map(self.gateway_of, ADDRESSES))

    async def post(self, title: str, address: str) -> None:
        """Post a works, sent again with its key for as long as nginx says to come back."""
        headers = self.staff | {"Idempotency-Key": new_id()}
        async with asyncio.timeout(WAIT_S), self.client(address) as client:
            while True:
                async with client.post("/v1/works", json=feature(title), headers=headers) as answer:
                    if answer.status in {201, 202}:
                        return
                    assert answer.status == 503, await answer.text()
                await asyncio.sleep(0.1)

    async def all_hear(self, *titles: str) -> None:
        """Wait until every driver holds works with these titles."""

        def hold() -> bool:
            shown = [{one["properties"]["title"] for one in driver.held.features.values()} for driver in self.drivers]
            return all(held >= set(titles) for held in shown)

        async with asyncio.timeout(WAIT_S):
            while not hold():  # noqa: ASYNC110 - it is told by another process
                await asyncio.sleep(0.05)


@asynccontextmanager
async def gateway(folder: Path, dsn: str, name: str, port: int) -> AsyncIterator[Service]:
    """Run a gateway that believes nginx."""
    place = folder / name
    place.mkdir(exist_ok=True)
    lines = '[server]\ntrusted_proxies = ["127.0.0.1"]\nrequests_per_minute = 1000000'
    config = node(dsn, "gateway", name).replace("[server]", lines).replace("port = 0", f"port = {port}")
    async with serving(place, config=config) as service:
        yield service


@pytest.fixture
async def town(tmp_path: Path, databases: Databases) -> AsyncIterator[Behind]:
    """Run a worker, two gateways, nginx before them, and drivers who come back whenever they lose their connection."""
    dsn = databases.server.dsn(databases.new())
    async with AsyncExitStack() as stack:
        (tmp_path / "worker").mkdir()
        await stack.enter_async_context(serving(tmp_path / "worker", config=node(dsn, "worker", "worker")))
        north, south = [
            await stack.enter_async_context(gateway(tmp_path, dsn, name, free_port())) for name in ("north", "south")
        ]
        proxy = await stack.enter_async_context(proxying(tmp_path / "nginx", north.base, south.base))
        town = Behind(tmp_path, dsn, north, south, proxy, await north.key())
        await until(lambda: accepts(south, town.staff))
        town.drivers = [
            Driver(proxy.base, _QUESTION, ssl=proxy.trust, local_addr=(address, 0)) for address in ADDRESSES
        ]
        drive = {f"driver {number}": _keep_driving(driver) for number, driver in enumerate(town.drivers)}
        await stack.enter_async_context(background(drive))
        yield town


def _keep_driving(driver: Driver) -> Callable[[], Awaitable[None]]:
    async def drive() -> None:
        while True:
            try:
                await driver.come()
                while True:
                    await driver.hear_always()
            except (ConnectionClosed, InvalidStatus, OSError):
                await asyncio.sleep(0.1)

    return drive


async def test_each_address_has_its_gateway(town: Behind) -> None:
    """Both gateways serve, and an address comes to the same one every time: what it posted there it finds again."""
    first = await town.gateways()
    assert set(first) == {"north", "south"}
    assert await town.gateways() == first
    route = feature("")["geometry"]
    for address in ADDRESSES:
        async with town.client(address) as client:
            async with client.post("/v1/areas", json=route) as answer:
                assert answer.status == 201, await answer.text()
                posted = await answer.json(content_type=None)
            async with client.get("/v1/changes", params={"area_id": posted["area_id"], "wait": "0"}) as answer:
                assert answer.status == 200, await answer.text()


async def test_one_is_stopped_and_comes_back(town: Behind) -> None:
    """While a gateway is stopped gently and started again all addresses are answered, and every driver hears all."""
    first = await town.gateways()
    await town.post("before", ADDRESSES[0])
    await town.all_hear("before")
    stopping = asyncio.create_task(town.north.terminate())
    titles: list[str] = []
    while not stopping.done():
        titles.append(f"while it stops {len(titles)}")
        await gather([town.post(titles[-1], ADDRESSES[len(titles) % len(ADDRESSES)]), *map(town.gateway_of, ADDRESSES)])
    assert await stopping == 0
    assert set(await town.gateways()) == {"south"}
    await town.post("without it", ADDRESSES[0])
    await town.all_hear("before", *titles, "without it")
    async with town.start_again(town.north), asyncio.timeout(WAIT_S):
        while await town.gateways() != first:  # noqa: ASYNC110 - nginx tries a server again after some seconds
            await asyncio.sleep(0.2)
        await town.post("after it came back", ADDRESSES[0])
        await town.all_hear("before", *titles, "without it", "after it came back")


async def test_one_is_killed(town: Behind) -> None:
    """When a gateway is killed its addresses are answered by the other at once, and their drivers go on there."""
    await town.post("before", ADDRESSES[0])
    await town.all_hear("before")
    lost = [address for address, name in zip(ADDRESSES, await town.gateways(), strict=True) if name == "south"]
    await town.south.kill()
    assert await gather(map(town.gateway_of, lost)) == ["north"] * len(lost)
    for address in lost:
        await town.post(f"from {address}", address)
    await town.all_hear("before", *(f"from {address}" for address in lost))


async def test_none_is_left(town: Behind) -> None:
    """Without any gateway nginx says when to come back."""
    await gather(service.kill() for service in (town.north, town.south))
    async with town.client(ADDRESSES[0]) as client, client.get(URL("/v1/works")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert (await answer.json(content_type=None))["code"] == "stopping"
