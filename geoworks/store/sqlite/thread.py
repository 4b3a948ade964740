"""A thread that owns a database connection: the only one that touches it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from geoworks.store.sqlite.faults import translated

T = TypeVar("T")


class ConnectionThread:
    """Runs tasks on its connection one after the other; when `bound` of them wait, further callers wait to queue."""

    def __init__(self, path: Path, *, bound: int) -> None:
        """Stand ready for `open`; `path` is the database the tasks are about."""
        self._path = path
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="geoworks-store")
        self._room = asyncio.Semaphore(bound)
        self._connection: sqlite3.Connection

    @classmethod
    async def open(cls, path: Path, connect: Callable[[], sqlite3.Connection], *, bound: int) -> Self:
        """Start the thread and connect in it.

        Raises:
            StoreError: the database cannot be opened.

        """
        thread = cls(path, bound=bound)
        try:
            await thread._submit(lambda: thread._connect(connect))
        except BaseException:
            thread._pool.shutdown()
            raise
        return thread

    async def run(self, task: Callable[[sqlite3.Connection], T]) -> T:
        """Return what a task gives on the connection, after all tasks before it.

        Raises:
            StoreError: the database failed; the task's transaction left nothing behind.

        """
        async with self._room:
            return await self._submit(lambda: task(self._connection))

    async def close(self) -> None:
        """Finish the tasks that wait, then disconnect."""
        await self._submit(self._connection.close)
        self._pool.shutdown()

    async def _submit(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._translated, call)

    def _translated(self, call: Callable[[], T]) -> T:
        with translated(self._path):
            return call()

    def _connect(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connection = connect()
