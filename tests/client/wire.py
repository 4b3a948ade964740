"""A wire between a client and a town that can be cut at any byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from yarl import URL

_CHUNK = 1 << 16


class Wire:
    """A TCP proxy; `allowance` says how many bytes of the town each new connection carries before it is cut."""

    def __init__(self, base: URL) -> None:
        """Lead to a town."""
        self.connections = 0
        self.allowance: Callable[[], int | None] = lambda: None
        self._base = base
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Cut every connection, without a word."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until either end, or the wire, ends it."""
        self.connections += 1
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection(self._base.host, self._base.port)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(back)
        ways = (_carry(reader, back, None), _carry(there, writer, self.allowance()))
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for end in (writer, back):
                self._writers.discard(end)
                end.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
    """Carry bytes one way, so many at most."""
    try:
        while left != 0 and (data := await reader.read(_CHUNK)):
            writer.write(data if left is None else data[:left])
            await writer.drain()
            left = None if left is None else max(0, left - len(data))
    except OSError:
        pass


@asynccontextmanager
async def wired(base: URL) -> AsyncIterator[tuple[Wire, URL]]:
    """Lay a wire to a town; give it and the address of its end."""
    wire = Wire(base)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    try:
        yield wire, base.with_port(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        wire.cut()
        await server.wait_closed()
