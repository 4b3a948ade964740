"""The connections that read: as many as the pool may have, and a bounded wait for a free one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import asyncpg

from geoworks.errors import StoreBusy
from geoworks.store.postgis.faults import DRIVER, is_cut, translated
from geoworks.store.postgis.place import Place

T = TypeVar("T")
_CLOSE_S = 5.0


class Readers:
    """A pool of connections that read."""

    def __init__(self, place: Place, pool: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        """Take over an open pool."""
        self._place = place
        self._pool = pool
        # Counted here: in the driver's own queue a wait for the server and one for another reader look the same.
        self._free = asyncio.Semaphore(place.settings.pool_size)

    @classmethod
    async def open(cls, place: Place, postgis_schema: str) -> Self:
        """Stand ready; connections are made when they are needed.

        Raises:
            StoreError: the address is none.

        """
        with translated(place.name):
            return cls(place, await place.pool(postgis_schema))

    async def close(self) -> None:
        """Let readers finish, and disconnect."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def read(self, reading: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Return what a reading gives; once more on another connection when the first proves to be dead.

        Raises:
            StoreBusy: every connection is in use.
            StoreError: the server cannot be reached or cannot answer.

        """
        await self._take()
        try:
            with translated(self._place.name):
                try:
                    return await self._ask(reading)
                except (*DRIVER, asyncpg.InterfaceError) as error:
                    if not is_cut(error) or isinstance(error, TimeoutError):
                        raise
                return await self._ask(reading)
        finally:
            self._free.release()

    async def _ask(self, reading: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async with self._pool.acquire() as connection:
            try:
                return await reading(connection)
            except asyncpg.InternalClientError:
                # Nothing can be asked on it any more, and nobody else shall.
                connection.terminate()
                raise

    async def _take(self) -> None:
        wait_s, size = self._place.settings.acquire_timeout_s, self._place.settings.pool_size
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreBusy(
                f"{self._place.name}: all {size} connections were in use for {wait_s:g} s: raise store.pool_size, or "
                "look for what slows the server down"
            ) from error
