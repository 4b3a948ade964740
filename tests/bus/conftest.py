"""What every test of the bus shares: nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    """Require that the tasks which a test began are done when it ends."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    # Of those who have been told to end, some have a last step to go.
    pending = (await asyncio.wait(left, timeout=1))[1] if left else set()
    assert not pending
