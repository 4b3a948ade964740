"""Brokers, vehicles and towns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from geoworks.ids import new_id
from tests.mqtt.town import Town, living, settings_of, telling
from tests.mqtt.vehicle import Vehicle, driving
from tests.nats_server import NatsServer, running_nats
from tests.pipeline.house import House


@pytest.fixture(scope="session")
def broker() -> Iterator[NatsServer]:
    """Run a broker that all tests share, each below a first level of its own."""
    with running_nats(mqtt=True) as server:
        yield server


@pytest.fixture
def root() -> str:
    """Return a first level that no other test has."""
    return new_id()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Open a house on a new store."""
    async with living(tmp_path) as house:
        yield house


@pytest.fixture
async def town(house: House, broker: NatsServer, root: str) -> AsyncIterator[Town]:
    """Tell the broker of the house."""
    async with telling(house, settings_of(broker, root)) as town:
        yield town


@pytest.fixture
async def vehicle(broker: NatsServer, root: str) -> AsyncIterator[Vehicle]:
    """Return a vehicle that hears everything of the town."""
    async with driving(broker, root) as vehicle:
        yield vehicle
