"""A vehicle: an ordinary MQTT client that holds what is retained under the topics it asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from geoworks.supervisor import background
from tests.nats_server import NatsServer

WAIT_S = 30


class Vehicle:
    """What one client heard: what stands under each topic, and every message in its order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.held: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, bytes]] = []
        self._came = asyncio.Condition()

    @property
    def titles(self) -> dict[str, str]:
        """Return the title, or name, of what stands under each topic, without the first level."""
        return {topic.partition("/")[2]: _title(told["feature"]["properties"]) for topic, told in self.held.items()}

    @property
    def topics(self) -> set[str]:
        """Return the topics under which something stands, without the first level."""
        return set(self.titles)

    def forget(self) -> None:
        """Forget the messages heard, not what stands."""
        self.heard.clear()

    async def listen(self, client: aiomqtt.Client) -> None:
        """Take in what comes until the connection ends."""
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            topic = str(message.topic)
            self.heard.append((topic, message.payload))
            if message.payload:
                self.held[topic] = json.loads(message.payload)
            else:
                self.held.pop(topic, None)
            async with self._came:
                self._came.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, looked at after every message."""
        async with asyncio.timeout(WAIT_S), self._came:
            await self._came.wait_for(condition)

    async def until_topics(self, *topics: str) -> None:
        """Wait until something stands under these topics (without the first level) and no others."""
        try:
            await self.until(lambda: self.topics == set(topics))
        except TimeoutError:
            assert self.topics == set(topics)
            raise


@asynccontextmanager
async def driving(
    broker: NatsServer, root: str, *, login: tuple[str | None, str | None] = (None, None)
) -> AsyncIterator[Vehicle]:
    """Listen to everything below a first level while the block lasts; `login` is the name and password."""
    vehicle = Vehicle()
    user, password = login
    async with aiomqtt.Client("127.0.0.1", broker.mqtt_port, username=user, password=password) as client:
        await client.subscribe(f"{root}/#", qos=1)
        async with background({"listen": lambda: vehicle.listen(client)}):
            yield vehicle


def _title(properties: dict[str, Any]) -> str:
    return str(properties.get("title", properties.get("name", "")))
