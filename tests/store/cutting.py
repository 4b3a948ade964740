"""A way to PostgreSQL that can be cut at the worst moment: around a COMMIT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

# So the driver asks for it, and so the server confirms it (simple query protocol).
_COMMIT = b"COMMIT\0"
_LOGS = b'COPY "geoworks"."log"'


class Cut(Enum):
    """When the way is cut, once."""

    NEVER = 0
    BEFORE_COMMIT = 1
    AFTER_COMMIT = 2


class Way:
    """A socket in a folder of its own that leads to the server's."""

    def __init__(self, server: Path) -> None:
        """Lead to a server's socket."""
        self._server = server
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = Cut.NEVER
        # Cut only at the commit of a transaction that writes to the log.
        self._logs = False
        # While it is closed every new connection ends at once.
        self.closed = False
        # Cut for good when it is cut: closed until somebody opens it.
        self.stays_closed = False

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection to the server, until one side ends or it is cut."""
        if self.closed:
            writer.transport.abort()
            return
        there, back = await asyncio.open_unix_connection(self._server)
        ends = {writer, back}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forward(reader, back, asked=True))
                tasks.create_task(self._forward(there, writer, asked=False))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in ends:
                end.transport.abort()
            self._open -= ends

    def abort(self) -> None:
        """Cut every connection that is open."""
        for end in self._open:
            end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asked: bool) -> None:
        # Both the question and the answer to it hold the word.
        when = Cut.BEFORE_COMMIT if asked else Cut.AFTER_COMMIT
        while data := await reader.read(65_536):
            self._logs |= asked and _LOGS in data
            if self.cut is when and self._logs and _COMMIT in data:
                self._cut()
            if not asked and _COMMIT in data:
                self._logs = False
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    def _cut(self) -> None:
        self.cut = Cut.NEVER
        self.closed = self.stays_closed
        raise ConnectionResetError


@asynccontextmanager
async def way_to(server: Path, folder: Path) -> AsyncIterator[Way]:
    """Lead from a new socket in a folder to a server's socket, until the block ends."""
    way = Way(server)
    listener = await asyncio.start_unix_server(way.lead, folder / server.name)
    try:
        yield way
    finally:
        listener.close()
        way.abort()
