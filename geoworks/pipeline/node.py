"""One of many processes that serve a town from a shared store: what it hears, whether it leads, what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from geoworks.clock import Clock
from geoworks.config.nodes import NodeRole, NodeTable
from geoworks.nodes import Bus, SharedStore
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.follow import LogFollower
from geoworks.pipeline.ledger import SharedLedger
from geoworks.pipeline.rejoin import ZoneKeeper
from geoworks.pipeline.relay import Duty, Leadership, Relay
from geoworks.state import State
from geoworks.supervisor import Work, background, supervised


class Node:
    """The parts of a process that are there because others write the same town."""

    def __init__(self, state: State, store: SharedStore, bus: Bus, *, settings: NodeTable) -> None:
        """Follow the log of `store` with `state`, and hear and tell by `bus`."""
        self.follower = LogFollower(state, store, poll_s=settings.poll_s)
        self.ledger = SharedLedger(store, self.follower, bus)
        self.leadership = Leadership(state, store)
        self._relay = Relay(state, store, self.follower, bus)
        self._state = state
        self._store = store
        self._bus = bus
        self._settings = settings

    async def load(self) -> None:
        """Rebuild the state from the store; what is ahead of the log there comes once more when it is numbered."""
        async for features in self._store.standing():
            self._state.stand((feature.record, feature.revision) for feature in features)

    async def zones_moved(self) -> int:
        """Return the offset after which the zones have been as they are."""
        return await self._store.zones_moved()

    @asynccontextmanager
    async def running(self, zones: ZoneKeeper, deriver: Deriver, clock: Clock, duty: Duty) -> AsyncIterator[None]:
        """Hear, follow and, where the role allows it, lead with `duty` until the block ends."""
        works: dict[str, Work] = {"log": self.follower.run}
        if self._settings.role is not NodeRole.GATEWAY:
            works["lead"] = partial(self.leadership.run, partial(self._relay.run, zones, deriver, clock), duty)
        async with background(works), supervised({"bus": partial(self._bus.run, self.follower), "zones": zones.run}):
            yield

    async def tend(self, works: Mapping[str, Work]) -> None:
        """Keep works going whenever this node leads, until cancelled."""
        await self.leadership.tend(works)

    def alarms(self) -> Sequence[str]:
        """Return what somebody should look after, each with its mend."""
        outlook, settings = self.follower.outlook, self._settings
        found = [self._bus.trouble] if self._bus.trouble else []
        if outlook is None:
            return found
        if outlook.waiting_s > settings.lag_alarm_s:
            found.append(
                f"{outlook.waiting} changes wait to be numbered, the oldest for {outlook.waiting_s:.0f} s: see that a "
                "worker runs and that no transaction is left open on the database server"
            )
        if outlook.transaction_s > settings.lag_alarm_s:
            found.append(
                f"a transaction on the database server has been writing for {outlook.transaction_s:.0f} s and holds up "
                "the log: end it (pg_stat_activity)"
            )
        if abs(outlook.clock_ahead_s) > settings.clock_alarm_s:
            found.append(
                f"this node's clock is {outlook.clock_ahead_s:+.1f} s off the database server's: let both follow NTP"
            )
        return found
