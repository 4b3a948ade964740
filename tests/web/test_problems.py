"""What fails is logged; that a reader leaves is no failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from geoworks.web.problems import problems

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client."""
    async with aiohttp.ClientSession() as session:
        yield session


async def get(client: aiohttp.ClientSession, handler: Handler) -> int:
    """Ask a door and return the status."""
    app = web.Application(middlewares=[problems])
    app.router.add_get("/", handler)
    async with TestServer(app) as server, client.get(server.make_url("/")) as answer:
        return answer.status


async def test_a_reader_who_leaves(client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    """A handshake whose client has gone before the answer is no fault of ours, and nothing is logged."""
    ended = asyncio.Event()
    # What a slow machine takes long for is not what this is about: asyncio would note it.
    asyncio.get_running_loop().slow_callback_duration = 60.0

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        try:
            response = web.StreamResponse()
            await response.prepare(request)
        finally:
            ended.set()
        return response

    with pytest.raises(aiohttp.ClientConnectionError):
        await get(client, handler)
    await ended.wait()
    assert not caplog.records


async def test_a_connection_of_ours_that_breaks(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken connection to somebody else is told the reader as a fault, and logged with where it came from."""

    async def handler(_: web.Request) -> web.StreamResponse:
        message = "the other side reset it"
        raise ConnectionResetError(message)

    assert await get(client, handler) == 500
    assert [(record.levelname, bool(record.exc_info)) for record in caplog.records] == [("ERROR", True)]
