"""Python's collector of cycles, kept from holding the event loop of a service with many connections.

By itself Python looks through everything it holds whenever that has grown by a quarter. With ten thousand connections
this takes a second and more, and when they all come back after a restart it happens again and again. Nearly all that
ends is freed without the collector; a connection leaves a few kilobytes to it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

# What so many ended connections leave is about 100 MB.
_ENDED = 20_000
_LONGEST_S = 3600.0
_LOOK_S = 10.0
_NEVER = 1_000_000_000


class Connections(Protocol):
    """What is counted of connections."""

    @property
    def ended(self) -> int:
        """How many have ended since the start."""
        ...


@asynccontextmanager
async def rarely_collected(connections: Connections) -> AsyncIterator[None]:
    """Have all that is old looked through only when many connections have ended, or after an hour."""
    settle_memory()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    collecting = asyncio.create_task(_collect(connections))
    try:
        yield
    finally:
        collecting.cancel()
        gc.set_threshold(young, middle, old)


def settle_memory() -> None:
    """Spare the collector what was loaded and stays: looking through it again would hold the event loop.

    At 20 000 works a full collection takes more than 50 ms; what changes later is freed without it.
    """
    gc.collect()
    gc.freeze()


async def _collect(connections: Connections) -> None:
    since, ended = time.monotonic(), connections.ended
    while True:
        await asyncio.sleep(_LOOK_S)
        if connections.ended - ended >= _ENDED or time.monotonic() - since >= _LONGEST_S:
            gc.collect()
            since, ended = time.monotonic(), connections.ended
