"""The rate limit of the public API: so many requests a minute, address and address asked for."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from geoworks.config.settings import Server
from geoworks.web.auth import is_welcome
from geoworks.web.limits import Buckets, household

_LOGIN = "/staff/login"


def throttle(settings: Server) -> Middleware:
    """Make the middleware that stops floods; callers with a key of the town are not limited.

    It stands before the check of keys, so that guessing keys is limited too.
    """
    buckets = Buckets(burst=settings.requests_per_minute, per_minute=settings.requests_per_minute)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix(settings.base_path)
        if (path.startswith("/v1/") or path == _LOGIN) and not is_welcome(request):
            # Those who read must not use up what others behind their address have for writing.
            buckets.take(f"{household(request.remote or '')} {request.method} {path}")
        return await handler(request)

    return limit
