"""The time a body has to arrive: as long as it needs on a slow line, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from geoworks.config.settings import Server
from geoworks.errors import TooSlow
from geoworks.web.services import services

# How often in a stretch of the grace it is looked whether we take in what the sender sends.
_LOOKS = 30


@asynccontextmanager
async def arriving(request: web.Request) -> AsyncIterator[None]:
    """Give a body time while the block reads it: it is ended when less comes than `server.body_bytes_per_s`.

    Time during which we take nothing in, because what came is not worked off yet, is not the sender's.

    Raises:
        TooSlow: in a stretch of `server.body_grace_s` less came than at that pace.

    """
    settings = services(request).settings.server
    try:
        async with asyncio.timeout(None) as timer:
            watch = _Watch(request, settings, timer)
            try:
                yield
            finally:
                watch.stop()
    except TimeoutError:
        if not timer.expired():
            raise
        raise TooSlow(
            f"less than {settings.body_bytes_per_s} bytes of the body came per second, over "
            f"{settings.body_grace_s:g} s; send it on a faster line, or in parts"
        ) from None


class _Watch:
    """Looks at what came of a body, stretch by stretch."""

    def __init__(self, request: web.Request, settings: Server, timer: asyncio.Timeout) -> None:
        self._request = request
        self._timer = timer
        self._stretch_s = settings.body_grace_s
        self._needed = settings.body_bytes_per_s * settings.body_grace_s
        self._loop = asyncio.get_running_loop()
        self._begin()

    def stop(self) -> None:
        self._handle.cancel()

    def _begin(self) -> None:
        self._taken_s = 0.0
        self._came_before = self._request.content.total_bytes
        self._wait()

    def _wait(self) -> None:
        self._handle = self._loop.call_later(self._stretch_s / _LOOKS, self._look)

    def _look(self) -> None:
        content, transport = self._request.content, self._request.transport
        if transport is None or content.is_eof():
            # It is whole, or the sender has left, which the reader is told.
            return
        if transport.is_reading():
            self._taken_s += self._stretch_s / _LOOKS
        if self._taken_s < self._stretch_s:
            self._wait()
        elif content.total_bytes - self._came_before >= self._needed:
            self._begin()
        else:
            self._timer.reschedule(self._loop.time())
