"""The composition root: the only module that knows all adapters and fits them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from feeds.sources.gdal import GdalSource

from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Settings
from geoworks.hub.hub import Hub
from geoworks.pipeline.derive import Deriver, zone_geometries
from geoworks.pipeline.desk import Desk
from geoworks.pipeline.keys import Keys
from geoworks.pipeline.levels import ZoneLevels
from geoworks.pipeline.rejoin import Rejoiner, ReportLinks
from geoworks.pipeline.retention import Retention
from geoworks.pipeline.sync import Syncs
from geoworks.pipeline.timetable import Timetable
from geoworks.ports import Source, Store
from geoworks.state import State
from geoworks.store.sqlite import SqliteStore
from geoworks.supervisor import supervise

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
    timetable: Timetable
    rejoiner: Rejoiner
    retention: Retention


@asynccontextmanager
async def open_town(
    settings: Settings, *, clock: Clock | None = None, sources: Iterable[Source] | None = None
) -> AsyncIterator[Town]:
    """Open the store, rebuild the state, catch up with the clock, and keep it all going until the block ends.

    `sources` replace those of the settings. Sources are read and the log is pruned only once `keep_current` runs.

    Raises:
        StoreError: the data directory cannot be used.

    """
    told_by = clock or SystemClock(start=settings.clock.start)
    async with AsyncExitStack() as stack:
        store = SqliteStore(Path(settings.data.dir), clock=told_by)
        head = await store.open()
        stack.push_async_callback(store.close)
        state = State(head.epoch, head.offset)
        async for records in store.records():
            state.load(records)
        deriver = Deriver(state, near_works_m=settings.reports.near_works_m)
        stack.callback(deriver.close)
        await deriver.replace_zones(zone_geometries(state))
        chosen = configured_sources(settings) if sources is None else sources
        town = await _fit(settings, told_by, store=store, state=state, deriver=deriver, sources=list(chosen))
        await stack.enter_async_context(_running(town))
        yield town


async def _fit(
    settings: Settings, clock: Clock, *, store: Store, state: State, deriver: Deriver, sources: list[Source]
) -> Town:
    desk = Desk(state, store, deriver, clock=clock)
    levels = ZoneLevels(state, settings.levels)
    links = ReportLinks(state, near_works_m=settings.reports.near_works_m)
    hub = Hub(state, store, settings.stream, clock)
    town = Town(
        settings=settings,
        clock=clock,
        store=store,
        state=state,
        desk=desk,
        hub=hub,
        syncs=Syncs(sources, desk=desk, state=state, store=store, clock=clock, data=settings.data),
        keys=Keys(store, clock=clock),
        timetable=Timetable(state, desk, clock),
        rejoiner=Rejoiner(state, desk, deriver),
        retention=Retention(
            state, desk, store, data=settings.data, clock=clock, synced={source.name for source in sources}
        ),
    )
    desk.followers += [hub.publish, levels.follow, links.follow, town.timetable.follow, town.rejoiner.follow]
    desk.follow_up(levels.load())
    town.timetable.load()
    await town.syncs.load()
    await town.keys.load()
    return town


@asynccontextmanager
async def _running(town: Town) -> AsyncIterator[None]:
    """Keep the desk writing; catch up first with what time and zones changed while nothing ran."""
    async with asyncio.TaskGroup() as group:
        desk = group.create_task(town.desk.run(), name="desk")
        await town.rejoiner.refresh()
        tasks = [
            group.create_task(supervise(name, work), name=name)
            for name, work in (("timetable", town.timetable.run), ("rejoiner", town.rejoiner.run))
        ]
        try:
            yield
        finally:
            for task in (*tasks, desk):
                task.cancel()
            await asyncio.gather(*tasks, desk, return_exceptions=True)
            await town.desk.stop()


def configured_sources(settings: Settings) -> list[GdalSource]:
    """Return the sources that the settings name."""
    keep_dir = Path(settings.data.dir) / "sources"
    return [
        GdalSource(name, table, town_time_zone=settings.town.time_zone, limits=settings.limits, keep_dir=keep_dir)
        for name, table in settings.sources.items()
    ]
