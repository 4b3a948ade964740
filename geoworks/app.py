"""The composition root: fits all parts together, for a process alone or a node among many."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Settings
from geoworks.hub.hub import Hub
from geoworks.hub.webhooks import Webhooks
from geoworks.model.change import Kind
from geoworks.mqtt.publisher import MqttPublisher
from geoworks.nodes import Bus
from geoworks.parts import load_zones, make_bus, make_sources, make_store, make_tiles, maps_dir
from geoworks.pipeline import zones
from geoworks.pipeline.album import Album
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.desk import Desk, Follower
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
from geoworks.supervisor import Work, background, supervised
from geoworks.web.listen import listening
from geoworks.web.server import build_app
from geoworks.web.services import Services
from geoworks.web.sessions import COLLECTION, Sessions
from geoworks.webhooks.dispatch import Dispatch
from maps.builder import MapBuilder
from maps.pages import Pages

_log = logging.getLogger(__name__)


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


@asynccontextmanager
async def open_town(
    settings: Settings,
    *,
    clock: Clock | None = None,
    sources: Iterable[Source] | None = None,
    bus: Bus | None = None,
) -> AsyncIterator[Town]:
    """Open the store, rebuild the state, catch up with the clock, and keep it all going until the block ends.

    `sources` and `bus` replace those of the settings; sources are read by themselves only while `keep_current` runs.

    Raises:
        StoreError: the data directory or the database cannot be used.

    """
    time = clock or SystemClock(start=settings.clock.start)
    async with AsyncExitStack() as stack:
        store = make_store(settings, clock=time)
        head = await store.open()
        stack.push_async_callback(store.close)
        state = State(head.epoch, head.offset)
        node, ledger = await _load(state, store, settings, bus)
        deriver = Deriver(state, near_works_m=settings.reports.near_works_m)
        stack.callback(deriver.close)
        chosen = make_sources(settings) if sources is None else list(sources)
        moved_at = await node.zones_moved() if node else 0
        base = _Base(
            settings=settings,
            clock=time,
            store=store,
            state=state,
            deriver=deriver,
            ledger=ledger,
            node=node,
            zones_moved_at=moved_at,
        )
        town = _fit(base, chosen)
        await town.syncs.load()
        await town.keys.load()
        await town.webhooks.load()
        await town.hub.recall()
        await stack.enter_async_context(_running(town) if node is None else _running_node(town, node, deriver))
        yield town


@asynccontextmanager
async def open_doors(town: Town, *, listen: bool = True) -> AsyncIterator[str]:
    """Open the doors until the block ends and yield the town's address; without `listen` only the local socket.

    Raises:
        ConfigError: the address is taken or not ours.

    """
    settings = town.settings
    sessions = await Sessions.load(town.store)
    if town.node is not None:
        town.node.follower.keep(COLLECTION, partial(sessions.refresh, town.store))
    app = build_app(
        Services(
            settings=settings,
            clock=town.clock,
            store=town.store,
            state=town.state,
            desk=town.desk,
            hub=town.hub,
            syncs=town.syncs,
            keys=town.keys,
            webhooks=town.webhooks,
            sessions=sessions,
            pages=Pages(settings),
            maps_dir=maps_dir(settings),
            read_zones=lambda path: load_zones(path, settings),
            tiles=make_tiles(settings, town.store),
            node=town.node,
        )
    )
    host = settings.server.host if listen else None
    async with listening(
        app,
        data_dir=Path(settings.data.dir),
        host=host,
        port=settings.server.port,
        connections=settings.stream.connections,
        idle_s=settings.server.idle_s,
    ) as port:
        yield f"http://{_in_url(host or 'localhost')}:{port}{settings.server.base_path}/"


@asynccontextmanager
async def keep_current(town: Town) -> AsyncIterator[None]:
    """Import the first zones, then keep sources, maps and the log current until the block ends: of many nodes, one."""
    album = Album(town.store, town.state, clock=town.clock)
    works: dict[str, Work] = {"sources": town.syncs.run, "retention": town.retention.run, "photos": album.run}
    works["webhooks"] = town.dispatch.run
    if town.settings.maps.enabled:
        works["maps"] = town.maps.run
    if town.mqtt is not None:
        works["mqtt"] = town.mqtt.run
    if town.node is None:
        await _import_zones(town)
        async with supervised(works):
            yield
    else:
        # How far deliveries have come, another node may have noted last.
        works["webhooks"] = partial(_send_webhooks, town)
        tend = partial(town.node.tend, {"zones": partial(_import_zones, town), **works})
        async with background({"duties": tend}):
            yield


@dataclass(frozen=True, kw_only=True)
class _Base:
    """What the other parts are made of."""

    settings: Settings
    clock: Clock
    store: Store
    state: State
    deriver: Deriver
    ledger: Ledger
    node: Node | None
    zones_moved_at: int


async def _load(
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


def _fit(base: _Base, sources: list[Source]) -> Town:
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


@asynccontextmanager
async def _running(town: Town) -> AsyncIterator[None]:
    """Keep the desk writing, with all duties, in the only process of a town."""
    async with background({"desk": town.desk.run}), _on_duty(town), supervised({"hub": town.hub.run}):
        yield
    # What was taken before the end is written after it.
    await town.desk.stop()


@asynccontextmanager
async def _running_node(town: Town, node: Node, deriver: Deriver) -> AsyncIterator[None]:
    """Keep the desk writing and the state following, with the duties whenever this node leads."""
    follower = node.follower
    follower.announce = town.desk.announce
    follower.keep("keys", town.keys.load)
    follower.keep("sources", town.syncs.load)
    follower.keep("webhooks", town.webhooks.refresh)
    await follower.survey()
    node.tell_alarms()
    await town.zones.refresh()
    async with (
        node.running(town.zones, deriver, town.clock, partial(_on_duty, town)),
        supervised({"hub": town.hub.run}),
    ):
        async with background({"desk": town.desk.run}):
            yield
        await town.desk.stop()


@asynccontextmanager
async def _on_duty(town: Town) -> AsyncIterator[None]:
    """Do what one node does for all; catch up first with what time and zones changed while nobody did."""
    followers: list[Follower] = [town.levels.follow, town.links.follow, town.timetable.follow]
    followers += [town.rejoiner.follow, town.maps.follow, *([town.mqtt.follow] if town.mqtt else [])]
    town.desk.followers += followers
    town.desk.follow_up(town.levels.load())
    town.timetable.load()
    try:
        await town.rejoiner.refresh()
        async with supervised({"timetable": town.timetable.run, "rejoiner": town.rejoiner.run}):
            yield
    finally:
        for follower in followers:
            town.desk.followers.remove(follower)


async def _import_zones(town: Town) -> None:
    if town.settings.zones.file and not town.state.count(Kind.ZONE):
        found = await load_zones(Path(town.settings.zones.file), town.settings)
        await town.desk.submit(zones.replace_all(found, lambda: (), actor="configuration"))


async def _send_webhooks(town: Town) -> None:
    await town.webhooks.load()
    await town.dispatch.run()


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL; an IPv6 address needs brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host
