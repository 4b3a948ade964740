"""The SQLite store keeps to the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.store.sqlite import SqliteStore
from tests.store.contract import NewStore, StoreContract


class TestSqlite(StoreContract):
    """The contract, on files."""

    @pytest.fixture
    def new_store(self, tmp_path: Path, clock: ManualClock) -> NewStore:
        """Make stores on one data directory."""
        return lambda: SqliteStore(tmp_path / "data", clock=clock)
