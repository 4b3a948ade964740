"""The web application: every door, every layer around them, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from geoworks import __version__
from geoworks.config.nodes import NodeRole
from geoworks.hub.describe import asyncapi
from geoworks.web import (
    areas_api,
    changes_api,
    health,
    keys_api,
    login,
    metrics,
    pages,
    reports_api,
    reports_follow_api,
    reports_staff_api,
    sse,
    status_api,
    sync_api,
    tiles_api,
    webhooks_api,
    works_api,
    works_edit_api,
    zones_api,
)
from geoworks.web.answers import FRESH, answer
from geoworks.web.auth import authenticate
from geoworks.web.citizens import add_citizens
from geoworks.web.collections import COLLECTIONS, Collections
from geoworks.web.compress import compress
from geoworks.web.files import Files
from geoworks.web.headers import answer_preflight, dress
from geoworks.web.idempotency import ONCE, Once
from geoworks.web.openapi import describe
from geoworks.web.origin import behind_proxies, number, read_networks
from geoworks.web.problems import problems
from geoworks.web.route import Door, add_doors
from geoworks.web.services import SERVICES, Services, services
from geoworks.web.stream import add_stream
from geoworks.web.throttle import throttle
from geoworks.web.tile_shelf import TILES, TileShelf
from geoworks.web.worker import behind_the_scenes


async def read_asyncapi(_: web.Request) -> web.StreamResponse:
    """Answer the description of the stream."""
    return answer(asyncapi(__version__), headers=FRESH)


async def read_openapi(request: web.Request) -> web.StreamResponse:
    """Answer this document."""
    base_path = services(request).settings.server.base_path
    return answer(describe(DOORS, base_path=base_path), headers=FRESH)


DOORS: Sequence[Door] = (
    *works_api.DOORS,
    *works_edit_api.DOORS,
    *zones_api.DOORS,
    *reports_staff_api.DOORS,
    *reports_follow_api.DOORS,
    *reports_api.DOORS,
    *sync_api.DOORS,
    *sse.DOORS,
    *changes_api.DOORS,
    *areas_api.DOORS,
    *tiles_api.DOORS,
    *status_api.DOORS,
    *webhooks_api.DOORS,
    *keys_api.DOORS,
    *login.DOORS,
    *health.DOORS,
    *metrics.DOORS,
    Door(
        method="GET",
        path="/v1/openapi.json",
        handler=read_openapi,
        summary="This document",
        tag="documents",
        answer=dict[str, Any],
    ),
    Door(
        method="GET",
        path="/v1/asyncapi.json",
        handler=read_asyncapi,
        summary="The live stream `/v1/stream`, as AsyncAPI",
        tag="documents",
        answer=dict[str, Any],
    ),
)


def build_app(house: Services) -> web.Application:
    """Return the application that serves a town; its sockets are the caller's."""
    settings = house.settings
    app = web.Application(
        client_max_size=settings.limits.body_bytes,
        middlewares=(
            number,
            behind_proxies(read_networks(settings.server.trusted_proxies)),
            metrics.measure,
            compress,
            *([] if settings.node.role is NodeRole.WORKER else [pages.error_pages]),
            problems,
            *([behind_the_scenes] if settings.node.role is NodeRole.WORKER else []),
            answer_preflight(settings),
            throttle(settings),
            authenticate,
        ),
    )
    app[SERVICES] = house
    app[COLLECTIONS] = Collections(house.state)
    app[TILES] = TileShelf(house.state, house.tiles, keep_bytes=settings.vector_tiles.cache_bytes)
    app[ONCE] = Once()
    app[metrics.METRICS] = metrics.Metrics(house)
    add_citizens(app)
    app.on_response_prepare.append(dress(settings))
    # Behind a proxy that strips the prefix requests come without it, behind others with it.
    prefixes = sorted({"", settings.server.base_path})
    add_doors(app, DOORS, prefixes=prefixes)
    for prefix in prefixes:
        _add_pages(app, house, prefix)
    app[sse.TRANSLATOR] = sse.Translator()
    add_stream(app, house.hub, settings, node=house.node)
    return app


def _add_pages(app: web.Application, house: Services, prefix: str) -> None:
    for path, handler in pages.PAGES.items():
        app.router.add_get(prefix + path, handler)
    for name, folder in (("static", house.pages.static_dir), ("maps", house.maps_dir)):
        app.router.add_get(f"{prefix}/{name}/{{path:.+}}", Files(folder).answer)
