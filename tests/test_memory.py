"""The collector of cycles leaves alone what was loaded, and comes rarely."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from geoworks import memory
from geoworks.hub.counters import Counters
from geoworks.memory import rarely_collected, settle_memory


class Ring:
    """What only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_was_loaded_is_not_looked_through_again() -> None:
    """Everything that is there when the service begins to serve is out of the collector's sight."""
    loaded = [{"number": number} for number in range(1000)]
    before = gc.get_freeze_count()
    settle_memory()
    assert gc.get_freeze_count() >= before + len(loaded)
    assert not {id(one) for one in loaded} & {id(one) for one in gc.get_objects()}


async def test_old_garbage_goes_when_many_connections_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself Python looks through what is old no more; a full look comes when enough has ended."""
    monkeypatch.setattr(memory, "_LOOK_S", 0.001)
    monkeypatch.setattr(memory, "_ENDED", 10)
    counters = Counters()
    before = gc.get_threshold()
    async with rarely_collected(counters):
        assert gc.get_threshold()[2] > before[2]
        ring = Ring()
        gc.collect(1)
        gone = asyncio.Event()
        weakref.finalize(ring, gone.set)
        del ring
        gc.collect(1)
        await asyncio.sleep(0.01)
        assert not gone.is_set()
        counters.ended += 10
        async with asyncio.timeout(10):
            await gone.wait()
    assert gc.get_threshold() == before
