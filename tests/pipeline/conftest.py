"""Fixtures of the pipeline's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from geoworks.clock import ManualClock
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import NOON, House, open_house


@pytest.fixture
def clock() -> ManualClock:
    """A clock at noon of a Tuesday in winter."""
    return ManualClock(NOON)


@pytest_asyncio.fixture
async def house(tmp_path: Path, clock: ManualClock) -> AsyncIterator[House]:
    """A house on a new SQLite file."""
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as opened:
        yield opened
