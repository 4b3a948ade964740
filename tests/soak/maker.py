"""Makes the faults of a town of many nodes, for real, and repairs them."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager

import asyncpg
from yarl import URL

from tests.soak.fault import OF_NATS, Fault
from tests.soak.fleet import GATEWAYS, WORKERS, Fleet
from tests.soak.halt import halted
from tests.soak.relay import How
from tests.store.disks import filled

_SLOW = 16
_LEADS_S = 60
_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1 "
    "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
)


class FaultMaker:
    """Hurts a fleet, one fault at a time; when `make` returns it is repaired."""

    def __init__(self, fleet: Fleet, luck: random.Random) -> None:
        """Begin with nothing hurt."""
        self._fleet = fleet
        self._luck = luck
        self._makers: Mapping[Fault, Callable[[float], Awaitable[None]]] = {
            Fault.GATEWAY_KILLED: self._kill_gateway,
            Fault.LEADER_KILLED: self._kill_leader,
            Fault.NATS_KILLED: self._kill_nats,
            Fault.POSTGRES_KILLED: self._kill_postgres,
            Fault.GATEWAY_STOPPED: self._stop_gateway,
            Fault.LEADER_STOPPED: self._stop_leader,
            Fault.NATS_STOPPED: self._stop_nats,
            Fault.POSTGRES_STOPPED: self._stop_postgres,
            Fault.DISK_FULL: self._fill_disk,
            Fault.NATS_CUT: self._cut_nats,
            Fault.TWO_LEADERS: self._two_leaders,
            Fault.SLOW_WRITERS: self._write_slowly,
            Fault.UPGRADED: self._upgrade,
        }

    @property
    def possible(self) -> Collection[Fault]:
        """Return the faults that can be made here."""
        out = [] if self._fleet.nats else list(OF_NATS)
        out += [] if self._fleet.disk else [Fault.DISK_FULL]
        return [fault for fault in Fault if fault not in out]

    async def make(self, fault: Fault, seconds: float) -> None:
        """Make a fault, and repair it after so many seconds."""
        await self._makers[fault](seconds)

    async def _kill_gateway(self, seconds: float) -> None:
        await self._kill(self._luck.choice(GATEWAYS), seconds)

    async def _kill_leader(self, seconds: float) -> None:
        await self._kill(await self._fleet.leader(), seconds)

    async def _kill(self, name: str, seconds: float) -> None:
        await self._fleet.kill(name)
        await asyncio.sleep(seconds)
        await self._fleet.start(name)

    async def _kill_nats(self, seconds: float) -> None:
        assert self._fleet.nats
        await asyncio.to_thread(self._fleet.nats.kill)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._fleet.nats.start)

    async def _kill_postgres(self, seconds: float) -> None:
        await asyncio.to_thread(self._fleet.server.stop, signal.SIGKILL)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._fleet.server.start)

    async def _stop_gateway(self, seconds: float) -> None:
        with halted(self._fleet.pid(self._luck.choice(GATEWAYS))):
            await asyncio.sleep(seconds)

    async def _stop_leader(self, seconds: float) -> None:
        with halted(self._fleet.pid(await self._fleet.leader())):
            await asyncio.sleep(seconds)

    async def _stop_nats(self, seconds: float) -> None:
        assert self._fleet.nats
        with halted(self._fleet.nats.pid):
            await asyncio.sleep(seconds)

    async def _stop_postgres(self, seconds: float) -> None:
        with halted(self._fleet.server.pid):
            await asyncio.sleep(seconds)

    async def _fill_disk(self, seconds: float) -> None:
        """Leave no room; a server that ended for want of it is started again by whoever made room."""
        assert self._fleet.disk
        with filled(self._fleet.disk):
            await asyncio.sleep(seconds)
        if not self._fleet.server.is_running:
            await asyncio.to_thread(self._fleet.server.start)

    async def _cut_nats(self, seconds: float) -> None:
        assert self._fleet.nats
        assert self._fleet.nats_way
        self._fleet.nats_way.upstream.base = None
        self._fleet.nats_way.cut(How.RESET)
        await asyncio.sleep(seconds)
        self._fleet.nats_way.upstream.base = URL(self._fleet.nats.url)

    async def _two_leaders(self, seconds: float) -> None:
        """Take the lead from a worker that stands still, and wake it up: it does not know yet."""
        fleet = self._fleet
        old = await fleet.leader()
        new = next(name for name in WORKERS if name != old)
        with halted(fleet.pid(old)):
            connection = await asyncpg.connect(fleet.dsn)
            try:
                await connection.execute(_TERMINATE, f"% process {fleet.pid(old)}")
            finally:
                await connection.close()
            async with asyncio.timeout(_LEADS_S):
                while not await fleet.leads(new):  # noqa: ASYNC110 - it is in another process
                    await asyncio.sleep(0.1)
            await asyncio.sleep(seconds)

    async def _write_slowly(self, seconds: float) -> None:
        async with _slow_writers(self._fleet.dsn, self._luck):
            await asyncio.sleep(seconds)

    async def _upgrade(self, seconds: float) -> None:
        """Upgrade one after the other, under load, workers first; so much of the time passes after each."""
        names = (*WORKERS, *GATEWAYS)
        for name in names:
            await self._fleet.terminate(name)
            await self._fleet.start(name)
            await asyncio.sleep(seconds / len(names))


@asynccontextmanager
async def _slow_writers(dsn: str, luck: random.Random) -> AsyncIterator[None]:
    """Hold transactions open that have a number and have written, while the block lasts."""
    first = await asyncpg.connect(dsn)
    await first.execute("CREATE TABLE IF NOT EXISTS public.soak_slow (text text)")
    await first.close()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_write_on(dsn, random.Random(luck.random()))) for _ in range(_SLOW)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _write_on(dsn: str, luck: random.Random) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        while True:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SELECT pg_current_xact_id()")
            await connection.execute("INSERT INTO public.soak_slow VALUES ('slow')")
            await asyncio.sleep(luck.uniform(0.05, 2))
            await (transaction.commit() if luck.random() < 0.5 else transaction.rollback())
    finally:
        connection.terminate()
