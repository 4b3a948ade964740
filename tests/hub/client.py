"""A client that does what the protocol asks of one, and a socket in memory that it reads from."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import msgspec
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

Message = dict[str, Any]
FeatureKey = tuple[str, str]


def read_frames(data: bytes) -> Iterator[Frame]:
    """Yield the whole frames in some bytes of a server."""
    reader = StreamReader()
    reader.feed_data(data)
    while True:
        parse = Frame.parse(reader.read_exact, mask=False)
        try:
            next(parse)
        except StopIteration as end:
            yield end.value
        else:
            return


class Work:
    """The tasks of some connections."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tasks: list[asyncio.Task[None]] = []

    def create_task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run some work."""
        self._tasks.append(asyncio.get_running_loop().create_task(work))
        return self._tasks[-1]

    async def stop(self) -> None:
        """End what is left; raise what went wrong."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


class MemoryOutlet:
    """A socket in memory: what is written stays unsent until it is taken."""

    descriptor = None

    def __init__(self, tasks: asyncio.TaskGroup | Work | None = None) -> None:
        """Begin open and empty; work on its behalf runs in `tasks`."""
        self.buffer = bytearray()
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self._tasks = tasks
        self._work: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Take bytes of the hub."""
        self.buffer += data

    def unsent(self) -> int:
        """Return how many bytes were not taken yet."""
        return len(self.buffer)

    def close(self, code: int, reason: str) -> None:
        """Note how it was closed."""
        self.closed = (code, reason)

    def abort(self) -> None:
        """Note that it was cut."""
        self.aborted = True

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run work on behalf of the connection."""
        assert self._tasks is not None
        self._work.append(self._tasks.create_task(work))

    def stop(self) -> None:
        """End that work."""
        for task in self._work:
            task.cancel()

    async def drained(self) -> None:
        """Wait until everything was taken."""
        while self.buffer:
            self._moved.clear()
            await self._moved.wait()

    def take(self, frames: int | None = None) -> list[Message]:
        """Take some frames, or all, and return their messages."""
        found = []
        for frame in list(read_frames(bytes(self.buffer)))[:frames]:
            del self.buffer[: len(frame.serialize(mask=False))]
            if frame.opcode is Opcode.TEXT:
                found.append(msgspec.json.decode(frame.data))
        self._moved.set()
        return found


class Held:
    """What a client holds: the features, the place in the log, and what its subscriptions hash to."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.features: dict[FeatureKey, Message] = {}
        self.cursor: str | None = None
        self.filters: str | None = None
        self.offsets: list[int] = []
        self.seen: list[Message] = []

    def hear(self, message: Message) -> None:
        """Take a message of the server, as docs/stream.md tells clients to."""
        self.seen.append(message)
        getattr(self, f"_hear_{message['type']}", self._pass)(message)

    def _pass(self, message: Message) -> None:
        assert message["type"] in {"hello", "heartbeat", "pong", "notice", "error"}

    def _hear_snapshot(self, message: Message) -> None:
        for feature in message["features"]:
            self._put(feature)

    def _hear_put(self, message: Message) -> None:
        if message["cursor"] is not None:
            self._move_on(message["cursor"])
        self._put(message["feature"])

    def _hear_remove(self, message: Message) -> None:
        if message["cursor"] is not None:
            self._move_on(message["cursor"])
        self.features.pop((message["kind"], message["id"]), None)

    def _hear_caught_up(self, message: Message) -> None:
        self.cursor, self.filters = message["cursor"], message["filters"]

    def _hear_resync(self, _: Message) -> None:
        self.features.clear()
        self.cursor = self.filters = None

    def _put(self, feature: Message) -> None:
        self.features[feature["properties"]["kind"], feature["id"]] = feature

    def _move_on(self, cursor: str) -> None:
        """Note a place in the log; it never goes back and nothing comes twice."""
        offset = int(cursor.partition(".")[2])
        assert self.cursor is None or offset > int(self.cursor.partition(".")[2]), f"{cursor} after {self.cursor}"
        self.cursor = cursor
        self.offsets.append(offset)
