"""One attempt to deliver: a POST to an address that is looked at when it is connected to."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import AddrInfoType, ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from aiohttp.hdrs import RETRY_AFTER
from yarl import URL

from geoworks import __version__
from geoworks.config.settings import WebhooksTable
from geoworks.errors import GeoworksError
from geoworks.hub.target import is_public

_MOST_ERROR = 300
# The failures after which a receiver may say when to come back.
_ASKING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_HEADERS = {"Content-Type": "application/json", "User-Agent": f"geoworks/{__version__} (webhooks)"}


class NotTaken(GeoworksError):
    """A receiver did not take a delivery; trying again later may help."""

    code = "webhook-not-taken"
    temporary = True

    def __init__(self, message: str, *, retry_after: str = "") -> None:
        """Take what the receiver said about when to come back, in its own words."""
        super().__init__(message)
        self.retry_after = retry_after


class ReceiverGone(GeoworksError):
    """A receiver wants no more deliveries, ever."""

    code = "webhook-gone"


def open_client(settings: WebhooksTable, *, resolver: AbstractResolver | None = None) -> ClientSession:
    """Return the client that posts: no cookies, no proxy, and unless it is allowed nothing but public addresses."""
    connector = TCPConnector(
        # Each webhook has one request under way at most; one that waits must not hold up another.
        limit=0,
        resolver=resolver,
        socket_factory=None if settings.allow_private else open_public,
    )
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers=_HEADERS,
        timeout=ClientTimeout(total=settings.timeout_s),
        auto_decompress=False,
    )


def open_public(info: AddrInfoType) -> socket.socket:
    """Open a socket to connect to an address, which is what the name led to just now.

    Raises:
        PermissionError: the address is not one of the public internet.

    """
    family, kind, protocol, _, address = info
    if not is_public(ip_address(str(address[0]))):
        msg = "the address is not a public one (webhooks.allow_private allows others)"
        # With a number: of an error without one aiohttp tells no words.
        raise PermissionError(errno.EACCES, msg)
    return socket.socket(family, kind, protocol)


async def post(client: ClientSession, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> None:
    """Deliver; what the receiver answers beside the status and `Retry-After` is not read.

    Raises:
        NotTaken: it was not reached in time, or answered another status than 2xx; redirects are not followed.
        ReceiverGone: it answered 410.

    """
    try:
        async with (
            asyncio.timeout(timeout_s),
            client.post(URL(url), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            status, retry_after = answer.status, answer.headers.get(RETRY_AFTER, "")
    except TimeoutError as error:
        raise NotTaken(f"no answer came within {timeout_s:g} s") from error
    except (ClientError, OSError, ValueError) as error:
        raise NotTaken(f"it cannot be reached: {error}"[:_MOST_ERROR]) from error
    if status == HTTPStatus.GONE:
        raise ReceiverGone("it answered 410: it wants no more")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise NotTaken(f"it answered {status}; redirects are not followed: register the address they lead to")
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotTaken(f"it answered {status}", retry_after=retry_after if status in _ASKING else "")
