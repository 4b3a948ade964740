"""Groups of tasks that fail: the task they belong to goes on as before, unless it was cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from geoworks.tasks import Tasks, heed_cancelling


async def _fail(began: asyncio.Event) -> None:
    began.set()
    raise ValueError


async def _end_slowly(let_go: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await let_go.wait()


async def _fail_in_group(*, in_block: bool) -> None:
    async with Tasks() as tasks:
        tasks.create_task(_fail(asyncio.Event()))
        if in_block:
            await asyncio.Event().wait()


@pytest.mark.parametrize("in_block", [True, False])
async def test_a_failed_group_leaves_nothing_behind(*, in_block: bool) -> None:
    """What is done after it may take its time, and times out as ever."""
    with pytest.raises(ExceptionGroup):
        await _fail_in_group(in_block=in_block)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()


async def test_who_is_cancelled_while_the_group_fails_ends() -> None:
    """It is not lost that somebody asked for it, though the group has errors to tell."""
    began, let_go = asyncio.Event(), asyncio.Event()
    told: list[str] = []

    async def work() -> None:
        while True:
            with suppress(ExceptionGroup):
                async with Tasks() as tasks:
                    tasks.create_task(_fail(began))
                    tasks.create_task(_end_slowly(let_go))
            told.append("failed")
            await asyncio.sleep(0)
            told.append("went on")

    task = asyncio.create_task(work())
    await began.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    let_go.set()
    async with asyncio.timeout(5):
        await asyncio.wait([task])
    assert task.cancelled()
    assert told == ["failed"]


async def test_a_group_that_ends_well_and_one_that_is_cancelled() -> None:
    """Nothing is new where nothing fails."""
    async with Tasks() as tasks:
        done = tasks.create_task(asyncio.sleep(0, "done"))
    assert done.result() == "done"

    async def work() -> None:
        async with Tasks() as tasks:
            tasks.create_task(asyncio.Event().wait())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_who_is_cancelled_in_a_library_that_does_not_hear_it_ends() -> None:
    """A cancelling that was taken for an answer is heard where that is asked, and none is where nobody cancelled."""
    began = asyncio.Event()

    async def work() -> None:
        heed_cancelling()
        with suppress(asyncio.CancelledError):
            began.set()
            await asyncio.Event().wait()
        heed_cancelling()
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([task])
    assert task.cancelled()
