"""News between nodes by the database's own notices: hints only, for the log is in the same database."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import asyncpg

from geoworks.config.settings import StoreTable
from geoworks.errors import StoreError
from geoworks.nodes import Followed, News
from geoworks.store.postgis.faults import DRIVER, translated
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL

_WRITTEN: Final = "geoworks_written"
_NUMBERED: Final = "geoworks_numbered"
_RETRY_S = 1.0
_CLOSE_S = 2.0

_log = logging.getLogger(__name__)


class PostgresBus:
    """A `geoworks.nodes.Bus` on LISTEN and NOTIFY, over one connection of its own.

    Notices are sent outside of transactions that write: those would wait for one another at their commit.
    """

    def __init__(self, settings: StoreTable) -> None:
        """Name the database; nothing is asked yet."""
        self._place = Place(settings)
        self._trouble = "not connected yet"
        self._due: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def trouble(self) -> str:
        """Return what keeps notices from passing; empty while they pass."""
        return self._trouble

    async def run(self, news: News) -> None:
        """Listen and send, on a new connection whenever the old one breaks, until cancelled."""
        while True:
            try:
                await self._serve(news)
            except StoreError as error:
                if not self._trouble:
                    _log.warning("nodes hear of news only when they look, until the database is back: %s", error)
                self._trouble = str(error)
            await asyncio.sleep(_RETRY_S * random.uniform(0.5, 1.0))  # noqa: S311 - spreads nodes, guards nothing

    def tell_written(self) -> None:
        """Say that something waits to be numbered."""
        self._tell(_WRITTEN)

    def tell_numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Say that the log goes on."""
        del epoch, changes
        self._tell(_NUMBERED)

    def _tell(self, channel: str) -> None:
        self._due.add(channel)
        self._wake.set()

    async def _serve(self, news: News) -> None:
        connection = await self._place.probe()
        try:
            with translated(self._place.name):
                await self._listen(connection, news)
                while not connection.is_closed():
                    await self._wake.wait()
                    self._wake.clear()
                    due, self._due = self._due, set()
                    for channel in due:
                        await connection.execute(SQL["notify"], channel)
        finally:
            with suppress(*DRIVER, asyncpg.InterfaceError):
                await connection.close(timeout=_CLOSE_S)

    async def _listen(self, connection: asyncpg.Connection, news: News) -> None:
        def heard(_: Any, pid: int, channel: str, __: object) -> None:  # noqa: ANN401 - asyncpg has no types
            if channel == _WRITTEN:
                news.written()
            elif pid != own:
                news.numbered("", ())

        own = connection.get_server_pid()
        connection.add_termination_listener(lambda _: self._wake.set())
        for channel in (_WRITTEN, _NUMBERED):
            await connection.add_listener(channel, heard)
        if self._trouble:
            _log.info("nodes hear of news by the database")
        self._trouble = ""
        # What was told while nobody listened.
        news.numbered("", ())
        news.written()
