"""Large writes are cut into edits small enough that others are written in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

SIZE = 500


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut what is to be written into parts of at most `SIZE`, in order."""
    return (items[start : start + SIZE] for start in range(0, len(items), SIZE))


async def worked_ahead(
    items: Sequence[T], work: Callable[[Sequence[T]], U]
) -> AsyncGenerator[tuple[Sequence[T], U], None]:
    """Yield each chunk with what `work` makes of it in a thread: of the next one while this one is written.

    Close it (`aclosing`), or what was begun ahead is left alone.
    """
    begun: asyncio.Task[U] | None = None
    try:
        for chunk, after in _with_next(list(chunks(items))):
            made = await (begun or asyncio.create_task(asyncio.to_thread(work, chunk)))
            begun = asyncio.create_task(asyncio.to_thread(work, after)) if after is not None else None
            yield chunk, made
    finally:
        if begun is not None:
            begun.cancel()


def _with_next(parts: Sequence[T]) -> Iterator[tuple[T, T | None]]:
    return zip_longest(parts, parts[1:])
