"""What the leader among many nodes does: it numbers what all of them wrote, and hands it on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeAlias

from msgspec.structs import replace

from geoworks.clock import Clock
from geoworks.errors import LeadLost, ServiceStopping, StoreError, StoreUnusable
from geoworks.model.change import Kind, Reason
from geoworks.nodes import Bus, SharedStore, Waiting
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.draft import Wish
from geoworks.pipeline.follow import LogFollower
from geoworks.pipeline.rejoin import ZoneKeeper
from geoworks.state import State
from geoworks.supervisor import Work, background, supervised

Duty: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]

_LIMIT = 500
# A written change is heard of at once; this is for what the bus lost.
_POLL_S = 0.25
_RETRY_S = 0.5

_log = logging.getLogger(__name__)


class Relay:
    """Numbers what waits, and tells it to this node and by the bus to the others."""

    def __init__(self, state: State, store: SharedStore, follower: LogFollower, bus: Bus) -> None:
        """Give the offsets in `store`; `follower` moves `state`."""
        self._state = state
        self._store = store
        self._follower = follower
        self._bus = bus
        self._written = asyncio.Event()
        follower.on_written = self._written.set

    async def run(self, zones: ZoneKeeper, deriver: Deriver, clock: Clock) -> None:
        """Give offsets to what waits, until cancelled; what was joined with zones that moved since is joined again.

        Raises:
            LeadLost: another node numbers.
            StoreError: the store cannot be reached.

        """
        rejoining = _Rejoining(self._store, zones, deriver, clock)
        while True:
            self._written.clear()
            while await self._number(zones) and await rejoining.rejoin():
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._written.wait()

    async def _number(self, zones: ZoneKeeper) -> bool:
        """Give numbers as far as that goes; tell whether something has to be joined again before the next."""
        while True:
            numbered = await self._store.number(zones_at=zones.moved_at, limit=_LIMIT)
            if numbered.changes:
                epoch = self._state.cursor.epoch
                self._bus.tell_numbered(epoch, numbered.changes)
                # The bus first: others need not wait until this node has taken them.
                await asyncio.sleep(0)
                self._follower.numbered(epoch, numbered.changes)
                # Zones that move must have moved here before what is behind them is looked at.
                await self._follower.take()
            # What comes later is told of; what waits because zones move has its turn now.
            if len(numbered.changes) < _LIMIT and not (numbered.changes and numbered.stopped):
                return numbered.stopped


class _Rejoining:
    """Joins again what waits and was joined with old zones."""

    def __init__(self, store: SharedStore, zones: ZoneKeeper, deriver: Deriver, clock: Clock) -> None:
        self._store = store
        self._zones = zones
        self._deriver = deriver
        self._clock = clock

    async def rejoin(self) -> bool:
        """Join again what stands before the log's next number; false when nothing does."""
        moved_at = self._zones.moved_at
        waiting = await self._store.waiting(limit=_LIMIT)
        stale = [one for one in waiting if one.zones_at < moved_at and one.key.kind is not Kind.ZONE and one.record]
        if not stale:
            return False
        if self._deriver.zones_at < moved_at:
            await self._zones.refresh()
        wishes = [Wish(key=one.key, before=None, after=one.record, reason=Reason.REJOINED) for one in stale]
        joined = await self._deriver.derive(wishes, self._clock.now())
        fresh = [_joined(one, wish, at=moved_at) for one, wish in zip(stale, joined, strict=True)]
        await self._store.rejoined(fresh)
        return True


class Leadership:
    """Leads when no other node does, as long as it can; `run` must be running."""

    def __init__(self, state: State, store: SharedStore) -> None:
        """Ask `store` whether this node may lead from where `state` stands."""
        self._state = state
        self._store = store
        self._leads = asyncio.Event()
        self._lost = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Tell whether this node leads and its duty has begun."""
        return self._leads.is_set()

    async def run(self, relay: Work, duty: Duty) -> None:
        """Stand by, and lead with `relay` and `duty` running whenever this node may, until cancelled or it stops.

        Raises:
            StoreUnusable: history was lost; this node has to begin anew.

        """
        while True:
            try:
                if await self._store.lead(self._state.cursor):
                    await self._lead(relay, duty)
            except LeadLost as error:
                _log.warning("this node leads no more: %s", error)
            except ServiceStopping:
                # It stops while the duty begins, which writes.
                return
            except StoreUnusable:
                raise
            except StoreError as error:
                _log.warning("this node cannot lead, trying again: %s", error)
            await asyncio.sleep(_RETRY_S)

    async def tend(self, works: Mapping[str, Work]) -> None:
        """Keep works going whenever this node leads, until cancelled."""
        while True:
            await self._leads.wait()
            async with supervised(works):
                await self._lost.wait()

    async def _lead(self, relay: Work, duty: Duty) -> None:
        _log.info("this node leads: it numbers the log and does what one node does for all")
        try:
            async with background({"relay": relay}), duty(), self._leading():
                await asyncio.Event().wait()
        except ExceptionGroup as several:
            raise _gravest(several) from several

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[None]:
        self._lost.clear()
        self._leads.set()
        try:
            yield
        finally:
            self._leads.clear()
            self._lost.set()


def _gravest(several: ExceptionGroup[Exception]) -> Exception:
    """Return one error for those of relay and duty, which may lose the store in the same moment."""
    others, unusable = several.split(StoreError)[1], several.subgroup(StoreUnusable)
    return others or (unusable or several).exceptions[0]


def _joined(one: Waiting, wish: Wish, *, at: int) -> Waiting:
    return replace(one, record=wish.after, zones_at=at)
