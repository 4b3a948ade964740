"""The stream's tests on three nodes: a worker, the gateway that is written to, and the gateway that is listened to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.postgres import Databases
from tests.web.conftest import OpenHouse
from tests.web.house import House
from tests.web.nodes.among import opened_among


@pytest.fixture
def open_house(tmp_path: Path, databases: Databases) -> OpenHouse:
    """Return what serves a town on three nodes with settings of the test's own."""
    dsn = databases.server.dsn(databases.new())

    def open_it(**tables: object) -> AbstractAsyncContextManager[House]:
        return opened_among(tmp_path, dsn, **tables)

    return open_it


@pytest.fixture
async def house(open_house: Callable[[], AbstractAsyncContextManager[House]]) -> AsyncIterator[House]:
    """Serve a town with no works in it on three nodes."""
    async with open_house() as house:
        yield house
