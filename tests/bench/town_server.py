"""A whole town in a process of its own, which writes when it is told and knows how long its loop stood still."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from msgspec import Struct, structs
from yarl import URL

from geoworks.app import keep_current, open_doors, open_town
from geoworks.config.settings import Data, MapsTable, Server, Settings, Stream
from geoworks.memory import rarely_collected
from geoworks.town import Town
from geoworks.web.turns import new_event_loop
from tests.bench import returning
from tests.bench.cores import SERVER_CORE, on_core
from tests.bench.listeners import WAIT_S, receive

_BEAT_S = 0.005
_MOST = 1_000_000


class Write(Struct, frozen=True):
    """An order: write these works, with a pause after each, or all at once."""

    numbers: tuple[int, ...]
    is_first: bool = False
    pause_s: float = 0.0


class TownServer:
    """The process, spoken with by a pipe."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        """Wait until it listens."""
        self._process = process
        self._pipe = pipe
        port = receive(pipe)
        assert isinstance(port, int)
        self.port = port

    def write(self, order: Write) -> str:
        """Have works written; return the cursor after them."""
        self.begin(order)
        return self.ended()

    def begin(self, order: Write) -> None:
        """Have works written meanwhile."""
        self._pipe.send(order)

    def ended(self) -> str:
        """Wait until all are written; return the cursor after them."""
        cursor = receive(self._pipe)
        assert isinstance(cursor, str)
        return cursor

    def stall_s(self) -> float:
        """Return the longest time its loop stood still since it was last asked."""
        self._pipe.send("stall")
        stall_s = receive(self._pipe)
        assert isinstance(stall_s, float)
        return stall_s

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(WAIT_S)


@contextmanager
def town_server(folder: Path) -> Iterator[TownServer]:
    """Serve the town in a folder, on the server's core, until the block ends."""
    spawn = get_context("spawn")
    pipe, far = spawn.Pipe()
    process = spawn.Process(target=serve_town, args=(far, folder), daemon=True)
    with on_core(SERVER_CORE):
        process.start()
    server = TownServer(process, pipe)
    try:
        yield server
    finally:
        if process.is_alive():
            server.kill()


def serve_town(pipe: Connection, folder: Path) -> None:
    """Serve a town until the pipe says no more."""
    # Clients that only take note give no signs of life.
    stream = Stream(connections_per_address=_MOST, heartbeat_s=5.0, pong_s=86_400.0)
    settings = structs.replace(
        Settings(),
        data=Data(dir=str(folder)),
        server=Server(port=0, requests_per_minute=_MOST),
        stream=stream,
        maps=MapsTable(enabled=False),
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(pipe, settings))


async def _serve(pipe: Connection, settings: Settings) -> None:
    async with (
        open_town(settings, sources=[]) as town,
        open_doors(town) as address,
        keep_current(town),
        rarely_collected(town.hub.counters),
    ):
        pipe.send(URL(address).port)
        async with asyncio.TaskGroup() as tasks:
            watch = _LoopWatch()
            watching = tasks.create_task(watch.run())
            while (order := await asyncio.to_thread(pipe.recv)) != "end":
                if order == "stall":
                    pipe.send(watch.take_s())
                else:
                    tasks.create_task(_write(town, order, pipe))
            watching.cancel()


async def _write(town: Town, order: Write, pipe: Connection) -> None:
    edit = returning.first if order.is_first else returning.later
    async with asyncio.TaskGroup() as tasks:
        for number in order.numbers:
            tasks.create_task(town.desk.submit(edit(number)))
            await asyncio.sleep(order.pause_s)
    pipe.send(str(town.state.cursor))


class _LoopWatch:
    """Wakes up every few milliseconds and notes how late."""

    def __init__(self) -> None:
        self._longest_s = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            begin = time.monotonic()
            await asyncio.sleep(_BEAT_S)
            self._longest_s = max(self._longest_s, time.monotonic() - begin - _BEAT_S)

    def take_s(self) -> float:
        """Return the longest delay since it was last taken."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s
