"""One of many processes that serve a town from a shared store: what it hears, whether it leads, what is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from msgspec import Struct

from geoworks.clock import Clock
from geoworks.config.nodes import NodeRole, NodeTable
from geoworks.errors import StoreError
from geoworks.nodes import Bus, Outlook, SharedStore
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.follow import LogFollower
from geoworks.pipeline.ledger import SharedLedger
from geoworks.pipeline.rejoin import ZoneKeeper
from geoworks.pipeline.relay import Duty, Leadership, Relay
from geoworks.state import State
from geoworks.supervisor import Work, background, supervised

# So long a client that knocks waits for this node to come as far as the log.
_CURRENT_S = 2.0

_log = logging.getLogger(__name__)


class Alarm(Struct, frozen=True):
    """What somebody should look after: `bus`, `lag`, `transaction`, `clock` or `release`, and how to mend it."""

    code: str
    message: str


class NodeStatus(Struct, frozen=True, kw_only=True):
    """How this node stands among those that serve the town.

    `leader` names the node that numbers the log, `leads` tells whether it is this one. `waiting` changes have no number
    yet, the oldest for `waiting_s`; `transaction_s` is the age of the oldest transaction that writes on the database
    server, `clock_ahead_s` how far this node's clock is ahead of the server's. `alarms` say what somebody should look
    after.
    """

    name: str
    role: NodeRole
    leads: bool
    leader: str
    waiting: int
    waiting_s: float
    transaction_s: float
    clock_ahead_s: float
    alarms: Sequence[Alarm]


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

    async def come_current(self) -> None:
        """Come as far as the log stands, as well as the store lets us in a moment.

        A client may have heard more at another node than this one has: it would be told that it knows the future.
        """
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(_CURRENT_S):
                await self.follower.caught_up()

    async def tend(self, works: Mapping[str, Work]) -> None:
        """Keep works going whenever this node leads, until cancelled."""
        await self.leadership.tend(works)

    def status(self) -> NodeStatus | None:
        """Return how this node stands; None until it has looked at the store for the first time."""
        outlook = self.follower.outlook
        if outlook is None:
            return None
        return NodeStatus(
            name=self._settings.name,
            role=self._settings.role,
            leads=self.leadership.leads,
            leader=outlook.leader,
            waiting=outlook.waiting,
            waiting_s=round(outlook.waiting_s, 3),
            transaction_s=round(outlook.transaction_s, 3),
            clock_ahead_s=round(outlook.clock_ahead_s, 3),
            alarms=self.alarms(),
        )

    def alarms(self) -> Sequence[Alarm]:
        """Return what somebody should look after; everybody may read them, so no address is in them."""
        outlook, found = self.follower.outlook, list[Alarm]()
        if self._bus.trouble:
            what = "news between nodes does not pass, so they look now and then: this node's own log says why"
            found.append(Alarm("bus", what))
        return found if outlook is None else [*found, *self._of_store(outlook)]

    def tell_alarms(self) -> None:
        """Say in the log what is wrong with the store when this node starts: nobody need have opened /status."""
        if self.follower.outlook is not None:
            for alarm in self._of_store(self.follower.outlook):
                _log.warning("%s", alarm.message)

    def _of_store(self, outlook: Outlook) -> Iterator[Alarm]:
        settings = self._settings
        if outlook.waiting_s > settings.lag_alarm_s:
            what = (
                f"{outlook.waiting} changes wait to be numbered, the oldest for {outlook.waiting_s:.0f} s: see that a "
                "worker runs and that no transaction is left open on the database server"
            )
            yield Alarm("lag", what)
        if outlook.transaction_s > settings.lag_alarm_s:
            what = (
                f"a transaction on the database server has been writing for {outlook.transaction_s:.0f} s and holds up "
                "the log: end it (pg_stat_activity)"
            )
            yield Alarm("transaction", what)
        if abs(outlook.clock_ahead_s) > settings.clock_alarm_s:
            ahead_s = outlook.clock_ahead_s
            what = f"this node's clock is {ahead_s:+.1f} s off the database server's: let both follow NTP"
            yield Alarm("clock", what)
        if outlook.outdated:
            what = "a later release changed the tables under this node: install that release here too, and restart it"
            yield Alarm("release", what)
