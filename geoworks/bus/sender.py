"""What a node tells the others, sent as long as one connection lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from nats.aio.msg import Msg

from geoworks.bus.line import Line
from geoworks.bus.message import Message
from geoworks.bus.outbox import Outbox
from geoworks.errors import BusError

_MOST, _MOST_BYTES = 256, 1024 * 1024  # on their way at a time
_ANSWER_S = 5.0
_TOGETHER_S = 0.005
_HEADERS_BYTES = 1024  # they count in `max_payload`


class Outgoing:
    """What waits to be told, whether there is a connection or not."""

    def __init__(self, outbox: Outbox) -> None:
        """Begin with nothing to tell."""
        self._outbox = outbox
        self._waiting = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def overflown(self) -> bool:
        """Tell whether a hint stands for all changes that come."""
        return self._outbox.overflown

    def put(self, message: Message) -> None:
        """Let a change be sent."""
        self._outbox.put(message)
        self._waiting.set()

    def put_written(self) -> None:
        """Let the others know that something was written; once, however often it is said within some milliseconds."""
        self._written.set()

    def lose(self, epoch: str) -> None:
        """Let a hint be sent in the place of all that waits, and of what was on its way."""
        self._outbox.lose(epoch)
        self._waiting.set()

    async def next(self) -> Sequence[Message]:
        """Wait for messages and take them."""
        while not (messages := self._outbox.take(most=_MOST, most_bytes=_MOST_BYTES)):
            self._waiting.clear()
            await self._waiting.wait()
        return messages

    async def next_written(self) -> None:
        """Wait until there is something written to tell of."""
        await self._written.wait()
        self._written.clear()


class Sender:
    """Sends what waits: changes many at a time, each answered by the stream, and that something was written."""

    def __init__(self, line: Line, outgoing: Outgoing) -> None:
        """Stand ready to send."""
        self._line = line
        self._outgoing = outgoing
        self._open: set[str] = set()
        self._answered = asyncio.Event()
        self._refused = ""
        self._gone = False

    async def send_written(self, subject: str) -> None:
        """Tell that something was written, whenever there is something to tell, until cancelled.

        Raises:
            BusError: the connection broke.

        """
        while True:
            await self._outgoing.next_written()
            with self._line.heeding():
                await self._line.client.publish(subject)
            await asyncio.sleep(_TOGETHER_S)

    async def send_changes(self, subject: str, told: Callable[[str], None]) -> None:
        """Send changes until cancelled; `told` hears why the stream did not take some, or nothing when it took all.

        Raises:
            BusError: the connection broke, or the stream is gone.

        """
        inbox = self._line.client.new_inbox()
        with self._line.heeding():
            await self._line.client.subscribe(f"{inbox}.*", cb=self._hear)
        while True:
            messages = await self._outgoing.next()
            try:
                await self._send(messages, subject, inbox)
            except BaseException:
                self._outgoing.lose(messages[-1].epoch)
                raise
            told(self._refused)

    async def _send(self, messages: Sequence[Message], subject: str, inbox: str) -> None:
        """Send messages one behind the other and wait for all answers."""
        client = self._line.client
        self._open = {f"{inbox}.{number}" for number in range(len(messages))}
        self._refused = ""
        with self._line.heeding():
            async with asyncio.timeout(_ANSWER_S):
                for number, message in enumerate(messages):
                    fits = len(message.body) <= client.max_payload - _HEADERS_BYTES
                    body = message.body if fits else b""
                    await client.publish(subject, body, reply=f"{inbox}.{number}", headers=message.headers)
                while self._open:
                    self._answered.clear()
                    await self._answered.wait()
        if self._gone:
            raise BusError(f"somebody removed the stream at {self._line.place}: it is made anew")

    async def _hear(self, message: Msg) -> None:
        """Take note of an answer of the stream."""
        if "Status" in (message.headers or {}):
            # 503: nobody listens to the subject.
            self._gone = True
        else:
            self._refused = _refusal(message.data) or self._refused
        self._open.discard(message.subject)
        self._answered.set()


class _Fault(msgspec.Struct):
    description: str = ""


class _Answer(msgspec.Struct):
    error: _Fault | None = None


_DECODER = msgspec.json.Decoder(_Answer)


def _refusal(data: bytes) -> str:
    """Return why the stream did not take a message; empty when it did."""
    try:
        error = _DECODER.decode(data).error
    except (msgspec.DecodeError, RecursionError):
        return "an answer that cannot be read"
    return "" if error is None else error.description[:200] or "no reason given"
