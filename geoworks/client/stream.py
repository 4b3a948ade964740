"""The stream: connects, comes back after every cut, and hands on what changes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from geoworks.client.address import stream_address
from geoworks.client.asking import Subscription
from geoworks.client.changes import Change, Feature, FeatureKey, Lost, Rejected, Told
from geoworks.client.conversation import Conversation
from geoworks.client.faults import Ended, Refused, Unreachable
from geoworks.client.line import Cut, Line, open_line


def connect(url: str, subscriptions: Iterable[Subscription] = ()) -> Stream:
    """Listen to the town whose pages are at a URL, for as long as a `async with` block lasts.

    ::

        async with connect("https://travaux.example.org", [Subscription(id="home", area=zones("gare"))]) as stream:
            async for change in stream:
                print(change, len(stream.features))

    Raises:
        Unreachable: the URL is none.

    """
    return Stream(stream_address(url), subscriptions)


class Stream:
    """A stream of changes, for one reader.

    It never ends by itself. Nothing runs in the background: what is held is what the changes read so far lead to, and
    a program that reads slowly is served slowly. Reading may be cancelled (`asyncio.timeout`) and taken up again.
    """

    def __init__(self, address: str, subscriptions: Iterable[Subscription]) -> None:
        """Ask some questions at the address of a stream."""
        self._address = address
        self._conversation = Conversation(subscriptions)
        self._changes: deque[Told | Lost] = deque()
        self._line: Line | None = None
        self._next_s = 0.0

    @property
    def features(self) -> Mapping[FeatureKey, Feature]:
        """Return what the server has that the subscriptions see, by kind and id."""
        return self._conversation.held.features

    @property
    def cursor(self) -> str | None:
        """Return the place in the log that was reached; None while everything is told anew."""
        return self._conversation.held.cursor

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Return what is asked."""
        return self._conversation.subscriptions

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Unreachable: nobody is there, or there is no stream.

        """
        try:
            await self._connect()
        except Cut as cut:
            raise Unreachable(f"{self._address}: {cut}; see that the service runs there") from cut
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take leave."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        """Return the next change.

        Raises:
            Refused: the server does not take a question; reading may go on.
            Ended: the server does not want this client any more.
            Unintelligible: it is no stream.

        """
        while not self._changes:
            await self._listen()
        change = self._changes.popleft()
        if isinstance(change, Rejected):
            raise Refused(change.message, number=change.number, id=change.id)
        return change

    async def subscribe(self, subscription: Subscription) -> None:
        """Ask a question, in the place of the one with its id; the answer comes as changes."""
        self._conversation.subscribe(subscription)
        await self._send_due()

    async def unsubscribe(self, id: str) -> None:  # noqa: A002 - the protocol's word
        """Ask a question no more; what it alone had found comes as removals."""
        self._conversation.unsubscribe(id)
        await self._send_due()

    async def position(
        self,
        id: str,  # noqa: A002 - the protocol's word
        lon: float,
        lat: float,
        *,
        speed_kmh: float | None = None,
        heading: float | None = None,
    ) -> None:
        """Tell where the driver is, for a question with `around_me` or a route.

        The last place is told again after every cut, until the question is asked no more. The heading is in degrees
        from north, clockwise; no answer depends on it or on the speed (docs/stream.md).
        """
        known = {"speed_kmh": speed_kmh, "heading": heading}
        told = {name: value for name, value in known.items() if value is not None}
        self._conversation.position({"id": id, "at": [lon, lat], **told})
        await self._send_due()

    async def _listen(self) -> None:
        """Take the next frame, or connect again."""
        try:
            if self._line is None:
                await self._come_back()
            else:
                await self._hear(self._line)
        except Cut as cut:
            self._lose(cut)

    async def _hear(self, line: Line) -> None:
        # A connection that says nothing for twice the time between heartbeats is dead, whatever the network claims.
        frame = await line.receive(2 * self._conversation.heartbeat_s)
        self._changes += self._conversation.hear(frame)
        await self._send_due()

    async def _come_back(self) -> None:
        """Connect, once the time for it has come."""
        await asyncio.sleep(self._next_s - asyncio.get_running_loop().time())
        await self._connect()

    async def _connect(self) -> None:
        self._line = await open_line(self._address)
        self._conversation.open()
        await self._send_due()

    async def _send_due(self) -> None:
        due = self._conversation.take_due()
        if self._line is not None and due:
            await self._line.send(due)

    def _lose(self, cut: Cut) -> None:
        """Take note of a cut.

        Raises:
            Ended: the same would happen again.

        """
        self._line = None
        self._conversation.patience.heed(cut.retry_after_s)
        wait_s = self._conversation.cut(cut.code)
        if wait_s is None:
            raise Ended(f"the server closed the connection for good: {cut}", number=cut.code) from cut
        self._next_s = asyncio.get_running_loop().time() + wait_s
        self._changes.append(Lost(str(cut), wait_s))
