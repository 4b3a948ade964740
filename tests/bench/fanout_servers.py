"""The two servers of the fan-out benchmark, each told by a pipe how many changes to send."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import TypeAlias

import shapely
import websockets
from aiohttp import web
from msgspec import Raw, Struct, structs
from websockets.asyncio.server import ServerConnection, serve

from geoworks.clock import SystemClock
from geoworks.config.settings import Server, Settings, Stream
from geoworks.hub.frames import frame
from geoworks.hub.hub import Hub
from geoworks.hub.messages import Put, encode
from geoworks.model.change import Change, Key, Kind, Op, Reason, Record
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works, WorksDerived
from geoworks.state import Published, State, make_entry
from geoworks.web.stream import add_stream

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_DAY_S = 86_400.0
_OPEN_FILES = 4096
_MOST_SOCKETS = 1_000_000


class Run(Struct, frozen=True):
    """So many changes, with a pause between two (0: all at once)."""

    changes: int
    pause_s: float


class NoLog:
    """A log nobody reads: every client of the benchmark is live."""

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:  # noqa: ARG002 - the port's signature
        """Return nothing."""
        return []

    async def told(self, offset: int) -> None:
        """Take note of nothing."""


Send: TypeAlias = Callable[[Published], None]


def allow_sockets() -> None:
    """Let this process open enough files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, most), most))


def serve_ours(pipe: Connection) -> None:
    """Serve the hub's stream on a free port until the pipe says no more."""
    allow_sockets()
    asyncio.run(_serve_ours(pipe))


def serve_peer(pipe: Connection) -> None:
    """Serve `websockets.broadcast` on a free port until the pipe says no more."""
    allow_sockets()
    asyncio.run(_serve_peer(pipe))


async def _serve_ours(pipe: Connection) -> None:
    # Clients that only count bytes answer no pings; the peer sends none.
    limits = Stream(connections=_MOST_SOCKETS, connections_per_address=_MOST_SOCKETS, heartbeat_s=_DAY_S, pong_s=_DAY_S)
    settings = structs.replace(Settings(), stream=limits, server=Server(drain_s=0.1))
    state = State("bench", 0)
    hub = Hub(state, NoLog(), settings=limits, clock=SystemClock())

    def send(published: Published) -> None:
        state.apply(published)
        hub.publish([published])

    app = web.Application()
    add_stream(app, hub, settings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        await _obey(pipe, runner.addresses[0][1], send)
        running.cancel()
    await runner.cleanup()


async def _serve_peer(pipe: Connection) -> None:
    async def hold(connection: ServerConnection) -> None:
        await connection.wait_closed()

    # Without pings and compression, which would only cost it time.
    async with serve(hold, "127.0.0.1", 0, compression=None, ping_interval=None) as server:

        def send(published: Published) -> None:
            websockets.broadcast(server.connections, _text(published))

        await _obey(pipe, next(iter(server.sockets)).getsockname()[1], send)


async def _obey(pipe: Connection, port: int, send: Send) -> None:
    """Tell the port, then do what the pipe says: a run, None for the CPU seconds since its begin, or the end."""
    pipe.send(port)
    begin, offset = 0.0, 0
    while (order := await asyncio.to_thread(pipe.recv)) != "end":
        if order is None:
            pipe.send(time.process_time() - begin)
            continue
        changes = [_change(offset + number) for number in range(1, order.changes + 1)]
        offset += order.changes
        begin = time.process_time()
        for published in changes:
            send(published)
            await asyncio.sleep(order.pause_s)
        pipe.send(sum(len(_frame(published)) for published in changes))


def _change(offset: int) -> Published:
    """Make a change of one works, of about 600 bytes on the wire."""
    given = Works(
        title=f"Rue de Montlhéry {offset:06}", geometry=shapely.Point(2.3051, 48.6342), schedule=Schedule(NOW)
    )
    record = Record(
        key=Key(Kind.WORKS, "voirie:1"), version=1, created=NOW, updated=NOW, given=given,
        derived=WorksDerived(), source="voirie",
    )  # fmt: skip
    entry = make_entry(record)
    change = Change(offset, NOW, record.key, Op.PUT, Reason.UPDATED, 1, entry.keys)
    return Published(change, entry)


def _message(published: Published) -> Put:
    assert published.entry is not None
    return Put(f"bench.{published.change.offset}", Raw(published.entry.body))


def _text(published: Published) -> str:
    return encode(_message(published)).decode()


def _frame(published: Published) -> bytes:
    return frame(_message(published))
