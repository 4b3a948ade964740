"""What changed since a cursor, by long poll: for clients that can do no more than ask again and again.

Each request is a session of the hub that lasts until there is something to tell; what a client misses between two of
them it gets by the catch-up rule, as everybody who was away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from aiohttp import hdrs, web
from msgspec import UNSET, Meta, Struct, UnsetType

from geoworks.errors import Forbidden, Invalid, ServiceStopping, TooMany
from geoworks.hub import say
from geoworks.hub.messages import ResyncReason
from geoworks.tasks import Tasks
from geoworks.web.answers import PRIVATE
from geoworks.web.asking import Question, read_asked
from geoworks.web.collections import takes_gzip
from geoworks.web.doorkeeper import DOORKEEPER
from geoworks.web.poll import Poll
from geoworks.web.queries import read_query
from geoworks.web.route import JSON, Door
from geoworks.web.services import services
from geoworks.web.sheet import Sheet

TAG = "stream"
_LONGEST_WAIT_S = 30.0
_PIECE_BYTES = 65_536


class ChangesQuery(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked, and from where on."""

    since: Annotated[
        str, Meta(description="`next` of the last answer, or a cursor; without it the answer is all there is now.")
    ] = ""
    wait: Annotated[
        float, Meta(ge=0, le=_LONGEST_WAIT_S, description="Seconds to wait when nothing has changed; at most 30.")
    ] = _LONGEST_WAIT_S


class Changes(Struct, frozen=True, kw_only=True):
    """What changed: apply `changes` in their order, each a `put` or `remove` as on the stream.

    When there are `features`, they are all there is: they take the place of everything the client has. `resync` says
    why, if it had asked for changes. Send `next` as `since` of the next request.
    """

    changes: list[dict[str, Any]]
    resync: ResyncReason | UnsetType = UNSET
    features: list[dict[str, Any]] | UnsetType = UNSET
    cursor: str
    filters: str
    next: str


class Page:
    """A JSON answer that goes out piece by piece once it is long."""

    def __init__(self, request: web.Request, transport: asyncio.Transport, *, stuck_s: float) -> None:
        """Begin empty; a reader who takes nothing for so many seconds is cut."""
        self._request = request
        self._transport = transport
        self._stuck_s = stuck_s
        self._pieces = bytearray()
        self._response: web.StreamResponse | None = None

    async def write(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            ConnectionError: the reader has gone, or takes nothing.

        """
        self._pieces += piece
        if len(self._pieces) > _PIECE_BYTES:
            await self._flush(self._response or await self._begin())

    async def finish(self, piece: bytes) -> web.StreamResponse:
        """Add the last piece and return the whole answer."""
        self._pieces += piece
        if self._response is None:
            return web.Response(body=bytes(self._pieces), content_type=JSON, headers=PRIVATE)
        with suppress(ConnectionError):
            await self._flush(self._response)
        return self._response

    def break_off(self) -> web.StreamResponse:
        """Return what there is, in a way that nobody takes for the whole.

        Raises:
            ServiceStopping: nothing was sent yet.

        """
        if self._response is None:
            raise ServiceStopping(say.STOPPING)
        self._transport.abort()
        return self._response

    async def _begin(self) -> web.StreamResponse:
        self._response = response = web.StreamResponse(headers={**PRIVATE, hdrs.VARY: hdrs.ACCEPT_ENCODING})
        response.content_type = JSON
        if takes_gzip(self._request):
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(self._request)
        return response

    async def _flush(self, response: web.StreamResponse) -> None:
        pieces, self._pieces = bytes(self._pieces), bytearray()
        try:
            async with asyncio.timeout(self._stuck_s):
                await response.write(pieces)
        except TimeoutError as error:
            self._transport.abort()
            msg = "the client does not read"
            raise ConnectionAbortedError(msg) from error


async def read_changes(request: web.Request) -> web.StreamResponse:
    """Answer what changed, at once or when something does; without a cursor, all there is."""
    keeper = request.app[DOORKEEPER]
    keeper.check(request)
    await keeper.come_current()
    query = read_query(request, ChangesQuery)
    asked = read_asked(query, query.since, services(request).hub.area)
    transport = request.transport
    if request.method == hdrs.METH_HEAD or transport is None:
        return web.Response(content_type=JSON, headers=PRIVATE)
    page = Page(request, transport, stuck_s=services(request).settings.stream.stuck_s)
    sheet = Sheet(asked.since)
    with keeper.counted(request):
        async with Tasks() as tasks:
            poll = Poll(transport, tasks)
            with poll.connected(services(request).hub) as session, suppress(ConnectionError):
                session.receive(asked.message())
                await _catch_up(poll, sheet, page)
                await page.write(await _wait(poll, sheet, query.wait))
    return await page.finish(sheet.end(sheet.place)) if sheet.place else page.break_off()


async def _catch_up(poll: Poll, sheet: Sheet, page: Page) -> None:
    """Tell what is due, or as much of it as one answer may have."""
    while not sheet.is_enough and (message := await poll.next()):
        await page.write(sheet.take(message))


async def _wait(poll: Poll, sheet: Sheet, wait_s: float) -> bytes:
    """Return the next change and what came with it, if nothing was told yet; nothing when none comes in time."""
    pieces = []
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while not sheet.told and (message := await poll.next()):
                pieces.append(sheet.take(message))
    # Whatever is there is whole, for the hub writes what belongs together at once.
    return b"".join([*pieces, *map(sheet.take, poll.rest() if pieces else ())])


DOORS: Sequence[Door] = (
    Door(
        method="GET",
        path="/v1/changes",
        handler=read_changes,
        summary="What changed since a cursor, by long poll; docs/stream.md tells how",
        tag=TAG,
        query=ChangesQuery,
        answer=Changes,
        errors=(Invalid, Forbidden, TooMany, ServiceStopping),
    ),
)
