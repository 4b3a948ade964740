"""What clients that only listen have in common: to the hub each is a session like any other.

The hub writes WebSocket frames; here they are read, to be told in another way.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

from msgspec import Struct, json
from websockets.frames import Opcode

from geoworks.hub.frames import PING, unframe
from geoworks.hub.hub import Hub
from geoworks.hub.session import Session
from geoworks.tasks import Tasks


class Heard(Struct, frozen=True):
    """A message of the hub: what of it matters to all who pass it on, and the whole as JSON on one line."""

    type: str
    cursor: str | None
    filters: str | None
    retry_after_s: float | None
    text: bytes


class _Head(Struct):
    type: str
    cursor: str | None = None
    filters: str | None = None
    retry_after_s: float | None = None


_HEAD = json.Decoder(_Head)


def read_messages(data: bytes) -> Iterator[Heard]:
    """Yield the messages in frames of the hub."""
    for frame in unframe(data):
        if frame.opcode is Opcode.TEXT:
            head = _HEAD.decode(frame.data)
            yield Heard(head.type, head.cursor, head.filters, head.retry_after_s, bytes(frame.data))


class Ear(ABC):
    """The socket of a session whose client sends nothing: that the connection lasts is its sign of life."""

    # There is no way around the transport: what goes out is not what the hub writes.
    descriptor = None

    def __init__(self, transport: asyncio.Transport, tasks: Tasks) -> None:
        """Listen for the client behind a transport; work runs in `tasks`."""
        self._transport = transport
        self._tasks = tasks
        self._work: set[asyncio.Task[None]] = set()
        self._session: Session | None = None
        self.is_over = False

    @contextmanager
    def connected(self, hub: Hub) -> Iterator[Session]:
        """Be a session of the hub."""
        self._session = session = hub.connect(self)
        try:
            yield session
        finally:
            hub.disconnect(session)
            for task in self._work:
                task.cancel()

    def write(self, data: bytes) -> None:
        """Take frames of the hub; a sign of life asked for, always last in them, is given at once."""
        self.hear(data)
        if self._session is not None and data.endswith(PING):
            # Not within this call: the hub notes that it asked after it has written.
            asyncio.get_running_loop().call_soon(self._session.hear)

    def unsent(self) -> int:
        """Return how many bytes wait, in the hub's own measure; notice that the client has gone."""
        if self._transport.is_closing() and not self.is_over:
            self.end()
        return self.waiting()

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 - there is no frame to put them in
        """Let the answer end; the notice before it has told why."""
        self.end()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._transport.abort()
        self.end()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run work that ends with the connection at the latest."""
        task = self._tasks.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    @abstractmethod
    def hear(self, data: bytes) -> None:
        """Take frames of the hub."""

    @abstractmethod
    def waiting(self) -> int:
        """Return how many bytes wait."""

    @abstractmethod
    def end(self) -> None:
        """Take note that nothing more comes: set `is_over` and wake who waits."""

    @abstractmethod
    async def drained(self) -> None:
        """Wait until most of what waits has gone out.

        Raises:
            ConnectionError: the connection is gone.

        """
