"""What the hub counts, for the health doors."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

_SAMPLES = 1024


class Delays(Struct, frozen=True):
    """Of the last delays: half, 95 of 100 and 99 of 100 were no longer than these, in seconds."""

    p50: float
    p95: float
    p99: float


class Counters:
    """Plain numbers since the start; `connected` and `lagging` are of now."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.connected = 0
        self.ended = 0
        self.lagging = 0
        self.resumed = 0
        self.resynced = 0
        self.aborted = 0
        self.published = 0
        self.sent = 0
        self._delays_s: deque[float] = deque(maxlen=_SAMPLES)

    def note_delay(self, delay_s: float) -> None:
        """Keep the time from the commit of a change to its writing to the sockets."""
        self._delays_s.append(delay_s)

    @property
    def delays(self) -> Delays | None:
        """Return how long the last changes took from commit to sockets; None when there were none."""
        if not self._delays_s:
            return None
        ordered = sorted(self._delays_s)
        return Delays(*(_percentile(ordered, percent) for percent in (50, 95, 99)))


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the least value that so many of a hundred do not exceed (the nearest rank)."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
