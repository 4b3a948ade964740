"""The exchanges of the stream's page that go by HTTP happen as they are shown, on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from websockets.asyncio.client import ClientConnection
from yarl import URL

from tests.hub.page import EPOCH, Exchange, differs, read_exchanges
from tests.web.driver import WAIT_S, connect_to
from tests.web.house import House
from tests.web.writing import FAR, write
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sender import sending

_EXCHANGES = [one for one in read_exchanges() if one.is_by_http]
_HOOK = "https://receiver.example/hook"
_METHODS = ("GET ", "POST ")
# What a client repeats of what it was told.
_REPEATED = ("area_id", "filters")
_BEAT = "event: heartbeat"


class Visit:
    """A client, and a receiver of webhooks, that do what the page says."""

    def __init__(self, house: House, receiver: Receiver, key: str) -> None:
        """Begin with nothing said."""
        self.house = house
        self._receiver = receiver
        self._key = key
        self._told = dict.fromkeys(_REPEATED, "")
        self._request: asyncio.Task[ClientResponse] | None = None
        self._response: ClientResponse | None = None
        self._socket: ClientConnection | None = None
        self._lines: deque[str] = deque()
        self._posts = 0

    async def say(self, lines: Sequence[str]) -> None:
        """Send what the client says without a break: a request, an answer to a delivery, or a message."""
        first, *others = [self._repeat(line) for line in lines]
        if first.startswith(_METHODS):
            self._ask(first, others)
        elif first.startswith("{"):
            assert self._socket is not None
            await self._socket.send(first)
        else:
            assert first == "204", "what the receiver answers"

    async def hear(self, shown: str) -> str:
        """Return the next line of the server, in the words of the page; what it is to be tells where to listen."""
        if shown.startswith(_METHODS):
            await self._take_delivery()
        elif shown.isdigit():
            await self._take_answer()
        elif '"type":"hello"' in shown and not shown.startswith("data:"):
            self._socket = await connect_to(self.house.base)
        line = self._lines.popleft() if self._lines else await self._next_line()
        self._note(line)
        return line.replace(self._epoch, EPOCH).replace(self._receiver.url, _HOOK)

    async def happen(self, what: str) -> None:
        """Let happen what the page tells."""
        await _EVENTS[what](self)

    async def cut(self) -> None:
        """Lose the connection."""
        if self._response is not None:
            self._response.close()
        if self._socket is not None:
            self._socket.transport.abort()
            await self._socket.wait_closed()

    async def leave(self) -> Iterable[str]:
        """Take leave; return what was not heard."""
        await self.cut()
        return self._lines

    def _ask(self, first: str, others: Sequence[str]) -> None:
        method, _, path = first.partition(" ")
        body = "".join(line for line in others if line.startswith("{"))
        headers = dict(line.split(": ", 1) for line in others if not line.startswith("{"))
        if body:
            headers.setdefault("Content-Type", "application/json")
        url = self.house.base.join(URL(path))
        asked = self.house.client.request(method, url, data=body.encode() or None, headers=headers)
        self._request = asyncio.ensure_future(asked)

    async def _take_answer(self) -> None:
        assert self._request is not None
        self._response = await self._request
        self._lines.append(str(self._response.status))
        if self._response.content_type != "text/event-stream":
            self._lines.append(await self._response.text())

    async def _take_delivery(self) -> None:
        self._posts += 1
        await self._receiver.until(lambda: len(self._receiver.posts) >= self._posts)
        post = self._receiver.posts[self._posts - 1]
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        self._lines += ["POST /hook", *(f"{name}: {post.headers[name]}" for name in names), post.body.decode()]

    async def _next_line(self) -> str:
        """Return the next message of the WebSocket, or line of the events; heartbeats come when they like."""
        async with asyncio.timeout(WAIT_S):
            if self._socket is not None:
                async for frame in self._socket:
                    if '"type":"heartbeat"' not in str(frame):
                        return str(frame)
            elif self._response is not None:
                async for line in _lines_of_events(self._response):
                    return line
        message = "the server has ended its answer"
        raise AssertionError(message)

    def _note(self, line: str) -> None:
        text = line.removeprefix("data: ")
        if text.startswith("{"):
            said: dict[str, Any] = json.loads(text)
            self._told |= {name: said[name] for name in _REPEATED if name in said}

    def _repeat(self, line: str) -> str:
        for name, value in self._told.items():
            line = line.replace(f'"{name}":"..."', f'"{name}":"{value}"')
        line = line.replace(";...", f";{self._told['filters']}").replace("gw_...", self._key)
        return line.replace(EPOCH, self._epoch).replace(_HOOK, self._receiver.url)

    @property
    def _epoch(self) -> str:
        return self.house.town.state.cursor.epoch


async def _lines_of_events(response: ClientResponse) -> AsyncIterator[str]:
    """Yield the lines that the page shows of Server-Sent Events."""
    is_beat = False
    async for line in response.content:
        text = line.decode().rstrip("\n")
        is_beat = text == _BEAT or (is_beat and bool(text))
        if text and not is_beat and not text.startswith("retry: "):
            yield text


async def _overnight(visit: Visit) -> None:
    await visit.cut()
    visit.house.clock.advance(timedelta(hours=13))


_EVENTS: Mapping[str, Callable[[Visit], Awaitable[None]]] = {
    "the works voirie:1 are at the station": lambda visit: write(visit.house, "voirie:1"),
    "the works voirie:2 are published": lambda visit: write(visit.house, "voirie:2"),
    "the works voirie:1 move out of town": lambda visit: write(visit.house, "voirie:1", FAR),
    "the connection is lost": Visit.cut,
    "the connection is lost, until the next morning": _overnight,
}


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    """Return a client of a town that sends webhooks."""
    async with receiving() as receiver, sending(tmp_path) as house:
        yield Visit(house, receiver, await house.key())


@pytest.mark.parametrize("exchange", _EXCHANGES, ids=[one.title for one in _EXCHANGES])
async def test_exchange_is_what_happens(visit: Visit, exchange: Exchange) -> None:
    """The server says every line of the exchange, with these fields and values."""
    for sender, lines in groupby(exchange.lines, key=lambda line: line.sender):
        texts = [line.text for line in lines]
        if sender == "client":
            await visit.say(texts)
            continue
        for text in texts:
            if sender == "server":
                assert differs(text, await visit.hear(text)) == "", text
            else:
                await visit.happen(text)
    assert list(await visit.leave()) == []


def test_every_event_is_on_the_page() -> None:
    """Nothing happens that no exchange tells."""
    assert _EVENTS.keys() == {line.text for one in _EXCHANGES for line in one.lines if not line.sender}
