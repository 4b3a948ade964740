"""Reading a stream in a test, with a limit to every wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from geoworks.client import Change, Live, Stream, Subscription, connect
from tests.web.driver import WAIT_S

T = TypeVar("T", bound=Change)


async def next_of(stream: Stream, kind: type[T]) -> T:
    """Read up to a change of a kind."""
    async with asyncio.timeout(WAIT_S):
        while True:
            change = await anext(stream)
            if isinstance(change, kind):
                return change


async def read_until_held(stream: Stream, id_: str) -> None:
    """Read until a works is held and everything is told."""
    async with asyncio.timeout(WAIT_S):
        while ("works", id_) not in stream.features or stream.cursor is None:
            await anext(stream)


@asynccontextmanager
async def listening(url: object, *subscriptions: Subscription) -> AsyncIterator[Stream]:
    """Follow the stream of a town, with answers to these questions."""
    async with connect(str(url), subscriptions) as stream:
        for _ in subscriptions:
            await next_of(stream, Live)
        yield stream
