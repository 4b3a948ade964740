"""The rate limit of the public API: so many requests a minute, address and URL; tiles all count together."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from geoworks.config.settings import Settings
from geoworks.web.auth import is_welcome
from geoworks.web.limits import Buckets, household

_LOGIN = "/staff/login"
# The doors at which clients stay: WebSocket and events, long poll.
_STAYING = frozenset({"/v1/stream", "/v1/changes"})
_TILES = "/tiles/"


def throttle(settings: Settings) -> Middleware:
    """Make the middleware that stops floods; callers with a key of the town are not limited.

    It stands before the check of keys, so that guessing keys is limited too.
    """
    few = settings.server.requests_per_minute
    # As many as may be connected from one address come back at once when it, or the service, was away.
    many = max(few, settings.stream.connections_per_address)
    passing, staying = Buckets(burst=few, per_minute=few), Buckets(burst=many, per_minute=many)
    of_tiles = settings.vector_tiles.per_minute
    drawing = Buckets(burst=of_tiles, per_minute=of_tiles)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix(settings.server.base_path)
        if (path.startswith("/v1/") or path == _LOGIN) and not is_welcome(request):
            # Those who read must not use up what others behind their address have for writing.
            buckets = staying if path in _STAYING else passing
            buckets.take(f"{household(request.remote or '')} {request.method} {path}")
        elif path.startswith(_TILES) and not is_welcome(request):
            # Each tile has an address of its own, of which there are billions.
            drawing.take(household(request.remote or ""))
        return await handler(request)

    return limit
