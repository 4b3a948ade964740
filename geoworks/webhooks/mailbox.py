"""The socket of a session whose messages are carried to a receiver: they wait here, in memory, until they are taken.

What waits is bounded as for any other client: from the high-water mark on the hub writes no more, and who takes
nothing for too long is cut and resumes later from what the receiver had. So the log is the queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager

import msgspec
from msgspec import Raw, Struct
from websockets.frames import Opcode

from geoworks.hub.frames import PING, unframe
from geoworks.hub.hub import Hub
from geoworks.hub.session import Session
from geoworks.tasks import Tasks


class Letter(Struct, frozen=True):
    """A message of the hub: what is read of it, and its JSON."""

    type: str
    cursor: str | None
    filters: str | None
    message: str
    text: Raw


class _Head(Struct):
    type: str
    cursor: str | None = None
    filters: str | None = None
    message: str = ""


_HEAD = msgspec.json.Decoder(_Head)


class Mailbox:
    """An outlet in memory."""

    # Nothing goes straight to a socket.
    descriptor = None

    def __init__(self, hub: Hub, tasks: Tasks) -> None:
        """Be a new connection of the hub; work on its behalf runs in `tasks`."""
        self.is_over = False
        self._hub = hub
        self._tasks = tasks
        self._work: set[asyncio.Task[None]] = set()
        self._waiting: deque[bytes] = deque()
        self._unsent = 0
        self._opened: Iterator[Letter] = iter(())
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._session: Session | None = None
        self._session = hub.connect(self)

    def ask(self, text: str) -> None:
        """Hand a message to the session."""
        if self._session is not None:
            self._session.receive(text)

    async def filled(self) -> bool:
        """Wait for letters; tell whether there are any, or nothing more comes."""
        await self._filled.wait()
        return not self.is_over

    def next(self) -> Letter | None:
        """Take the next letter, if there is one."""
        while True:
            if letter := next(self._opened, None):
                return letter
            if not self._waiting:
                self._filled.clear()
                return None
            data = self._waiting.popleft()
            self._unsent -= len(data)
            self._opened = read_letters(data)
            if not self._unsent:
                self._emptied.set()

    def write(self, data: bytes) -> None:
        """Take frames of the hub; a sign of life asked for, always last in them, is given at once."""
        self._waiting.append(data)
        self._unsent += len(data)
        self._emptied.clear()
        self._filled.set()
        if self._session is not None and data.endswith(PING):
            # Not within this call: the hub notes that it asked after it has written.
            asyncio.get_running_loop().call_soon(self._session.hear)

    def unsent(self) -> int:
        """Return how many bytes were not taken yet."""
        return self._unsent

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 - there is nobody here to read them
        """Take note that nothing more comes."""
        self.end()

    def abort(self) -> None:
        """Take note that nothing more comes."""
        self.end()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run work on behalf of the session."""
        task = self._tasks.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def drained(self) -> None:
        """Wait until everything was taken.

        Raises:
            ConnectionError: nothing more comes.

        """
        await self._emptied.wait()
        if self.is_over:
            raise ConnectionResetError

    def end(self) -> None:
        """Leave the hub, which may wait for that when the service stops, and throw away what was not taken."""
        self.is_over = True
        if self._session is not None:
            self._hub.disconnect(self._session)
        self._waiting.clear()
        self._unsent = 0
        self._opened = iter(())
        self._filled.set()
        self._emptied.set()

    def stop(self) -> None:
        """End everything."""
        self.end()
        for task in self._work:
            task.cancel()


@asynccontextmanager
async def mailbox(hub: Hub, text: str) -> AsyncIterator[Mailbox]:
    """Be a connection of the hub that begins with a message, until the block ends."""
    async with Tasks() as tasks:
        box = Mailbox(hub, tasks)
        try:
            box.ask(text)
            yield box
        finally:
            box.stop()


def read_letters(data: bytes) -> Iterator[Letter]:
    """Yield the messages in frames of the hub."""
    for frame in unframe(data):
        if frame.opcode is Opcode.TEXT:
            text = bytes(frame.data)
            head = _HEAD.decode(text)
            yield Letter(head.type, head.cursor, head.filters, head.message, Raw(text))
