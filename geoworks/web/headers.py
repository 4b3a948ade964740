"""Headers of every answer: what a browser may do with it, and which other sites may read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from geoworks.config.settings import Settings
from geoworks.web.origin import request_id

Prepare: TypeAlias = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
_EXPOSED = "ETag, Geoworks-Cursor, Geoworks-Left-Out, Link, Retry-After, X-Request-Id"
_ASKED = "Accept, If-None-Match, Last-Event-ID"
_DAY_S = 86_400
# A driver's position, and a screen that stays on while driving; nothing else of the device.
_PERMISSIONS = "geolocation=(self), screen-wake-lock=(self), camera=(), microphone=()"
# What other sites may read; pages are not among it.
_OPEN = ("/v1/", "/tiles/", "/static/", "/maps/", "/theme.css")
# What other sites may post: an area to ask about, which changes nothing for anybody else.
_OPEN_TO_POST = "/v1/areas"


def tile_origin(url: str) -> str:
    """Return where tiles come from as a CSP source; empty for none.

    >>> tile_origin("https://{s}.tile.example.org/{z}/{x}/{y}.png")
    'https://*.tile.example.org'
    """
    if not url:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}"


def page_policy(tiles: str, *, framed: bool) -> str:
    """Return the Content-Security-Policy of our own pages: no inline script, nothing from elsewhere but tiles."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob: {tiles}".rstrip(),
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {'*' if framed else chr(39) + 'none' + chr(39)}",
        )
    )


def map_policy(tiles: str) -> str:
    """Return the policy of generated maps: their scripts are inline, so they live in a sandbox, without our cookies."""
    return "; ".join(
        (
            "sandbox allow-scripts allow-popups",
            "default-src 'none'",
            "script-src 'self' 'unsafe-inline'",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {tiles}".rstrip(),
            "connect-src 'self'",
            "font-src 'self' data:",
            "base-uri 'none'",
            "frame-ancestors *",
        )
    )


def dress(settings: Settings) -> Prepare:
    """Make the signal that puts the headers on every answer before it leaves."""
    tiles = tile_origin(settings.tiles.url)
    policies = {framed: page_policy(tiles, framed=framed) for framed in (False, True)}
    maps = map_policy(tiles)

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers["X-Request-Id"] = request_id(request)
        if isinstance(response, web.WebSocketResponse):
            # No browser heeds the others on a socket, where they would take memory for as long as it is open.
            return
        path = _below(request.path, settings.server.base_path)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers["Permissions-Policy"] = _PERMISSIONS
        is_map = path.startswith("/maps/") and path != "/maps/"
        framed = is_map or path == "/embed"
        headers.setdefault("Content-Security-Policy", maps if is_map else policies[framed])
        if not framed:
            headers["X-Frame-Options"] = "DENY"
        if path.startswith(_OPEN):
            _allow_origin(request, response, settings.server.cors_origins)

    return prepare


def answer_preflight(settings: Settings) -> Middleware:
    """Make the middleware that tells browsers other sites may read, and post nothing but areas to ask about."""

    @web.middleware
    async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers.get("Access-Control-Request-Method")
        path = _below(request.path, settings.server.base_path)
        if request.method != "OPTIONS" or asked is None or not path.startswith(_OPEN):
            return await handler(request)
        posts = path == _OPEN_TO_POST
        headers = {
            "Access-Control-Allow-Methods": "POST" if posts else "GET, HEAD",
            "Access-Control-Allow-Headers": f"{_ASKED}, Content-Type" if posts else _ASKED,
            "Access-Control-Max-Age": str(_DAY_S),
        }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    return preflight


def _allow_origin(request: web.Request, response: web.StreamResponse, allowed: Sequence[str]) -> None:
    origin = request.headers.get("Origin", "")
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "Origin")))
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED


def _below(path: str, base_path: str) -> str:
    return path.removeprefix(base_path) if base_path and path.startswith(f"{base_path}/") else path
