"""A relay of TCP connections that can be cut, in the ways in which networks cut them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from yarl import URL

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CONNECT_S = 5.0


class How(Enum):
    """A way to cut a connection."""

    RESET = auto()  # RST at once, also for what was on its way
    CLOSE = auto()  # FIN, after what was on its way
    TEAR = auto()  # RST in the middle of the next bytes of the server
    SILENCE = auto()  # nothing more is carried, and nobody is told


@dataclass
class Upstream:
    """Where a service is; another place after each of its lives, nowhere in between."""

    base: URL | None = None

    async def connect(self, end: asyncio.Protocol) -> bool:
        """Connect one end; tell whether somebody was there."""
        if self.base is None:
            return False
        try:
            async with asyncio.timeout(_CONNECT_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: end, str(self.base.host), int(self.base.port or 0))
        except (OSError, TimeoutError):
            return False
        return True


class Relay:
    """A port of its own in front of a service."""

    def __init__(self, upstream: Upstream) -> None:
        """Lead to a service."""
        self.upstream = upstream
        self.base = URL("http://127.0.0.1")
        self._lines: set[_Line] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Tell whether a connection is carried that could be cut."""
        return any(line.carries for line in self._lines)

    def cut(self, how: How) -> None:
        """Cut every connection that is carried."""
        for line in [line for line in self._lines if line.carries]:
            line.cut(how)

    def accept(self) -> asyncio.Protocol:
        """Begin to carry a connection."""
        line = _Line()
        line.over = self._lines.discard
        self._lines.add(line)
        task = asyncio.get_running_loop().create_task(self._connect(line))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return line.near

    async def close(self) -> None:
        """Reset everything."""
        for task in tuple(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for line in tuple(self._lines):
            line.cut(How.RESET)

    async def _connect(self, line: _Line) -> None:
        if not await self.upstream.connect(line.far):
            line.cut(How.RESET)


@asynccontextmanager
async def relaying(upstream: Upstream) -> AsyncIterator[Relay]:
    """Give a relay while the block lasts."""
    relay = Relay(upstream)
    server = await asyncio.get_running_loop().create_server(relay.accept, "127.0.0.1", 0)
    relay.base = relay.base.with_port(server.sockets[0].getsockname()[1])
    try:
        yield relay
    finally:
        server.close()
        await relay.close()
        await server.wait_closed()


class _Line:
    """One connection, from its client (near) to the service (far)."""

    def __init__(self) -> None:
        self.near, self.far = _End(self), _End(self)
        self.near.other, self.far.other = self.far, self.near
        self.over: Any = None
        self._tears = False
        self._silent = False

    @property
    def carries(self) -> bool:
        """Tell whether both ends are there and nothing was cut yet."""
        return self.near.is_open and self.far.is_open and not self._silent and not self._tears

    def cut(self, how: How) -> None:
        if how is How.TEAR:
            self._tears = True
        elif how is How.SILENCE:
            self._silent = True
        else:
            self.near.end(how)
            self.far.end(how)

    def carry(self, data: bytes, to: _End) -> None:
        if self._tears and to is self.near:
            # What is written before a reset may be lost with it; half of the bytes would not be there otherwise.
            to.write(data[: len(data) // 2])
            to.end(How.CLOSE)
            self.far.end(How.RESET)
        elif not self._silent:
            to.write(data)

    def lose(self) -> None:
        """Take note that an end has gone: so does the other, and what it was sent before comes first."""
        self.near.end(How.CLOSE)
        self.far.end(How.CLOSE)
        self.over(self)


class _End(asyncio.Protocol):
    """One end of a connection; what comes before the other end is there waits."""

    other: _End

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._transport: asyncio.Transport | None = None
        self._ended: How | None = None
        self._early = b""

    @property
    def is_open(self) -> bool:
        """Tell whether it is connected."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._early)
        if self._ended is not None:
            self.end(self._ended)

    def data_received(self, data: bytes) -> None:
        self._line.carry(data, self.other)

    def pause_writing(self) -> None:
        if self.other._transport is not None:  # noqa: SLF001 - of the same class
            self.other._transport.pause_reading()  # noqa: SLF001 - of the same class

    def resume_writing(self) -> None:
        if self.other.is_open and self.other._transport is not None:  # noqa: SLF001 - of the same class
            self.other._transport.resume_reading()  # noqa: SLF001 - of the same class

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either end may break
        self._line.lose()

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._early += data
        elif self.is_open:
            self._transport.write(data)

    def end(self, how: How) -> None:
        self._ended = how
        if self._transport is None:
            return
        if how is How.RESET:
            own: socket.socket | None = self._transport.get_extra_info("socket")
            with suppress(OSError):
                if own is not None:
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()
