"""What most tests of the hub have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.hub.client import Work
from tests.hub.driver import Driver
from tests.hub.town import Town


@pytest.fixture
async def tasks() -> AsyncIterator[Work]:
    """Run the work of connections; what is left at the end is ended."""
    work = Work()
    yield work
    await work.stop()


@pytest.fixture
async def town() -> Town:
    """A town with one works."""
    town = Town()
    town.publish_works("voirie:1")
    return town


@pytest.fixture
async def driver(town: Town, tasks: Work) -> Driver:
    """A driver who has just connected."""
    driver = Driver(town, tasks)
    driver.hear()
    return driver
