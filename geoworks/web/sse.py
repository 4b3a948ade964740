"""The stream as Server-Sent Events: `/v1/stream/sse` (HTML Living Standard, section 9.2).

Each message of the stream is an event of its type. Its id is what to resume from: the cursor and the hash of filters,
which a browser sends as `Last-Event-ID` when it comes back. A message that is no place to resume from has no id, and
`resync` has an empty one, by which the browser forgets its own.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from msgspec import Meta

from geoworks.errors import Forbidden, Invalid, ServiceStopping, TooMany
from geoworks.tasks import Tasks
from geoworks.web.asking import Asked, Place, Question, read_asked
from geoworks.web.doorkeeper import DOORKEEPER, bound_buffers
from geoworks.web.ear import Ear, Heard, read_messages
from geoworks.web.queries import read_query
from geoworks.web.route import EVENT_STREAM, Door
from geoworks.web.services import services

TAG = "stream"
_HEADERS: Mapping[str, str] = {
    hdrs.CONTENT_TYPE: EVENT_STREAM,
    hdrs.CACHE_CONTROL: "no-cache, no-transform",
    # nginx would hold events back to fill its buffers.
    "X-Accel-Buffering": "no",
}
# Browsers come back after a time between these, each after another one.
_RETRY_LEAST_MS, _RETRY_SPREAD_MS = 1_000, 4_000
_PLACES = frozenset({"put", "remove", "caught_up", "heartbeat"})
# Browsers call the loss of the connection `error`.
_NAMES: Mapping[str, str] = {"error": "fault"}
_CLOSE_S = 5.0
# The kernel begins to count when its own buffer stands still, the hub when that is full and bytes wait behind it: much
# later when little is sent. The hub shall be first all the same, for it counts whom it cuts.
_KERNEL_LATER_S = 30.0


class EventsQuery(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is listened to, and from where on."""

    last_event_id: Annotated[
        str, Meta(description="The id of the last event had, for clients that cannot send the header `Last-Event-ID`.")
    ] = ""


class Translator:
    """Makes events of frames; what many are handed one after the other is translated once."""

    def __init__(self) -> None:
        """Begin with nothing translated."""
        self._frames = b""
        self._before: str | None = None
        self._after: str | None = None
        self._events = b""

    def translate(self, frames: bytes, filters: str | None) -> tuple[bytes, str | None]:
        """Return events, and the hash of filters after them; `filters` is the one before, None when not known."""
        if frames is not self._frames or filters != self._before:
            self._frames, self._before = frames, filters
            self._events, self._after = _translate(frames, filters)
        return self._events, self._after


class EventOutlet(Ear):
    """The socket of a session whose client listens to events."""

    def __init__(
        self,
        transport: asyncio.Transport,
        tasks: Tasks,
        *,
        writer: AbstractStreamWriter,
        chunked: bool,
        translator: Translator,
        since: Place | None,
    ) -> None:
        """Write to the transport of a prepared response, in chunks if it does so."""
        super().__init__(transport, tasks)
        self._translator = translator
        self._filters = since.filters if since else None
        self._writer = writer
        # HTTP/1.0 has no chunks: there the end of the connection is the end of the answer.
        self._chunked = chunked
        self._ended = asyncio.Event()

    async def until_end(self) -> None:
        """Wait until the client leaves, or the server wants it to."""
        await self._ended.wait()

    def hear(self, data: bytes) -> None:
        """Pass frames of the hub on as events."""
        events, self._filters = self._translator.translate(data, self._filters)
        if events and not self.is_over:
            self._transport.write(b"%x\r\n%b\r\n" % (len(events), events) if self._chunked else events)

    def waiting(self) -> int:
        """Return how many bytes the socket has not taken."""
        return self._transport.get_write_buffer_size()

    def end(self) -> None:
        """Wake who waits for the end."""
        self.is_over = True
        self._ended.set()

    async def drained(self) -> None:
        """Wait until the socket has taken most of what it was handed.

        Raises:
            ConnectionError: the connection is gone.

        """
        await self._writer.drain()
        if self._transport.is_closing():
            msg = "the client has gone"
            raise ConnectionResetError(msg)


async def listen(request: web.Request) -> web.StreamResponse:
    """Tell one client by events until it leaves."""
    keeper = request.app[DOORKEEPER]
    keeper.check(request)
    await keeper.come_current()
    query = read_query(request, EventsQuery)
    asked = read_asked(query, request.headers.get("Last-Event-ID") or query.last_event_id, services(request).hub.area)
    response = web.StreamResponse(headers=_HEADERS)
    # The connection is made for this, and ends with it.
    response.force_close()
    if request.method != hdrs.METH_HEAD:
        with keeper.counted(request), suppress(ConnectionError):
            await _tell(request, response, asked)
    return response


async def _tell(request: web.Request, response: web.StreamResponse, asked: Asked) -> None:
    writer, transport = await response.prepare(request), request.transport
    if writer is None or transport is None or transport.is_closing():
        return
    house = services(request)
    bound_buffers(transport, house.settings.stream.high_water_bytes)
    _mind_silence(transport, house.settings.stream.stuck_s + _KERNEL_LATER_S)
    await response.write(b"retry: %d\n\n" % (_RETRY_LEAST_MS + secrets.randbelow(_RETRY_SPREAD_MS)))
    async with Tasks() as tasks:
        outlet = EventOutlet(
            transport,
            tasks,
            writer=writer,
            chunked=hdrs.TRANSFER_ENCODING in response.headers,
            translator=request.app[TRANSLATOR],
            since=asked.since,
        )
        with outlet.connected(house.hub) as session:
            session.receive(asked.message())
            await outlet.until_end()
    await _finish(response, transport)


async def _finish(response: web.StreamResponse, transport: asyncio.Transport) -> None:
    """End the answer, waiting a little for the client to take the rest."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await response.write_eof()
    except TimeoutError:
        transport.abort()
    except ConnectionError:
        return


def _mind_silence(transport: asyncio.Transport, longest_s: float) -> None:
    """Have the kernel cut the connection when the client's side confirms nothing: an event stream has no pong."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(longest_s * 1000))


def _translate(frames: bytes, filters: str | None) -> tuple[bytes, str | None]:
    events = []
    for message in read_messages(frames):
        if message.type == "caught_up":
            filters = message.filters
        elif message.type == "resync":
            filters = None
        events.append(_event(message, filters))
    return b"".join(events), filters


def _event(message: Heard, filters: str | None) -> bytes:
    """Return a message as an event; `filters` as they are known with it."""
    id_ = ""
    if message.type == "resync":
        id_ = "id:\n"
    elif message.type in _PLACES and message.cursor and filters:
        id_ = f"id: {Place(message.cursor, filters)}\n"
    retry = f"retry: {message.retry_after_s * 1000:.0f}\n" if message.retry_after_s else ""
    name = _NAMES.get(message.type, message.type)
    return f"event: {name}\n{retry}{id_}data: ".encode() + message.text + b"\n\n"


TRANSLATOR = web.AppKey("translator", Translator)
DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/stream/sse",
        handler=listen,
        summary="The live stream as Server-Sent Events; docs/stream.md tells how",
        tag=TAG,
        query=EventsQuery,
        answer=str,
        answer_media=EVENT_STREAM,
        errors=(Invalid, Forbidden, TooMany, ServiceStopping),
    ),
)
