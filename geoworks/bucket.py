"""The token bucket: how much may happen at once, and how much from then on."""

from __future__ import annotations

from msgspec import Struct


class Rate(Struct, frozen=True):
    """A bucket holds `burst` tokens and wins `per_s` back each second; each thing that happens takes one."""

    burst: float
    per_s: float

    def refill(self, tokens: float, elapsed_s: float) -> float:
        """Return how many tokens there are after some time.

        >>> Rate(burst=5, per_s=2).refill(0.5, 1.0), Rate(burst=5, per_s=2).refill(0.5, 100.0)
        (2.5, 5)
        """
        return min(self.burst, tokens + elapsed_s * self.per_s)

    def wait_s(self, tokens: float) -> float:
        """Return the time until there is a whole token; 0 when there is one.

        >>> Rate(burst=5, per_s=2).wait_s(0.5), Rate(burst=5, per_s=2).wait_s(3)
        (0.25, 0.0)
        """
        return max(0.0, (1 - tokens) / self.per_s)


class Bucket:
    """One bucket over time, full at first; times in seconds of any steady clock.

    >>> bucket = Bucket(Rate(burst=1, per_s=2), now=0.0)
    >>> bucket.take(0.0), bucket.take(0.1), bucket.take(0.5)
    (True, False, True)
    """

    __slots__ = ("_rate", "_since", "_tokens")

    def __init__(self, rate: Rate, *, now: float) -> None:
        """Begin full."""
        self._rate = rate
        self._tokens = rate.burst
        self._since = now

    def take(self, now: float) -> bool:
        """Take a token if there is a whole one; tell whether there was."""
        self._tokens = self._rate.refill(self._tokens, now - self._since)
        self._since = now
        if self._rate.wait_s(self._tokens):
            return False
        self._tokens -= 1
        return True
