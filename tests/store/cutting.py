"""A way to PostgreSQL that can be cut at the worst moment: around a COMMIT."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

# So the driver asks for a transaction of several exchanges, and for its end (simple query protocol).
_BEGIN, _COMMIT = b"BEGIN\0", b"COMMIT\0"
# So the server says that no transaction is open any more.
_IDLE = b"Z\0\0\0\5I"
# So a transaction writes to the log: many changes by COPY, a few by a statement that was prepared under a name.
_COPIED = b'COPY "geoworks"."log"'
_PREPARED = re.compile(rb"(__asyncpg_stmt_\w+__)\0[^\0]*geoworks\.write_feature\(")
_BOUND = re.compile(rb"B....\0(__asyncpg_stmt_\w+__)\0", re.DOTALL)


class Cut(Enum):
    """When the way is cut, once."""

    NEVER = 0
    BEFORE_COMMIT = 1
    AFTER_COMMIT = 2


class _Connection:
    """Whether a connection is about to commit a transaction that writes to the log."""

    def __init__(self) -> None:
        self._statements: set[bytes] = set()
        self._is_open = False
        self._logs = False
        self._commits = False

    def ask(self, data: bytes) -> bool:
        """Hear what the server is asked; tell whether that is to commit: by itself, where no transaction is open."""
        self._is_open |= _BEGIN in data
        self._statements.update(_PREPARED.findall(data))
        self._logs |= _COPIED in data or not self._statements.isdisjoint(_BOUND.findall(data))
        self._commits |= self._logs and (_COMMIT in data or not self._is_open)
        return self._commits

    def answer(self, data: bytes) -> bool:
        """Hear what the server answers; tell whether it says that it has committed."""
        committed = self._commits and _IDLE in data
        if _IDLE in data:
            self._is_open = self._logs = self._commits = False
        return committed


class Way:
    """A socket in a folder of its own that leads to the server's."""

    def __init__(self, server: Path) -> None:
        """Lead to a server's socket."""
        self._server = server
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = Cut.NEVER
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
        ends, connection = {writer, back}, _Connection()
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forward(reader, back, connection, asked=True))
                tasks.create_task(self._forward(there, writer, connection, asked=False))
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

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection, *, asked: bool
    ) -> None:
        when = Cut.BEFORE_COMMIT if asked else Cut.AFTER_COMMIT
        while data := await reader.read(65_536):
            commits = connection.ask(data) if asked else connection.answer(data)
            if commits and self.cut is when:
                self._cut()
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
