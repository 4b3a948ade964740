"""What is written in chunks is worked out one chunk ahead, and no further."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from geoworks.pipeline.chunk import SIZE, worked_ahead


async def test_the_next_chunk_is_worked_on_while_one_is_written() -> None:
    """One chunk ahead, and all in order."""
    begun = [threading.Event() for _ in range(4)]

    def work(chunk: Sequence[int]) -> int:
        begun[chunk[0] // SIZE].set()
        return sum(chunk)

    numbers = range(3 * SIZE + 1)
    made = []
    async with aclosing(worked_ahead(numbers, work)) as chunks:
        async for chunk, result in chunks:
            made.append((chunk, result))
            for event in begun[len(made) : len(made) + 1]:
                assert await asyncio.to_thread(event.wait, 5)
            assert not any(event.is_set() for event in begun[len(made) + 1 :])
    assert [number for chunk, _ in made for number in chunk] == list(numbers)
    assert all(result == sum(chunk) for chunk, result in made)


async def test_what_fails_ahead_fails_when_its_turn_comes() -> None:
    """What was worked out before the failure is written first."""
    written: list[int] = []

    def work(chunk: Sequence[int]) -> None:
        if chunk[0]:
            raise ValueError(chunk[0])

    async def write() -> None:
        async with aclosing(worked_ahead(range(2 * SIZE), work)) as chunks:
            async for chunk, _ in chunks:
                written.append(chunk[0])

    with pytest.raises(ValueError, match=str(SIZE)):
        await write()
    assert written == [0]


async def test_nothing_is_nothing() -> None:
    """No chunk, no work."""
    numbers: list[int] = []
    assert [one async for one in worked_ahead(numbers, sum)] == []
