"""The connection that writes, where nothing has to be connected."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from geoworks.config.settings import StoreTable
from geoworks.errors import LeadLost, StoreUnreachable
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.readers import Readers
from geoworks.store.postgis.writer import TOWN_LOCK, Lock, Writer


async def test_failure_of_what_nobody_waits_for() -> None:
    """What goes on after its caller has gone, and fails, is not told as a fault of the program."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    writer = Writer(Place(StoreTable(dsn="postgresql:///nowhere")), "public", lock=Lock(TOWN_LOCK))
    begun, ends = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await ends.wait()
        raise LeadLost

    caller = asyncio.ensure_future(writer.finished(fail))
    await begun.wait()
    caller.cancel()
    await asyncio.wait([caller])
    del caller
    ends.set()
    await writer.close()
    await asyncio.sleep(0)
    # A task that failed and was not asked tells so when it is collected.
    gc.collect()
    assert told == []


async def test_failure_of_what_is_waited_for() -> None:
    """Who still waits gets the error."""
    writer = Writer(Place(StoreTable(dsn="postgresql:///nowhere")), "public", lock=Lock(TOWN_LOCK))

    async def fail() -> None:
        raise LeadLost

    with pytest.raises(LeadLost):
        await writer.finished(fail)


class Farewell:
    """A connection to which the server said farewell, and whose end has not come yet: nothing can be asked on it."""

    terminated = False

    async def execute(self, _: str) -> None:
        """Fail as the driver does then."""
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")

    def terminate(self) -> None:
        """Take note that it was given up."""
        self.terminated = True

    def is_closed(self) -> bool:
        """Tell that its end has not come."""
        return False


class Pool:
    """A pool with one connection, and another one when that is given up."""

    def __init__(self) -> None:
        """Begin with one that has been bidden farewell."""
        self.first = Farewell()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Farewell | None]:
        """Hand out the first as long as it is not given up."""
        yield None if self.first.terminated else self.first


async def test_farewell_while_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the driver's state is broken the connection is given up, and the store is away rather than at fault."""
    given: list[Farewell] = []

    async def connect(*_: object) -> Farewell:
        given.append(Farewell())
        return given[-1]

    async def lock(*_: object) -> None:
        """Take nothing."""

    place = Place(StoreTable(dsn="postgresql:///nowhere"))
    monkeypatch.setattr(place, "connect", connect)
    writer = Writer(place, "public", lock=Lock(TOWN_LOCK))
    monkeypatch.setattr(writer, "_take_lock", lock)
    with pytest.raises(StoreUnreachable):
        await writer.repeatable(lambda connection: connection.fetch("SELECT 1"))
    assert [one.terminated for one in given] == [True] * len(given)


async def test_farewell_while_reading() -> None:
    """A reader gets another connection then."""

    async def read(connection: Farewell | None) -> str:
        if connection is not None:
            await connection.execute("SELECT 1")
        return "read"

    readers = Readers(Place(StoreTable(dsn="postgresql:///nowhere")), Pool())
    assert await readers.read(read) == "read"
