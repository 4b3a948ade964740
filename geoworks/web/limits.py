"""Rate limits: token buckets by name, in bounded memory."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from geoworks.bucket import Rate
from geoworks.errors import TooMany

_MOST_BUCKETS = 50_000
_IPV6_HOME = 64


class Buckets:
    """A token bucket for each name: it holds `burst` tokens and wins `per_minute` back each minute.

    The bucket unused for longest goes first when there are too many, so a flood of names costs bounded memory.
    """

    def __init__(
        self, *, burst: float, per_minute: float, most: int = _MOST_BUCKETS, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with every bucket full; `timer` tells seconds."""
        self._rate = Rate(burst, per_minute / 60)
        self._most = most
        self._timer = timer
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are kept."""
        return len(self._buckets)

    def take(self, name: str) -> None:
        """Take one token from a bucket.

        Raises:
            TooMany: it is empty; says when it will have one.

        """
        now = self._timer()
        tokens, since = self._buckets.pop(name, (self._rate.burst, now))
        tokens = self._rate.refill(tokens, now - since)
        wait_s = self._rate.wait_s(tokens)
        self._buckets[name] = (tokens if wait_s else tokens - 1, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if wait_s:
            raise TooMany(f"too many requests; come back in {wait_s:.0f} s", retry_after_s=wait_s)


def household(address: str) -> str:
    """Return what one address counts as: itself, or for IPv6 its /64, which is what one household gets.

    >>> household("192.0.2.7"), household("2001:db8::1:2")
    ('192.0.2.7', '2001:db8::/64')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((found, _IPV6_HOME), strict=False))
