"""Who may listen, and how many at once: one count for every way of listening."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import hdrs, web
from yarl import URL

from geoworks.config.settings import Settings
from geoworks.errors import Forbidden, ServiceStopping, TooMany
from geoworks.hub import say
from geoworks.hub.hub import Hub
from geoworks.pipeline.node import Node
from geoworks.web.limits import household

# What the kernel may hold for a client that does not read: without it some 4 MB hide that it is slow.
_SEND_BUFFER = 131_072
_RETRY_S = 30.0


class Doorkeeper:
    """Lets connections in, within the limits."""

    def __init__(self, hub: Hub, settings: Settings, node: Node | None) -> None:
        """Begin with nobody connected; `node` is None where this process serves the town alone."""
        self._hub = hub
        self._node = node
        self._server = settings.server
        self._stream = settings.stream
        self._connected: Counter[str] = Counter()

    def check(self, request: web.Request) -> None:
        """Refuse when the service stops, and pages of other sites unless they may read here.

        Raises:
            ServiceStopping: come back in a moment.
            Forbidden: the page's site may not read; programs send no origin.

        """
        if self._hub.stopping:
            raise ServiceStopping(say.STOPPING)
        origin = request.headers.get(hdrs.ORIGIN)
        allowed = self._server.cors_origins
        own = {f"{request.scheme}://{request.host}"}
        if self._server.public_url:
            own.add(str(URL(self._server.public_url).origin()))
        if origin is not None and "*" not in allowed and origin not in {*allowed, *own}:
            msg = f"pages of {origin[:100]} may not read here; the setting server.cors_origins lists those that may"
            raise Forbidden(msg)

    async def come_current(self) -> None:
        """Let one of many nodes come as far as the log stands: who knocks may have heard more elsewhere."""
        if self._node is not None:
            await self._node.come_current()

    @contextmanager
    def counted(self, request: web.Request) -> Iterator[None]:
        """Count a connection for as long as it lasts.

        Raises:
            TooMany: there are as many as there may be, in all or from its address.

        """
        self.check_room(request)
        address = self.enter(request)
        try:
            yield
        finally:
            self.leave(address)

    def check_room(self, request: web.Request) -> None:
        """Refuse when there are as many connections as there may be, in all or from an address.

        Raises:
            TooMany: there are.

        """
        if self._hub.counters.connected >= self._stream.connections:
            raise TooMany("all connections are taken; come back later", retry_after_s=_RETRY_S)
        if self._connected[_address(request)] >= self._stream.connections_per_address:
            msg = "this address holds as many connections as it may; use several subscriptions on one connection"
            raise TooMany(msg, retry_after_s=_RETRY_S)

    def enter(self, request: web.Request) -> str:
        """Count a connection; return its address, by which it leaves."""
        address = _address(request)
        self._connected[address] += 1
        return address

    def leave(self, address: str) -> None:
        """Count a connection of an address no more."""
        self._connected[address] -= 1
        # A counter keeps zeros: without this every address ever seen would stay.
        if not self._connected[address]:
            del self._connected[address]


def _address(request: web.Request) -> str:
    return household(request.remote or "")


DOORKEEPER = web.AppKey("doorkeeper", Doorkeeper)


def bound_buffers(transport: asyncio.Transport, high_water: int) -> None:
    """Let the kernel hold little, and have `drain` wait from the mark at which the hub stops writing."""
    transport.set_write_buffer_limits(high=high_water, low=high_water // 4)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
