"""Clients of the live stream on real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol
from yarl import URL

from tests.hub.client import Held, Message

WAIT_S = 20


class Driver:
    """A client that keeps what it holds over many connections."""

    def __init__(self, base: URL, *subscriptions: Message, **options: Any) -> None:  # noqa: ANN401 - those of websockets
        """Ask these questions of the stream of a house."""
        self._options = options
        self.held = Held()
        self.subscriptions = subscriptions
        self.socket: ClientConnection
        self._base = base

    def turn_to(self, base: URL) -> None:
        """Come to another address next time."""
        self._base = base

    async def come(self) -> None:
        """Connect, and resume if it can."""
        self.socket = await connect_to(self._base, **self._options)
        if self.held.cursor and self.held.filters:
            resume = {"since": self.held.cursor, "filters": self.held.filters}
            await self.send("resume", **resume, subscriptions=list(self.subscriptions))
            return
        self.held.features.clear()
        self.held.cursor = None
        for wanted in self.subscriptions:
            await self.send("subscribe", **wanted)

    async def send(self, type_: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """Send a message."""
        await self.socket.send(json.dumps({"type": type_, **fields}))

    async def hear(self) -> Message:
        """Take the next message that tells something."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.hear_always()
                if message["type"] not in {"hello", "heartbeat"}:
                    return message

    async def hear_always(self) -> Message:
        """Take the next message, however long it takes to come."""
        message: Message = json.loads(await self.socket.recv())
        self.held.hear(message)
        return message

    async def hear_until(self, type_: str) -> Message:
        """Take messages up to one of a type."""
        while (message := await self.hear())["type"] != type_:
            pass
        return message

    async def cut(self) -> None:
        """Lose the connection, with whatever is on its way."""
        self.socket.transport.abort()
        await self.socket.wait_closed()


async def connect_to(base: URL, **options: Any) -> ClientConnection:  # noqa: ANN401 - the options of websockets
    """Open a WebSocket to the stream of a house."""
    uri = str(base.join(URL("/v1/stream")).with_scheme("wss" if base.scheme == "https" else "ws"))
    return await connect(uri, **{"subprotocols": [Subprotocol("geoworks.v1")], "proxy": None, **options})


async def connect_as_page(base: URL, origin: str) -> ClientConnection:
    """Open a WebSocket as a page of another site would."""
    return await connect_to(base, origin=Origin(origin))


def narrow_socket(base: URL) -> socket.socket:
    """Return a connected socket whose kernel buffer is small, so that not reading is felt soon."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((base.host, base.port))
    sock.setblocking(False)
    return sock


@asynccontextmanager
async def driving(base: URL, *subscriptions: Message) -> AsyncIterator[Driver]:
    """Be connected to the stream of a house, with answers to these questions."""
    driver = Driver(base, *subscriptions)
    await driver.come()
    for _ in subscriptions:
        await driver.hear_until("caught_up")
    yield driver
    await driver.socket.close()
