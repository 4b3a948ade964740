"""Which adapters the settings name; fitted together by `app`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from feeds.sources.gdal import GdalSource
from feeds.zones import read_zones
from geoworks.bus.nats import NatsBus
from geoworks.clock import Clock, SystemClock
from geoworks.config.nodes import BusKind
from geoworks.config.settings import Engine, Settings
from geoworks.errors import Invalid
from geoworks.model.zone import Zone
from geoworks.nodes import Bus
from geoworks.ports import Source, Store, Tiles
from geoworks.store.postgis import PostgisStore
from geoworks.store.postgis.bus import PostgresBus
from geoworks.store.sqlite import SqliteStore
from maps.builder import MapFolder


def make_store(settings: Settings, *, clock: Clock) -> PostgisStore | SqliteStore:
    """Return the store that the settings name, to be opened."""
    data_dir = Path(settings.data.dir)
    if settings.store.engine is Engine.POSTGRESQL:
        return PostgisStore(settings.store, data_dir, clock=clock, node=settings.node.name)
    return SqliteStore(data_dir, clock=clock)


def make_bus(settings: Settings) -> Bus:
    """Return what carries news between the nodes of a shared store."""
    return NatsBus(settings.bus) if settings.bus.kind is BusKind.NATS else PostgresBus(settings.store)


def make_tiles(settings: Settings, store: Store) -> Tiles | None:
    """Return what makes vector tiles of what a store holds; None for the embedded store, which makes none."""
    return store.tiles(settings.vector_tiles) if isinstance(store, PostgisStore) else None


def make_sources(settings: Settings) -> list[Source]:
    """Return the sources that the settings name."""
    keep_dir = Path(settings.data.dir) / "sources"
    return [
        GdalSource(name, table, town_time_zone=settings.town.time_zone, limits=settings.limits, keep_dir=keep_dir)
        for name, table in settings.sources.items()
    ]


def maps_dir(settings: Settings) -> Path:
    """Return the folder of the generated maps."""
    return Path(settings.maps.dir) if settings.maps.dir else Path(settings.data.dir) / "maps"


async def build_maps(settings: Settings, collections: Mapping[str, bytes], folder: Path) -> Sequence[Path]:
    """Write the generated maps of these feature collections (GeoJSON by kind) to a folder; return the pages."""
    made = SystemClock(start=settings.clock.start).now()
    return await asyncio.to_thread(MapFolder(folder, settings).write, collections, made=made)


async def load_zones(path: Path, settings: Settings) -> dict[str, Zone]:
    """Read a file of zones whole; zones are few, so one that is wrong is mended rather than left out.

    Raises:
        Invalid: a zone cannot be taken; every fault is told.
        SourceError: the file cannot be read.

    """
    reading = await read_zones(str(path), settings.zones, settings.limits)
    if reading.rejected:
        raise Invalid([problem for rejected in reading.rejected for problem in rejected.problems])
    return dict(reading.zones)
