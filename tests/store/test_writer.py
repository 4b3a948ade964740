"""The connection that writes, where nothing has to be connected."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from geoworks.config.settings import StoreTable
from geoworks.errors import LeadLost
from geoworks.store.postgis.place import Place
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
