"""The doors of a worker, which serves nobody but those who watch it, and commands of its own machine."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from geoworks.errors import NotFound
from geoworks.web import health, metrics, status_api
from geoworks.web.origin import is_local
from geoworks.web.services import services

_WATCHED = frozenset(door.path for door in (*health.DOORS, *metrics.DOORS, *status_api.DOORS))


@web.middleware
async def behind_the_scenes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer health, metrics and status to everybody, and the rest over the local socket alone.

    Raises:
        NotFound: something else was asked for.

    """
    path = request.path.removeprefix(services(request).settings.server.base_path)
    if path not in _WATCHED and not is_local(request):
        raise NotFound("this node is a worker and serves neither pages, API nor stream; ask a gateway of the town")
    return await handler(request)
