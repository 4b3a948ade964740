"""What the doors work with, handed over once by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from geoworks.clock import Clock
from geoworks.config.settings import Settings
from geoworks.hub.hub import Hub
from geoworks.hub.webhooks import Webhooks
from geoworks.model.zone import Zone
from geoworks.pipeline.desk import Desk
from geoworks.pipeline.keys import Keys
from geoworks.pipeline.node import Node
from geoworks.pipeline.sync import Syncs
from geoworks.ports import PageRenderer, Store, Tiles
from geoworks.state import State
from geoworks.web.sessions import Sessions

ReadZones: TypeAlias = Callable[[Path], Awaitable[Mapping[str, Zone]]]


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of a running town; `read_zones` reads a file of any format GDAL knows, by id.

    `tiles` is None where the store makes none, `node` where this process serves the town alone.
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
    sessions: Sessions
    pages: PageRenderer
    maps_dir: Path
    read_zones: ReadZones
    tiles: Tiles | None
    node: Node | None = None


SERVICES = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """Return what the doors work with."""
    return request.app[SERVICES]
