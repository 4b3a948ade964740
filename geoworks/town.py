"""The parts of a town, made and fitted together; `app` keeps them going."""

from __future__ import annotations

from dataclasses import dataclass

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Settings
from geoworks.hub.hub import Hub
from geoworks.hub.webhooks import Webhooks
from geoworks.mqtt.publisher import MqttPublisher
from geoworks.nodes import Bus
from geoworks.parts import make_bus, maps_dir
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.desk import Desk
from geoworks.pipeline.keys import Keys
from geoworks.pipeline.ledger import Ledger, OwnLedger
from geoworks.pipeline.levels import ZoneLevels
from geoworks.pipeline.node import Node
from geoworks.pipeline.rejoin import Rejoiner, ReportLinks, ZoneKeeper
from geoworks.pipeline.retention import Retention
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.timetable import Timetable
from geoworks.ports import Source, Store
from geoworks.state import State
from geoworks.store.postgis import PostgisStore
from geoworks.store.sqlite import SqliteStore
from geoworks.webhooks.dispatch import Dispatch
from maps.builder import MapBuilder


@dataclass(frozen=True, kw_only=True)
class Town:
    """A running town: every part fitted together, writing and telling, with no door open yet.

    `node` is there where many processes serve the town from one store.
    """

    settings: Settings
    clock: Clock
    store: Store
    state: State
    desk: Desk
    hub: Hub
    syncs: Syncs
    keys: Keys
    webhooks: Webhooks
    dispatch: Dispatch
    levels: ZoneLevels
    links: ReportLinks
    timetable: Timetable
    zones: ZoneKeeper
    rejoiner: Rejoiner
    retention: Retention
    maps: MapBuilder
    mqtt: MqttPublisher | None
    node: Node | None


@dataclass(frozen=True, kw_only=True)
class Base:
    """What the other parts are made of."""

    settings: Settings
    clock: Clock
    store: Store
    state: State
    deriver: Deriver
    ledger: Ledger
    node: Node | None
    zones_moved_at: int


async def load(
    state: State, store: PostgisStore | SqliteStore, settings: Settings, bus: Bus | None
) -> tuple[Node | None, Ledger]:
    """Rebuild the state from the store; return what writes to it, and what this process is among many."""
    if isinstance(store, SqliteStore):
        async for records in store.records():
            state.load(records)
        return None, OwnLedger(store)
    node = Node(state, store, bus or make_bus(settings), settings=settings.node)
    await node.load()
    return node, node.ledger


def fit(base: Base, sources: list[Source]) -> Town:
    """Make the other parts, which synchronise these sources; nothing runs yet."""
    settings, clock, store, state = base.settings, base.clock, base.store, base.state
    desk = Desk(state, base.ledger, base.deriver, clock=clock)
    zone_keeper = ZoneKeeper(state, base.deriver, moved_at=base.zones_moved_at)
    keys, webhooks = Keys(store, clock=clock), Webhooks(store, settings=settings, clock=clock)
    hub = Hub(state, store, settings=settings.stream, clock=clock)
    # The hub first: nothing may come between the state's move and what is told of it.
    desk.followers += [hub.publish, zone_keeper.follow]
    return Town(
        settings=settings,
        clock=clock,
        store=store,
        state=state,
        desk=desk,
        hub=hub,
        syncs=Syncs(sources, desk=desk, state=state, store=store, clock=clock, data=settings.data),
        keys=keys,
        webhooks=webhooks,
        # Receivers look at their own clocks, whatever time it is in the town.
        dispatch=Dispatch(webhooks, hub, settings=settings.webhooks, clock=SystemClock(), is_revoked=keys.is_revoked),
        levels=ZoneLevels(state, settings.levels),
        links=ReportLinks(state, near_works_m=settings.reports.near_works_m),
        timetable=Timetable(state, desk, clock),
        zones=zone_keeper,
        rejoiner=Rejoiner(state, desk, zone_keeper),
        retention=Retention(
            state, desk, store, data=settings.data, clock=clock, synced={source.name for source in sources}
        ),
        maps=MapBuilder(state, settings, folder=maps_dir(settings), clock=clock),
        mqtt=MqttPublisher(state, settings.mqtt) if settings.mqtt.url else None,
        node=base.node,
    )
