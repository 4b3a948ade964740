"""A session of the hub whose messages are taken one by one, by somebody who answers a request with them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from geoworks.tasks import Tasks
from geoworks.web.ear import Ear, Heard, read_messages


class Poll(Ear):
    """The socket of a session that keeps messages until they are taken, as many as a slow reader may have unsent."""

    def __init__(self, transport: asyncio.Transport, tasks: Tasks) -> None:
        """Begin with nothing heard."""
        super().__init__(transport, tasks)
        self._heard: deque[Heard] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._taken = asyncio.Event()

    def hear(self, data: bytes) -> None:
        """Keep messages of the hub."""
        for message in read_messages(data):
            self._heard.append(message)
            self._bytes += len(message.text)
        self._news.set()

    def waiting(self) -> int:
        """Return how many bytes were not taken."""
        return self._bytes

    def end(self) -> None:
        """Wake who waits."""
        self.is_over = True
        self._news.set()
        self._taken.set()

    async def drained(self) -> None:
        """Wait until everything was taken.

        Raises:
            ConnectionError: nobody takes any more.

        """
        while self._heard:
            if self.is_over:
                msg = "the client has gone"
                raise ConnectionResetError(msg)
            self._taken.clear()
            await self._taken.wait()

    async def next(self) -> Heard | None:
        """Take the next message, waiting for it; None when no more will come."""
        while not self._heard:
            if self.is_over:
                return None
            self._news.clear()
            await self._news.wait()
        return self._take()

    def rest(self) -> Iterator[Heard]:
        """Take what is there."""
        while self._heard:
            yield self._take()

    def _take(self) -> Heard:
        message = self._heard.popleft()
        self._bytes -= len(message.text)
        if not self._heard:
            self._taken.set()
        return message
