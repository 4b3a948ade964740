"""How long to wait before connecting again."""

from __future__ import annotations

from collections.abc import Callable

_FIRST_S = 0.5
_LONGEST_S = 30.0
_MOST_DOUBLINGS = 6  # by then the longest wait is reached


class Patience:
    """Exponential waits with full jitter, so that the clients of a server that comes back do not come all at once."""

    def __init__(self, random: Callable[[], float]) -> None:
        """Draw from numbers between 0 and 1."""
        self._random = random
        self._attempt = 0
        self._asked_s = 0.0

    def wait_s(self) -> float:
        """Return how long to wait before the next attempt."""
        longest_s = min(_LONGEST_S, _FIRST_S * (1 << self._attempt))
        asked_s, self._asked_s = self._asked_s, 0.0
        self._attempt = min(self._attempt + 1, _MOST_DOUBLINGS)
        return asked_s + self._random() * longest_s

    def heed(self, retry_after_s: float) -> None:
        """Take note that the server asks not to come back before so long."""
        self._asked_s = max(self._asked_s, retry_after_s)

    def reset(self) -> None:
        """Take note that a connection brought what was asked."""
        self._attempt = 0
