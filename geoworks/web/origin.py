"""Where a request comes from: its number, and the client behind trusted proxies."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from geoworks.config.settings import Settings
from geoworks.errors import ConfigError, Problem
from geoworks.ids import new_id

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
REQUEST_ID = web.RequestKey("request_id", str)
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded")


@web.middleware
async def number(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request a number, told in its answer and in our log."""
    request[REQUEST_ID] = new_id()
    return await handler(request)


def request_id(request: web.Request) -> str:
    """Return the number of a request, empty before it has one."""
    found: str = request.get(REQUEST_ID, "")
    return found


def is_local(request: web.Request) -> bool:
    """Tell whether a request came over the local unix socket from a program on this machine.

    Whoever can open the socket can read the database, so it needs no key. A request that a proxy handed on is not
    local, whatever way it came.
    """
    sock = request.transport.get_extra_info("socket") if request.transport else None
    over_socket = sock is not None and sock.family == socket.AF_UNIX
    return over_socket and not any(name in request.headers for name in _FORWARDED)


def read_networks(trusted: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks such as `10.0.0.0/8`.

    Raises:
        ConfigError: one of them is neither.

    """
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
    except ValueError as error:
        mend = "give addresses such as 127.0.0.1 or networks such as 10.0.0.0/8"
        raise ConfigError(Problem("server.trusted_proxies", str(error), mend)) from error


def behind_proxies(trusted: Sequence[Network]) -> Middleware:
    """Make the middleware that believes the X-Forwarded headers of trusted proxies, and of nobody else."""

    @web.middleware
    async def proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not trusted or not _is_trusted(request.remote or "", trusted):
            return await handler(request)
        return await handler(
            request.clone(
                remote=_client(request, trusted),
                scheme=_last(request, "X-Forwarded-Proto", request.scheme),
                host=_last(request, "X-Forwarded-Host", request.host),
            )
        )

    return proxies


def public_root(settings: Settings) -> str:
    """Return what the public addresses of a town begin with; without `public_url` only the path, which may be empty."""
    root, base_path = settings.server.public_url.rstrip("/"), settings.server.base_path
    # Some write the path prefix into the public address, some do not.
    return root if base_path and root.endswith(base_path) else root + base_path


def _client(request: web.Request, trusted: Sequence[Network]) -> str:
    """Return the last address in the chain that no trusted proxy has: what stands before it anyone can invent."""
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    for hop in reversed(hops):
        if not _is_trusted(hop, trusted):
            return hop
    return request.remote or ""


def _last(request: web.Request, header: str, otherwise: str) -> str:
    return request.headers.get(header, "").rpartition(",")[2].strip() or otherwise


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)
