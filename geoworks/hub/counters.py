"""What the hub counts, for the health doors."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_SAMPLES = 1024


class Counters:
    """Plain numbers since the start; `connected` and `lagging` are of now."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.connected = 0
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
    def delays_s(self) -> Sequence[float]:
        """Return the last delays in seconds, the oldest first."""
        return tuple(self._delays_s)
