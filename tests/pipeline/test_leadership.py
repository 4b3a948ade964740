"""Leading and standing by, whatever becomes of the store meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from geoworks.errors import ServiceStopping, StoreUnreachable, StoreUnusable
from geoworks.model.change import Cursor
from geoworks.nodes import SharedStore
from geoworks.pipeline import relay
from geoworks.pipeline.relay import Leadership
from geoworks.state import State


class FreeLead:
    """A store whose lead nobody has; `cut` breaks what those who lead are waiting for."""

    def __init__(self, error: Exception) -> None:
        """Break with an error for whoever does the duty, and as unreachable for whoever numbers."""
        self.asked = asyncio.Semaphore(0)
        self.cut = asyncio.Event()
        self._error = error
        self._waiting = 0

    async def lead(self, known: Cursor) -> bool:
        """Let whoever asks lead."""
        assert known
        self.cut.clear()
        self.asked.release()
        return True

    async def both_wait(self) -> None:
        """Wait until the store is needed for both."""
        while self._waiting < 2:  # noqa: ASYNC110 - they come within one turn of the loop
            await asyncio.sleep(0)

    async def number(self) -> None:
        """Number until the store is gone."""
        self._waiting += 1
        await self.cut.wait()
        raise StoreUnreachable

    @asynccontextmanager
    async def duty(self) -> AsyncIterator[None]:
        """Begin the duty, for which the store is needed; who numbers is heard of first when it is gone."""
        await asyncio.sleep(0)
        self._waiting += 1
        await self.cut.wait()
        raise self._error
        yield


@pytest.mark.parametrize("error", [StoreUnreachable("gone"), StoreUnusable("set back")])
async def test_all_lose_the_store_at_once(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who numbers and who begins the duty lose the store in one moment: the node tries again, if that can help."""
    monkeypatch.setattr(relay, "_RETRY_S", 0.0)
    store = FreeLead(error)
    leadership = Leadership(State("epoch", 0), cast("SharedStore", store))
    async with asyncio.timeout(5):
        task = asyncio.ensure_future(leadership.run(store.number, store.duty))
        await store.asked.acquire()
        await store.both_wait()
        store.cut.set()
        if isinstance(error, StoreUnusable):
            with pytest.raises(StoreUnusable):
                await task
        else:
            await store.asked.acquire()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


async def test_the_node_stops_while_its_duty_begins() -> None:
    """What the duty writes at its begin is refused then: the node has led, and that is no failure."""
    store = FreeLead(ServiceStopping("the service is stopping"))
    leadership = Leadership(State("epoch", 0), cast("SharedStore", store))

    async def number() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        task = asyncio.ensure_future(leadership.run(number, store.duty))
        await store.asked.acquire()
        store.cut.set()
        await task
    assert not leadership.leads
