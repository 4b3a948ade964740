"""What the tests of stores share: assertions of the contract told in full, and an open SQLite store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.store.sqlite import SqliteStore
from tests.store.samples import NOON

pytest.register_assert_rewrite("tests.store.contract")


@pytest.fixture
def clock() -> ManualClock:
    """Stand at noon of the samples."""
    return ManualClock(NOON)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    """Give an open, empty store in `tmp_path / "data"`."""
    store = SqliteStore(tmp_path / "data", clock=clock, busy_timeout_s=0.05)
    await store.open()
    yield store
    await store.close()
