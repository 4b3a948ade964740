"""A town that tells a broker: real store, real desk, real zones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from geoworks.clock import ManualClock
from geoworks.config.nodes import MqttTable
from geoworks.model.works import Works
from geoworks.mqtt.publisher import MqttPublisher
from geoworks.store.sqlite import SqliteStore
from geoworks.supervisor import background
from tests.mqtt.vehicle import WAIT_S
from tests.nats_server import NatsServer
from tests.pipeline.house import NOON, House, a_works, a_zone, open_house, put, put_zone

# Where works lie inside one zone, the other, both, none.
IN_A, IN_B, IN_BOTH, IN_NONE = (2.302, 48.635), (2.312, 48.635), (2.309, 48.635), (2.302, 48.735)


@dataclass
class Town:
    """A house, and what tells of it."""

    house: House
    publisher: MqttPublisher

    async def put(self, id_: str, works: Works | None = None, *, at: tuple[float, float] = IN_A) -> None:
        """Write a works whose title is its id."""
        await self.house.desk.submit(put(id_, works or a_works(title=id_, at=at)))

    async def put_zones(self) -> None:
        """Write the zones `a` and `b`, side by side."""
        await self.house.desk.submit(put_zone("a", a_zone()))
        await self.house.desk.submit(put_zone("b", a_zone(west=2.31)))
        await self.house.rejoiner.refresh()
        await self.house.quiet()

    async def until_trouble(self, *, is_there: bool) -> str:
        """Wait until the publisher has trouble, or none; return it."""
        async with asyncio.timeout(WAIT_S):
            while bool(self.publisher.trouble) != is_there:  # noqa: ASYNC110 - a reader has to ask
                await asyncio.sleep(0.01)
        return self.publisher.trouble


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[House]:
    """Open the house of a folder while the block lasts."""
    clock = ManualClock(NOON)
    async with open_house(SqliteStore(folder, clock=clock), clock) as house:
        yield house


@asynccontextmanager
async def telling(house: House, settings: MqttTable) -> AsyncIterator[Town]:
    """Tell a broker of a house while the block lasts."""
    publisher = MqttPublisher(house.state, settings)
    house.desk.followers.append(publisher.follow)
    try:
        async with background({"publish": publisher.run}):
            yield Town(house, publisher)
    finally:
        house.desk.followers.remove(publisher.follow)


def settings_of(broker: NatsServer, root: str = "geoworks") -> MqttTable:
    """Return the settings of a town that tells this broker."""
    return MqttTable(url=f"mqtt://127.0.0.1:{broker.mqtt_port}", topic=root, timeout_s=5.0)
