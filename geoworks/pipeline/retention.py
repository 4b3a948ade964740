"""What is over does not stay for ever: ended works leave the current features, old log entries are dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from geoworks.clock import Clock
from geoworks.config.settings import Data
from geoworks.errors import ServiceStopping, StoreError
from geoworks.model.change import Key, Kind, Reason
from geoworks.model.works import Works
from geoworks.pipeline.chunk import chunks
from geoworks.pipeline.desk import Desk, Edit
from geoworks.pipeline.draft import Draft
from geoworks.ports import Store
from geoworks.state import Entry, State

_INTERVAL_S = 3600.0

_log = logging.getLogger(__name__)


class Retention:
    """Drops what is long over. The history of works (all versions) stays, that of reports goes with them.

    Works of a synchronised source are left alone: they go when the source no longer lists them, else the next
    synchronisation would bring them back.
    """

    def __init__(self, state: State, desk: Desk, store: Store, *, data: Data, clock: Clock, synced: set[str]) -> None:
        """Keep what `data` says; `synced` are the names of the sources that are synchronised."""
        self._state = state
        self._desk = desk
        self._store = store
        self._data = data
        self._clock = clock
        self._synced = synced

    async def run(self) -> None:
        """Clean up now and every hour, until cancelled."""
        while True:
            try:
                await self.clean()
            except ServiceStopping:
                return
            except StoreError as error:
                _log.warning("nothing was cleaned up, trying again later: %s", error)
            await asyncio.sleep(_INTERVAL_S)

    async def clean(self) -> None:
        """Drop the features that are over for too long, then the log entries nobody may resume from."""
        now = self._clock.now()
        gone = self._long_over(now - timedelta(days=self._data.keep_over_days))
        for chunk in chunks(gone):
            await self._desk.submit(_remove(chunk))
        await self._store.prune(changes_before=now - timedelta(days=self._data.keep_log_days), now=now)

    def _long_over(self, limit: datetime) -> list[Key]:
        entries = (entry for kind in (Kind.WORKS, Kind.REPORT) for entry in self._state.of_kind(kind))
        return [entry.record.key for entry in entries if self._is_long_over(entry, limit)]

    def _is_long_over(self, entry: Entry, limit: datetime) -> bool:
        record = entry.record
        return (
            not entry.keys.visible
            and bool(entry.body)
            and record.updated < limit
            and record.source not in self._synced
            and _ended(entry) < limit
        )


def _ended(entry: Entry) -> datetime:
    """Return when a feature that is over ended, as far as it is told."""
    given = entry.record.given
    if not isinstance(given, Works):
        return entry.record.updated
    return given.cancelled_at or given.schedule.actual_end or given.schedule.end or entry.record.updated


def _remove(keys: Sequence[Key]) -> Edit[None]:
    def remove(draft: Draft) -> None:
        for key in keys:
            # What citizens wrote is kept no longer than it is of use; the history of works is the town's memory.
            draft.remove(key, reason=Reason.EXPIRED, forget=key.kind is Kind.REPORT)

    return remove
