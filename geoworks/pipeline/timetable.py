"""The clock's writes: works begin, pause, resume and end because time passes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from datetime import datetime

from geoworks.clock import Clock
from geoworks.errors import ServiceStopping, StoreError
from geoworks.model.change import Kind
from geoworks.model.works import WorksDerived
from geoworks.pipeline.chunk import chunks
from geoworks.pipeline.desk import Desk, Edit
from geoworks.pipeline.draft import Draft, works_key
from geoworks.state import Entry, Published, State

# The wall clock may be set while we sleep: look at it at least this often.
_LONGEST_SLEEP_S = 30.0
_RETRY_S = 1.0


class Timetable:
    """Touches each works at the moment its status changes by itself."""

    def __init__(self, state: State, desk: Desk, clock: Clock) -> None:
        """Follow the works of `state` by `clock`."""
        self._state = state
        self._desk = desk
        self._clock = clock
        self._due: list[tuple[datetime, str]] = []
        self._sooner = asyncio.Event()

    def load(self) -> None:
        """Take up every works of the state; for start-up."""
        self._due = [due for entry in self._state.of_kind(Kind.WORKS) if (due := _due(entry))]
        heapq.heapify(self._due)

    def follow(self, published: Sequence[Published]) -> Edit[None] | None:
        """Note the next transition of every works that changed (a desk follower)."""
        for item in published:
            due = _due(item.entry) if item.entry and item.change.key.kind is Kind.WORKS else None
            if due:
                heapq.heappush(self._due, due)
                self._sooner.set()
        return None

    async def tick(self) -> int:
        """Touch every works whose transition has come, in chunks; return how many were due."""
        ids = self._take_due(self._clock.now())
        for chunk in chunks(ids):
            await self._touch(chunk)
        return len(ids)

    async def run(self) -> None:
        """Follow the clock until cancelled."""
        while True:
            await self.tick()
            self._sooner.clear()
            try:
                # Not `wait_for`: until Python 3.12 it swallows a cancellation that comes with the news.
                async with asyncio.timeout(self._sleep_s()):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    def _take_due(self, now: datetime) -> list[str]:
        ids: dict[str, None] = {}
        while self._due and self._due[0][0] <= now:
            moment, id_ = heapq.heappop(self._due)
            entry = self._state.get(works_key(id_))
            # An entry of the heap is out of date when the works has another transition by now.
            if entry is not None and _due(entry) == (moment, id_):
                ids[id_] = None
        return list(ids)

    async def _touch(self, ids: Sequence[str]) -> None:
        def touch(draft: Draft) -> None:
            for id_ in ids:
                draft.touch(works_key(id_))

        while True:
            try:
                await self._desk.submit(touch)
            except ServiceStopping:
                return
            except StoreError:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _sleep_s(self) -> float:
        if not self._due:
            return _LONGEST_SLEEP_S
        wait_s = (self._due[0][0] - self._clock.now()).total_seconds()
        return min(max(wait_s, 0.0), _LONGEST_SLEEP_S)


def _due(entry: Entry) -> tuple[datetime, str] | None:
    derived = entry.record.derived
    if not isinstance(derived, WorksDerived) or derived.next_transition is None:
        return None
    return derived.next_transition, entry.record.key.id
