"""A connection that writes: its transactions come one after the other, and it is made anew when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg
from msgspec import Struct

from geoworks.errors import StoreBusy
from geoworks.store.postgis.faults import DRIVER, Cut, CutDuringCommit, is_cut, is_unasked, translated
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL

T = TypeVar("T")
Task: TypeAlias = Callable[[asyncpg.Connection], Awaitable[T]]
Frame: TypeAlias = Callable[[asyncpg.Connection], AbstractAsyncContextManager[None]]

_CLOSE_S = 5.0
_CANCEL_S = 1.0
# The server notices at once that a process died, if it is on the same network and not too busy.
_PATIENCE_S = 2.0
_STEP_S = 0.1


class Lock(Struct, frozen=True):
    """A lock of the server that goes with the connection: shared with others who share it, or held alone.

    Where it is not `needed`, the connection is used without it, and `Writer.locked` tells.
    """

    number: int
    shared: bool = False
    needed: bool = True


# "gwks" and two: shared by the nodes of a town, held alone by what may have nobody beside it.
TOWN_LOCK: Final = 0x67776B75


class Writer:
    """Runs tasks, each in a transaction; what it began it finishes, also when the caller goes away."""

    def __init__(self, place: Place, postgis_schema: str, *, lock: Lock) -> None:
        """Stand ready for `open`."""
        self._place = place
        self._postgis_schema = postgis_schema
        self._lock = lock
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._connection: asyncpg.Connection | None = None
        self._locked = False
        self.connections = 0

    async def open(self) -> None:
        """Connect and take the lock; another process that has just ended is waited for a moment.

        Raises:
            StoreBusy: another process has the lock.
            StoreError: the server cannot be reached.

        """
        try:
            await self._connected()
        except StoreBusy:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was begun, and disconnect."""
        while self._running:
            await asyncio.wait(self._running)
        if self._connection is not None:
            with suppress(*DRIVER, asyncpg.InterfaceError):
                await self._connection.close(timeout=_CLOSE_S)

    async def finished(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call gives when it is its turn; it goes on to its end when the caller is cancelled."""
        task = asyncio.ensure_future(self._in_turn(call))
        # Kept, or it could be collected while it runs; `close` waits for it.
        self._running.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    async def repeatable(self, task: Task[T], *, is_single: bool = False) -> T:
        """Run a task that may be done twice without harm, in its turn.

        Raises:
            StoreError: it was not done, or nobody knows.

        """
        return await self.finished(lambda: self.attempt(task, repeatable=True, is_single=is_single))

    async def attempt(self, task: Task[T], *, repeatable: bool = False, check: str = "", is_single: bool = False) -> T:
        """Run a task in a transaction; once more on a new connection when the old one proves to be dead.

        Call it in turn (`finished`). `check` is a statement that goes with the COMMIT, which is not made if it fails.
        Where each exchange of a task may stand for itself (`is_single`) the server makes a transaction of it.

        Raises:
            CutDuringCommit: nobody knows whether it is done.
            StoreError: it is not.

        """
        frame = _exchange if is_single else partial(_transaction, check=check)
        with translated(self._place.name):
            for again in (False, True):
                try:
                    return await self._transact(task, frame)
                except Cut as cut:
                    # What took too long would do so again.
                    if again or isinstance(cut.__cause__, TimeoutError):
                        raise
                except CutDuringCommit as cut:
                    if not repeatable:
                        raise
                    if again:
                        raise Cut from cut.__cause__
        raise AssertionError

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Looked at, for its caller may have gone; asyncio would tell of an error that nobody heard of.
            task.exception()

    async def _in_turn(self, call: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            return await call()

    async def _transact(self, task: Task[T], frame: Frame) -> T:
        connection = await self._connected()
        try:
            async with frame(connection):
                return await task(connection)
        except (Cut, CutDuringCommit):
            # Nothing more is asked of it: what it still does, it does before its lock on the head is let go.
            connection.terminate()
            raise

    async def locked(self) -> bool:
        """Tell whether the lock is held, and take it if it is free; call it in turn (`finished`)."""
        await self._connected()
        return self._locked

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._locked = False
            self._connection = await self._place.connect(self._postgis_schema)
            self.connections += 1
        if not self._locked:
            with translated(self._place.name):
                await self._take_lock(self._connection)
        return self._connection

    async def _take_lock(self, connection: asyncpg.Connection) -> None:
        take = SQL["share_lock" if self._lock.shared else "take_lock"]
        clock = asyncio.get_running_loop()
        # After a cut the server may not have noticed yet that the old connection, which has it, is gone.
        patience = clock.time() + _PATIENCE_S * self._lock.needed
        while not (await connection.fetchval(take, self._lock.number)):
            if clock.time() >= patience:
                if self._lock.needed:
                    holder = await connection.fetchval(SQL["holder"], self._lock.number) or "another process"
                    raise StoreBusy(f"{holder} uses {self._place.name}: stop it there first")
                return
            await asyncio.sleep(_STEP_S)
        self._locked = True


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection, check: str) -> AsyncIterator[None]:
    """Make all that the block writes durable, or none of it.

    Raises:
        Cut: the connection broke in the block; nothing was written.
        CutDuringCommit: it broke when the commit had been asked for.

    """
    try:
        await connection.execute("BEGIN")
        yield
    except Exception as error:
        if is_cut(error) or connection.is_closed():
            raise Cut from error
        await _roll_back(connection)
        raise
    try:
        await connection.execute(f"{check}\nCOMMIT")
    except Exception as error:
        if is_cut(error) or connection.is_closed():
            raise CutDuringCommit from error
        await _roll_back(connection)
        raise


@asynccontextmanager
async def _exchange(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Have the server commit what the block asks for before it answers.

    Raises:
        Cut: the connection was broken before it was asked.
        CutDuringCommit: it broke then.

    """
    # A server that went away meanwhile is heard of before it is asked.
    await asyncio.sleep(0)
    try:
        yield
    except Exception as error:
        if is_unasked(error):
            raise Cut from error
        if isinstance(error, TimeoutError):
            await _given_up(connection)
        if is_cut(error) or connection.is_closed():
            raise CutDuringCommit from error
        raise


async def _given_up(connection: asyncpg.Connection) -> None:
    """Wait a moment until the server has given up what took too long, or it would go on with it by itself."""
    with suppress(*DRIVER, asyncpg.InterfaceError):
        # The driver has asked the server to cancel it, and lets nothing pass before that is answered.
        await connection.execute("SELECT", timeout=_CANCEL_S)


async def _roll_back(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (*DRIVER, asyncpg.InterfaceError):
        connection.terminate()
