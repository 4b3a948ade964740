"""The composition root: the only module that knows all adapters and fits them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from feeds.sources.gdal import GdalSource
from feeds.zones import read_zones
from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Engine, Settings
from geoworks.errors import Invalid
from geoworks.hub.hub import Hub
from geoworks.hub.webhooks import Webhooks
from geoworks.model.change import Kind
from geoworks.model.zone import Zone
from geoworks.pipeline import zones
from geoworks.pipeline.album import Album
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.desk import Desk
from geoworks.pipeline.keys import Keys
from geoworks.pipeline.levels import ZoneLevels
from geoworks.pipeline.rejoin import Rejoiner, ReportLinks
from geoworks.pipeline.retention import Retention
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.timetable import Timetable
from geoworks.ports import Source, Store, Tiles
from geoworks.state import State
from geoworks.store.postgis import PostgisStore
from geoworks.store.sqlite import SqliteStore
from geoworks.supervisor import Work, background, supervised
from geoworks.web.listen import listening
from geoworks.web.server import build_app
from geoworks.web.services import Services
from geoworks.webhooks.dispatch import Dispatch
from maps.builder import MapBuilder, MapFolder
from maps.pages import Pages

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Town:
    """A running town: every part fitted together, writing and telling, with no door open yet."""

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
    timetable: Timetable
    rejoiner: Rejoiner
    retention: Retention
    maps: MapBuilder


@asynccontextmanager
async def open_town(
    settings: Settings, *, clock: Clock | None = None, sources: Iterable[Source] | None = None
) -> AsyncIterator[Town]:
    """Open the store, rebuild the state, catch up with the clock, and keep it all going until the block ends.

    `sources` replace those of the settings; they are read by themselves only while `keep_current` runs.

    Raises:
        StoreError: the data directory or the database cannot be used.

    """
    time = clock or SystemClock(start=settings.clock.start)
    async with AsyncExitStack() as stack:
        store = make_store(settings, clock=time)
        head = await store.open()
        stack.push_async_callback(store.close)
        state = State(head.epoch, head.offset)
        async for records in store.records():
            state.load(records)
        deriver = Deriver(state, near_works_m=settings.reports.near_works_m)
        stack.callback(deriver.close)
        chosen = configured_sources(settings) if sources is None else list(sources)
        town = _fit(settings, time, store=store, state=state, deriver=deriver, sources=chosen)
        await town.syncs.load()
        await town.keys.load()
        await town.webhooks.load()
        await town.hub.recall()
        await stack.enter_async_context(_running(town))
        yield town


@asynccontextmanager
async def open_doors(town: Town, *, listen: bool = True) -> AsyncIterator[str]:
    """Open the doors until the block ends and yield the town's address; without `listen` only the local socket.

    Raises:
        ConfigError: the address is taken or not ours.

    """
    settings = town.settings
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
            pages=Pages(settings),
            maps_dir=maps_dir(settings),
            read_zones=lambda path: _read_zones(path, settings),
            tiles=make_tiles(settings, town.store),
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
    """Import the first zones, then keep sources, maps and the log current until the block ends."""
    if town.settings.zones.file and not town.state.count(Kind.ZONE):
        found = await _read_zones(Path(town.settings.zones.file), town.settings)
        await town.desk.submit(zones.replace_all(found, lambda: (), actor="configuration"))
    album = Album(town.store, town.state, clock=town.clock)
    works: dict[str, Work] = {"sources": town.syncs.run, "retention": town.retention.run, "photos": album.run}
    works["webhooks"] = town.dispatch.run
    if town.settings.maps.enabled:
        works["maps"] = town.maps.run
    async with supervised(works):
        yield


def make_store(settings: Settings, *, clock: Clock) -> Store:
    """Return the store that the settings name, to be opened."""
    data_dir = Path(settings.data.dir)
    if settings.store.engine is Engine.POSTGRESQL:
        return PostgisStore(settings.store, data_dir, clock=clock)
    return SqliteStore(data_dir, clock=clock)


def make_tiles(settings: Settings, store: Store) -> Tiles | None:
    """Return what makes vector tiles of what a store holds; None for the embedded store, which makes none."""
    return store.tiles(settings.vector_tiles) if isinstance(store, PostgisStore) else None


async def build_maps(settings: Settings, collections: Mapping[str, bytes], folder: Path) -> Sequence[Path]:
    """Write the generated maps of these feature collections (GeoJSON by kind) to a folder; return the pages."""
    made = SystemClock(start=settings.clock.start).now()
    return await asyncio.to_thread(MapFolder(folder, settings).write, collections, made=made)


def maps_dir(settings: Settings) -> Path:
    """Return the folder of the generated maps."""
    return Path(settings.data.dir) / "maps"


def configured_sources(settings: Settings) -> list[Source]:
    """Return the sources that the settings name."""
    keep_dir = Path(settings.data.dir) / "sources"
    return [
        GdalSource(name, table, town_time_zone=settings.town.time_zone, limits=settings.limits, keep_dir=keep_dir)
        for name, table in settings.sources.items()
    ]


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL; an IPv6 address needs brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def _fit(
    settings: Settings, clock: Clock, *, store: Store, state: State, deriver: Deriver, sources: list[Source]
) -> Town:
    desk = Desk(state, store, deriver, clock=clock)
    levels = ZoneLevels(state, settings.levels)
    links = ReportLinks(state, near_works_m=settings.reports.near_works_m)
    synced = {source.name for source in sources}
    hub = Hub(state, store, settings=settings.stream, clock=clock)
    keys, webhooks = Keys(store, clock=clock), Webhooks(store, settings=settings, clock=clock)
    town = Town(
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
        timetable=Timetable(state, desk, clock),
        rejoiner=Rejoiner(state, desk, deriver),
        retention=Retention(state, desk, store, data=settings.data, clock=clock, synced=synced),
        maps=MapBuilder(state, settings, folder=maps_dir(settings), clock=clock),
    )
    # The hub first: nothing may come between the state's move and what is told of it.
    desk.followers += [town.hub.publish, levels.follow, links.follow]
    desk.followers += [town.timetable.follow, town.rejoiner.follow, town.maps.follow]
    desk.follow_up(levels.load())
    town.timetable.load()
    return town


@asynccontextmanager
async def _running(town: Town) -> AsyncIterator[None]:
    """Keep the desk writing; catch up first with what time and zones changed while nothing ran."""
    works = {"hub": town.hub.run, "timetable": town.timetable.run, "rejoiner": town.rejoiner.run}
    async with background({"desk": town.desk.run}):
        await town.rejoiner.refresh()
        async with supervised(works):
            yield
    # What was taken before the end is written after it.
    await town.desk.stop()


async def _read_zones(path: Path, settings: Settings) -> dict[str, Zone]:
    """Read a file of zones whole; zones are few, so one that is wrong is mended rather than left out.

    Raises:
        Invalid: a zone cannot be taken; every fault is told.
        SourceError: the file cannot be read.

    """
    reading = await read_zones(str(path), settings.zones, settings.limits)
    if reading.rejected:
        raise Invalid([problem for rejected in reading.rejected for problem in rejected.problems])
    return dict(reading.zones)
