"""Work that runs beside the desk stops when it is told to, whatever happens in the same moment."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.house import House, put


@pytest.mark.parametrize("turns", range(5))
async def test_the_timetable_stops_though_news_came_in_that_moment(house: House, turns: int) -> None:
    """A works written just before the end does not make the timetable miss it."""
    task = asyncio.create_task(house.timetable.run())
    await asyncio.sleep(0)
    await house.desk.submit(put("api:1"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2)
    assert done == {task}
    assert task.cancelled()
