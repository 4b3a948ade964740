"""Clients that only listen: by Server-Sent Events as a browser reads them, and by long poll."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from tests.hub.client import Held, Message
from tests.web.driver import WAIT_S

# aiohttp takes no longer line than this; a chunk of a snapshot is one.
_LINE = 1_048_576


class Event(NamedTuple):
    """One event: its name, its data, and the last id at that moment."""

    name: str
    data: Message
    last_id: str


class Listener:
    """A client of `/v1/stream/sse` that keeps what it holds, and its last event id, over many connections."""

    def __init__(self, client: ClientSession, base: URL, **question: str) -> None:
        """Ask this question of the stream of a house."""
        self.held = Held()
        self.last_id = ""
        self.retry_ms: int | None = None
        self.response: ClientResponse
        self._question = question
        self.turn_to(client, base)

    def turn_to(self, client: ClientSession, base: URL) -> None:
        """Come to another address next time."""
        self._client = client
        self._url = base.join(URL("/v1/stream/sse")).with_query(self._question)

    async def come(self) -> None:
        """Connect as a browser does: with the last event id, if there is one."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        if not self.last_id:
            self.held.hear({"type": "resync"})
        self.response = await self._client.get(self._url, headers=headers, read_bufsize=_LINE)
        assert self.response.status == 200, await self.response.text()

    async def next_event(self) -> Event | None:
        """Return the next event, or None at the end of the stream (HTML Living Standard, section 9.2.6)."""
        name, data = "message", ""
        async with asyncio.timeout(WAIT_S):
            async for line in self.response.content:
                field, _, value = line.decode().rstrip("\n").partition(":")
                value = value.removeprefix(" ")
                if field == "event":
                    name = value
                elif field == "data":
                    data += value
                elif field == "id":
                    self.last_id = value
                elif field == "retry":
                    self.retry_ms = int(value)
                elif not field and data:
                    return Event(name, json.loads(data), self.last_id)
        return None

    async def hear(self) -> Event:
        """Take the next event that tells something."""
        while True:
            event = await self.next_event()
            assert event is not None, "the stream has ended"
            self.held.hear(event.data)
            if event.name not in {"hello", "heartbeat"}:
                return event

    async def hear_until(self, name: str) -> Event:
        """Take events up to one of a name."""
        while (event := await self.hear()).name != name:
            pass
        return event

    def cut(self) -> None:
        """Lose the connection, with whatever is on its way."""
        self.response.close()


@asynccontextmanager
async def listening(client: ClientSession, base: URL, **question: str) -> AsyncIterator[Listener]:
    """Be connected to the events of a house, with the answer to this question."""
    listener = Listener(client, base, **question)
    await listener.come()
    await listener.hear_until("caught_up")
    yield listener
    listener.cut()


class Poller:
    """A client of `/v1/changes` that keeps what it holds from one answer to the next."""

    def __init__(self, client: ClientSession, base: URL, **question: str) -> None:
        """Ask this question of a house."""
        self.held = Held()
        self.next = ""
        self._question = question
        self.turn_to(client, base)

    def turn_to(self, client: ClientSession, base: URL) -> None:
        """Ask at another address next time."""
        self._client = client
        self._url = base.join(URL("/v1/changes")).with_query(self._question)

    async def poll(self, *, wait: float = 0) -> Mapping[str, Any]:
        """Ask once and take the answer."""
        answer = await self._ask(wait)
        self.take(answer)
        return answer

    async def lose(self, *, within_s: float, wait: float = 5) -> None:
        """Ask once and lose the answer at whatever point it is then.

        Raises:
            TimeoutError: the answer had not come.

        """
        async with asyncio.timeout(within_s):
            await self._ask(wait)

    async def drop(self) -> None:
        """Ask once and lose the answer after it was made."""
        await self._ask(0)

    async def _ask(self, wait: float) -> Mapping[str, Any]:
        query = {"wait": str(wait), **({"since": self.next} if self.next else {})}
        async with asyncio.timeout(WAIT_S), self._client.get(self._url.update_query(query)) as response:
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    def take(self, answer: Mapping[str, Any]) -> None:
        """Take an answer as docs/stream.md tells clients to."""
        for message in answer["changes"]:
            self.held.hear(message)
        if "features" in answer:
            self.held.hear({"type": "resync"})
            self.held.hear({"type": "snapshot", "features": answer["features"]})
        elif self.held.cursor:
            told, cursor = (int(one.partition(".")[2]) for one in (self.held.cursor, answer["cursor"]))
            assert told <= cursor, "the answer leads back before what it has told"
        self.held.hear({"type": "caught_up", "cursor": answer["cursor"], "filters": answer["filters"]})
        self.next = answer["next"]
