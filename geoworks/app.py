"""The composition root: opens a town and keeps it going, for a process alone or a node among many."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Settings
from geoworks.model.change import Kind
from geoworks.nodes import Bus
from geoworks.parts import load_zones, make_sources, make_store, make_tiles, maps_dir
from geoworks.pipeline import zones
from geoworks.pipeline.album import Album
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.desk import Follower
from geoworks.pipeline.node import Node
from geoworks.ports import Source
from geoworks.state import State
from geoworks.supervisor import Work, background, supervised
from geoworks.town import Base, Town, fit, load
from geoworks.web.listen import listening
from geoworks.web.server import build_app
from geoworks.web.services import Services
from geoworks.web.sessions import COLLECTION, Sessions
from maps.pages import Pages

_log = logging.getLogger(__name__)


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
        node, ledger = await load(state, store, settings, bus)
        deriver = Deriver(state, near_works_m=settings.reports.near_works_m)
        stack.callback(deriver.close)
        chosen = make_sources(settings) if sources is None else list(sources)
        moved_at = await node.zones_moved() if node else 0
        base = Base(
            settings=settings,
            clock=time,
            store=store,
            state=state,
            deriver=deriver,
            ledger=ledger,
            node=node,
            zones_moved_at=moved_at,
        )
        town = fit(base, chosen)
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
    works["webhooks"] = partial(_send_webhooks, town)
    if town.settings.maps.enabled:
        works["maps"] = town.maps.run
    if town.mqtt is not None:
        works["mqtt"] = town.mqtt.run
    if town.node is None:
        await _import_zones(town)
        async with supervised(works):
            yield
    else:
        tend = partial(town.node.tend, {"zones": partial(_import_zones, town), **works})
        async with background({"duties": tend}):
            yield


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
    # How far deliveries have come, another node may have noted last.
    await town.webhooks.load()
    await town.dispatch.run()


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL; an IPv6 address needs brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host
