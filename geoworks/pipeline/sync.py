"""Synchronisation by difference: read a source, compare, write what changed, and remember how it went."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import structs

from geoworks.clock import Clock
from geoworks.config.settings import Data
from geoworks.errors import GeoworksError, NotFound, ServiceStopping, StoreError
from geoworks.model.change import Key, Kind, Reason, Record
from geoworks.pipeline.chunk import chunks, worked_ahead
from geoworks.pipeline.desk import Desk
from geoworks.pipeline.draft import Draft
from geoworks.pipeline.plan import Guard
from geoworks.pipeline.sync_attempt import Attempt, make_plan, removing
from geoworks.pipeline.sync_report import SourceState, SourceStatus, SyncReport, tell_status
from geoworks.ports import Reading, Source, Store
from geoworks.state import State
from geoworks.tasks import Tasks

_COLLECTION = "sources"
_JITTER = 0.1

_log = logging.getLogger(__name__)


class Syncs:
    """All sources, how each stands, and the only way to synchronise them."""

    def __init__(
        self, sources: Iterable[Source], *, desk: Desk, state: State, store: Store, clock: Clock, data: Data
    ) -> None:
        """Synchronise into `desk`; call `load` before anything else."""
        self._sources = {source.name: source for source in sources}
        self._locks = {name: asyncio.Lock() for name in self._sources}
        self._states = {name: SourceState() for name in self._sources}
        self._desk = desk
        self._state = state
        self._store = store
        self._clock = clock
        self._keep_over = timedelta(days=data.keep_over_days)

    async def load(self) -> None:
        """Read from the store how each source stood when the process last ran."""
        for name, value in (await self._store.documents(_COLLECTION)).items():
            if name in self._sources:
                self._states[name] = msgspec.json.decode(value, type=SourceState)

    async def run(self) -> None:
        """Synchronise every source now and then at its interval, until cancelled."""
        async with Tasks() as group:
            for source in self._sources.values():
                if source.interval_s:
                    group.create_task(self._follow(source))

    async def sync(self, name: str, *, actor: str, dry_run: bool = False, upload: Path | None = None) -> SyncReport:
        """Read a source, or an uploaded file in its place, write what changed and return the report.

        A dry run writes nothing and remembers nothing.

        Raises:
            NotFound: no source has this name.
            SourceError: it cannot be reached or read; everything stays as it was.
            StoreError: the store could not write; what was written before stays, the next synchronisation goes on.

        """
        source = self._source(name)
        async with self._locks[name]:
            attempt = Attempt(source, actor=actor, started=self._clock.now(), dry_run=dry_run)
            try:
                report = await self._attempt(attempt, upload)
            except GeoworksError as error:
                # A bad upload or a bad rehearsal says nothing of how the source itself stands.
                if not dry_run and upload is None:
                    await self._note_failure(name, attempt.started, error)
                raise
            if not dry_run:
                state = self._states[name]
                await self._remember(
                    name,
                    structs.replace(
                        state, last_attempt=attempt.started, last_success=report.finished, error="", report=report
                    ),
                )
            return report

    async def release(self, name: str, *, actor: str) -> SyncReport:
        """Let a source remove again: take off the works whose removal waited; return the last report as it is now.

        Raises:
            NotFound: no source has this name, or it was never synchronised.
            StoreError: the store could not write.

        """
        async with self._locks[self._source(name).name]:
            report = self.report(name)
            removed = await self._remove(name, report.held, reason=Reason.WITHDRAWN, actor=actor)
            counts = structs.replace(report.counts, removed=report.counts.removed + removed, held=0)
            report = structs.replace(report, counts=counts, held=())
            await self._remember(name, structs.replace(self._states[name], on_hold=False, report=report))
            return report

    async def hold(self, name: str) -> SourceStatus:
        """Have every removal of a source wait for a person, from its next synchronisation until `release`.

        Raises:
            NotFound: no source has this name.
            StoreError: the store could not write.

        """
        async with self._locks[self._source(name).name]:
            await self._remember(name, structs.replace(self._states[name], on_hold=True))
            return self._status(name)

    def report(self, name: str) -> SyncReport:
        """Return the report of the last synchronisation that worked.

        Raises:
            NotFound: no source has this name, or it was never synchronised.

        """
        report = self._states[self._source(name).name].report
        if report is None:
            raise NotFound(f"the source {name!r} was not synchronised yet; POST /v1/sync/{name} does it now")
        return report

    def status(self) -> Sequence[SourceStatus]:
        """Return how every source stands now, in the order of the configuration."""
        return [self._status(name) for name in self._sources]

    async def _follow(self, source: Source) -> None:
        while True:
            try:
                report = await self.sync(source.name, actor=source.name)
            except ServiceStopping:
                return
            except GeoworksError as error:
                _log.warning("source %s was not synchronised: %s", source.name, error)
            else:
                _log.info("source %s: %s", source.name, report.counts)
            # Sources of one town often share a server: keep them from asking it all at once.
            spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret hangs on it
            await asyncio.sleep(source.interval_s * spread)

    async def _attempt(self, attempt: Attempt, upload: Path | None) -> SyncReport:
        source = attempt.source
        reading = await source.read(upload)
        try:
            return await self._take(attempt, reading)
        finally:
            await asyncio.to_thread(reading.close)

    async def _take(self, attempt: Attempt, reading: Reading) -> SyncReport:
        """Write what a reading changes."""
        source = attempt.source
        guard = Guard(source.removal_guard, attempt.started - self._keep_over, held=self._states[source.name].on_hold)
        entries = list(self._state.of_kind(Kind.WORKS))
        plan = await asyncio.to_thread(make_plan, reading, entries, source=source.name, guard=guard)
        attempt.began(reading, plan)
        async with aclosing(worked_ahead([*plan.changed, *plan.added], reading.map)) as mapping:
            async for chunk, mapped in mapping:
                edit = attempt.writing(chunk, mapped)
                attempt.wrote(edit(self._rehearsal()) if attempt.dry_run else await self._desk.submit(edit))
        if not attempt.dry_run:
            await self._remove(source.name, plan.expired, reason=Reason.EXPIRED, actor=attempt.actor)
            await self._remove(source.name, plan.removed, reason=Reason.WITHDRAWN, actor=attempt.actor)
        return attempt.report(plan, self._clock.now())

    def _rehearsal(self) -> Draft:
        """Return a draft that nobody writes."""

        def lookup(key: Key) -> Record | None:
            entry = self._state.get(key)
            return entry.record if entry else None

        return Draft(lookup, self._clock.now())

    async def _remove(self, source: str, ids: Sequence[str], *, reason: Reason, actor: str) -> int:
        removed = 0
        for chunk in chunks(ids):
            removed += await self._desk.submit(removing(source, chunk, reason=reason, actor=actor))
        return removed

    async def _note_failure(self, name: str, started: datetime, error: GeoworksError) -> None:
        state = structs.replace(self._states[name], last_attempt=started, error=str(error))
        try:
            await self._remember(name, state)
        except StoreError:
            # The error that is on its way up tells more; after a restart the source is asked anew anyway.
            _log.warning("the failure of source %s could not be stored", name)

    async def _remember(self, name: str, state: SourceState) -> None:
        self._states[name] = state
        await self._store.put_document(_COLLECTION, name, msgspec.json.encode(state))

    def _status(self, name: str) -> SourceStatus:
        interval_s = self._sources[name].interval_s
        return tell_status(name, self._states[name], interval_s=interval_s, now=self._clock.now())

    def _source(self, name: str) -> Source:
        if name not in self._sources:
            raise NotFound(f"no source is called {name[:40]!r}; config.toml names {', '.join(self._sources) or 'none'}")
        return self._sources[name]
