"""The photos of reports, kept beside them in the store as long as the report is.

A list of the reports that have photos is written before the first photo and dropped after the last, so whatever was
interrupted in between is found and cleared away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from geoworks.clock import Clock
from geoworks.errors import StoreError
from geoworks.model.report import Report
from geoworks.pipeline.draft import report_key
from geoworks.ports import Store
from geoworks.state import State

PHOTOS = "photos"
_LIST = "photo-lists"
_INTERVAL_S = 3600.0
# A report whose photos are on their way is no orphan yet.
_GRACE = timedelta(hours=1)

_log = logging.getLogger(__name__)


class _Listed(Struct, frozen=True):
    """How many photos a report may have in the store, and since when."""

    count: int
    since: datetime


class Album:
    """Writes, reads and clears away the photos of reports."""

    def __init__(self, store: Store, state: State, *, clock: Clock) -> None:
        """Keep photos in the documents of `store`; `state` tells which reports there are."""
        self._store = store
        self._state = state
        self._clock = clock

    @asynccontextmanager
    async def filing(self, report_id: str, photos: Sequence[bytes]) -> AsyncIterator[None]:
        """Write the photos of a report that the block files; they go again when it did not.

        Raises:
            StoreError: the photos could not be written.

        """
        cut_off = False
        try:
            await self._write(report_id, photos)
            yield
        except asyncio.CancelledError:
            # The report may still be written; if it is not, the sweep finds its photos.
            cut_off = True
            raise
        finally:
            if photos and not cut_off and self._state.get(report_key(report_id)) is None:
                await self.clear(report_id)

    async def read(self, report_id: str, number: int) -> bytes | None:
        """Return a photo, counted from 1, or None."""
        return await self._store.document(PHOTOS, _name(report_id, number))

    async def clear(self, report_id: str) -> None:
        """Erase the photos of a report, or leave it to the next sweep when the store cannot now."""
        try:
            listed = await self._store.document(_LIST, report_id)
            if listed is not None:
                await self._erase(report_id, msgspec.json.decode(listed, type=_Listed))
        except StoreError as error:
            _log.warning("the photos of a report are erased later: %s", error)

    async def run(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreError as error:
                _log.warning("photos were not cleared away, trying again later: %s", error)
            await asyncio.sleep(_INTERVAL_S)

    async def sweep(self) -> int:
        """Erase the photos whose report is gone, was withdrawn or never came; return of how many reports."""
        limit = self._clock.now() - _GRACE
        lists = {name: msgspec.json.decode(value, type=_Listed) for name, value in await self._lists()}
        orphans = {name: listed for name, listed in lists.items() if listed.since < limit and not self._has(name)}
        for name, listed in orphans.items():
            await self._erase(name, listed)
        return len(orphans)

    async def _lists(self) -> list[tuple[str, bytes]]:
        return list((await self._store.documents(_LIST)).items())

    def _has(self, report_id: str) -> bool:
        entry = self._state.get(report_key(report_id))
        return entry is not None and isinstance(entry.record.given, Report) and entry.record.given.photos > 0

    async def _write(self, report_id: str, photos: Sequence[bytes]) -> None:
        if photos:
            listed = _Listed(len(photos), self._clock.now())
            await self._store.put_document(_LIST, report_id, msgspec.json.encode(listed))
        for number, photo in enumerate(photos, 1):
            await self._store.put_document(PHOTOS, _name(report_id, number), photo)

    async def _erase(self, report_id: str, listed: _Listed) -> None:
        for number in range(1, listed.count + 1):
            await self._store.put_document(PHOTOS, _name(report_id, number), None)
        await self._store.put_document(_LIST, report_id, None)


def _name(report_id: str, number: int) -> str:
    return f"{report_id}/{number}"
