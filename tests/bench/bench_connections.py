"""The memory of an idle connection with one subscription, 4000 of them, beside a WebSocket server of aiohttp alone.

It is the growth of the server process from before they come to when all are there, by connection. Each measure has
a new process, for one that was full once does not give its memory back. As drivers do, each client asks about
another place; what it takes when all ask the same is printed beside it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from aiohttp import web
from yarl import URL

from tests.bench.bench_fanout import different_areas
from tests.bench.cores import CLIENT_CORE, SERVER_CORE, allow_files, on_core
from tests.bench.fanout_servers import spawned
from tests.bench.listeners import EVERYWHERE, FILES, Listeners, WebSocketClient
from tests.bench.row import Growth, Row, paired_row
from tests.bench.served import Tables, served

SOCKETS = 4000
ROUNDS = 5
# They pay for what is made once, at the first connection.
_FIRST = 20
_KB = 1e3
_UNIT = "kB"
# Clients that only hold their connections give no signs of life, and aiohttp asks for none.
_TABLES: Tables = {
    "server": {"requests_per_minute": 10_000_000},
    "maps": {"enabled": False},
    "stream": {"connections_per_address": SOCKETS, "heartbeat_s": 86_400, "pong_s": 86_400},
}


def rows() -> Iterator[Row | Growth]:
    """Measure ours and the peer's in turn."""
    with on_core(CLIENT_CORE):
        pairs = []
        for number in range(ROUNDS):
            order = (ours_kb, aiohttp_kb) if number % 2 == 0 else (aiohttp_kb, ours_kb)
            figures = {measure: measure() for measure in order}
            pairs.append((figures[ours_kb], figures[aiohttp_kb]))
        name = f"memory of an idle connection with one subscription, {SOCKETS} connections"
        yield paired_row(name, pairs, target=1 / 1.4, unit=_UNIT, cost=True)
        yield Growth("memory of an idle connection, all ask the same", SOCKETS, ours_kb(EVERYWHERE), _UNIT)


def ours_kb(*areas: str) -> float:
    """Return the kB of a connection of the whole service; its client asks for one of the areas, or each for its own."""
    client = WebSocketClient(path="/v1/stream", areas=areas or different_areas(SOCKETS))
    with tempfile.TemporaryDirectory() as folder, on_core(SERVER_CORE), served(Path(folder), _TABLES) as (server, base):
        return connection_kb(server.pid, URL(base).port or 0, client)


def aiohttp_kb() -> float:
    """Return the kB of a connection of aiohttp alone."""
    client = WebSocketClient()
    with spawned(serve_aiohttp, client) as server:
        return connection_kb(server.pid, server.port, client)


def connection_kb(pid: int, port: int, client: WebSocketClient) -> float:
    """Return by how many kB a server grows with each connection."""
    process = psutil.Process(pid)
    with Listeners(client, port, _FIRST):
        before = process.memory_info().rss
        with Listeners(client, port, SOCKETS - _FIRST):
            after = process.memory_info().rss
    grown: int = after - before
    return grown / (SOCKETS - _FIRST) / _KB


def serve_aiohttp(pipe: Connection) -> None:
    """Hold WebSocket connections on a free port until the pipe says no more."""
    allow_files(FILES)
    asyncio.run(_serve_aiohttp(pipe))


async def _serve_aiohttp(pipe: Connection) -> None:
    app = web.Application()
    app.router.add_get("/", _hold)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        assert await asyncio.to_thread(pipe.recv) == "end"
    finally:
        await runner.cleanup()


async def _hold(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws
