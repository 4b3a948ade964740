"""The two Python servers of the fan-out benchmarks, each in a process of its own that is told what to send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeAlias

import websockets
from aiohttp import web
from msgspec import Struct, structs
from websockets.asyncio.server import ServerConnection, serve

from geoworks.clock import SystemClock
from geoworks.config.settings import Server, Settings, Stream
from geoworks.hub.feed import Outlet
from geoworks.hub.hub import Hub
from geoworks.hub.session import Session
from geoworks.model.change import Change
from geoworks.state import Published, State
from geoworks.web.stream import add_stream
from tests.bench.contender import Run
from tests.bench.cores import SERVER_CORE, allow_files, on_core
from tests.bench.fanout_changes import EPOCH, FIRST, FRAME_BYTES, change, text
from tests.bench.listeners import EVERYWHERE, FILES, WAIT_S, Client, WebSocketClient, receive

_DAY_S = 86_400.0
_MOST_SOCKETS = 1_000_000
Send: TypeAlias = Callable[[Sequence[Published]], None]
Serve: TypeAlias = Callable[[Connection], None]


class Manner(Struct, frozen=True):
    """How the hub's stream is served."""

    # False: every change is written at once, whatever came a moment before.
    joining: bool = True
    # True: note how many bytes wait for the sockets.
    watched: bool = False


class Figures(Struct, frozen=True):
    """What the hub's server knows of its connections."""

    connected: int
    aborted: int
    most_unsent: int


class NoLog:
    """A log nobody reads: every client of the benchmark is live, or never is again."""

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:  # noqa: ARG002 - the port's signature
        """Return nothing."""
        return []

    async def told(self, offset: int) -> None:
        """Take note of nothing."""


class WatchedHub(Hub):
    """A hub whose outlets can be looked at."""

    def __init__(self, state: State, *, settings: Stream) -> None:
        """Begin with nobody."""
        super().__init__(state, NoLog(), settings=settings, clock=SystemClock())
        self.most_unsent = 0
        self._outlets: list[Outlet] = []

    def connect(self, outlet: Outlet) -> Session:
        """Keep the outlet."""
        self._outlets.append(outlet)
        return super().connect(outlet)

    def look(self) -> None:
        """Note the most bytes that wait for one socket."""
        self.most_unsent = max(self.most_unsent, *(outlet.unsent() for outlet in self._outlets))


class Spawned:
    """A Python server in a process of its own."""

    def __init__(self, pid: int, pipe: Connection, client: Client) -> None:
        """Talk with it by a pipe, on which it tells its port first."""
        self.pid = pid
        self.client = client
        self._pipe = pipe
        port = receive(pipe)
        assert isinstance(port, int)
        self.port = port

    def play(self, run: Run) -> Iterator[int]:
        """Have all sent, with the run's pauses."""
        self._prepare(run)
        yield 0
        self._pipe.send("go")
        yield FRAME_BYTES * run.changes
        receive(self._pipe)

    def timed(self, run: Run) -> Sequence[float]:
        """Have all sent; return when each batch was injected, in seconds of the machine's clock."""
        self._prepare(run)
        self._pipe.send("go")
        moments = receive(self._pipe)
        assert isinstance(moments, list)
        return moments

    def _prepare(self, run: Run) -> None:
        self._pipe.send(run)
        assert receive(self._pipe) == "ready"

    def figures(self) -> Figures:
        """Return what it knows of its connections; only the hub's server does."""
        self._pipe.send("figures")
        figures = receive(self._pipe)
        assert isinstance(figures, Figures)
        return figures


@contextmanager
def spawned(serve_it: Serve, client: Client) -> Iterator[Spawned]:
    """Run a server on the server's core until the block ends."""
    spawn = get_context("spawn")
    pipe, far = spawn.Pipe()
    process = spawn.Process(target=serve_it, args=(far,), daemon=True)
    with on_core(SERVER_CORE):
        process.start()
    assert process.pid is not None
    try:
        yield Spawned(process.pid, pipe, client)
    finally:
        pipe.send("end")
        process.join(WAIT_S)


def ours(*areas: str, manner: Manner | None = None) -> AbstractContextManager[Spawned]:
    """Run the hub's stream; its clients ask for these areas in turn, or all for everything."""
    client = WebSocketClient(path="/v1/stream", areas=areas or (EVERYWHERE,))
    return spawned(partial(serve_ours, manner=manner or Manner()), client)


def broadcast() -> AbstractContextManager[Spawned]:
    """Run a server that calls `websockets.broadcast`."""
    return spawned(serve_broadcast, WebSocketClient())


def serve_ours(pipe: Connection, *, manner: Manner) -> None:
    """Serve the hub's stream on a free port until the pipe says no more."""
    allow_files(FILES)
    asyncio.run(_serve_ours(pipe, manner))


def serve_broadcast(pipe: Connection) -> None:
    """Serve `websockets.broadcast` on a free port until the pipe says no more."""
    allow_files(FILES)
    asyncio.run(_serve_broadcast(pipe))


async def _serve_ours(pipe: Connection, manner: Manner) -> None:
    # Clients that only count bytes give no signs of life, and no peer asks for any.
    limits = Stream(connections=_MOST_SOCKETS, connections_per_address=_MOST_SOCKETS, heartbeat_s=_DAY_S, pong_s=_DAY_S)
    state = State(EPOCH, FIRST - 1)
    hub = WatchedHub(state, settings=limits)

    def send(changes: Sequence[Published]) -> None:
        for published in changes:
            state.apply(published)
        hub.publish(changes)
        if not manner.joining:
            hub.flush()
        if manner.watched:
            hub.look()

    def figures() -> Figures:
        return Figures(hub.counters.connected, hub.counters.aborted, hub.most_unsent)

    async with _listening(hub, limits) as port, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        await _obey(pipe, port, send, figures)
        running.cancel()


@asynccontextmanager
async def _listening(hub: Hub, limits: Stream) -> AsyncIterator[int]:
    """Serve the stream of a hub and nothing else."""
    app = web.Application()
    add_stream(app, hub, structs.replace(Settings(), stream=limits, server=Server(drain_s=0.1)))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _serve_broadcast(pipe: Connection) -> None:
    async def hold(connection: ServerConnection) -> None:
        await connection.wait_closed()

    # Without pings and compression, which would only cost it time.
    async with serve(hold, "127.0.0.1", 0, compression=None, ping_interval=None) as server:

        def send(changes: Sequence[Published]) -> None:
            for published in changes:
                websockets.broadcast(server.connections, text(published).decode())

        await _obey(pipe, next(iter(server.sockets)).getsockname()[1], send, lambda: None)


async def _obey(pipe: Connection, port: int, send: Send, figures: Callable[[], Figures | None]) -> None:
    """Tell the port, then do what the pipe says: a run, a question for figures, or the end."""
    pipe.send(port)
    offset = FIRST
    while (order := await asyncio.to_thread(pipe.recv)) != "end":
        if order == "figures":
            pipe.send(figures())
            continue
        batches = [[change(number) for number in batch] for batch in order.batches(offset)]
        offset += order.changes
        pipe.send("ready")
        assert await asyncio.to_thread(pipe.recv) == "go"
        pipe.send(await _inject(batches, order.pause_s, send))


async def _inject(batches: Sequence[Sequence[Published]], pause_s: float, send: Send) -> list[float]:
    """Send batch after batch; return when each began."""
    moments = []
    for batch in batches:
        moments.append(time.monotonic())
        send(batch)
        await asyncio.sleep(pause_s)
    return moments
