"""An event loop in which a crowd that comes at once does not keep the others waiting.

asyncio sees to all sockets that are ready before anything else has its turn. When thousands of clients come back
after a restart their first requests are all there at the same moment, which would hold heartbeats, timers and the
clients who are there already for seconds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque

# So many handshakes take some 20 ms.
_AT_ONCE = 32

_Ready = tuple[selectors.SelectorKey, int]


class FewAtOnce(selectors.DefaultSelector):
    """Tells of few ready sockets at a time; the others come next, before the first ones again."""

    def __init__(self, most: int = _AT_ONCE) -> None:
        """Tell of so many at most."""
        super().__init__()
        self._most = most
        self._waiting: deque[_Ready] = deque()

    def select(self, timeout: float | None = None) -> list[_Ready]:
        """Return what is ready, as `selectors.BaseSelector` does, but not all of it at once."""
        ready: list[_Ready] = []
        while not ready:
            if not self._waiting:
                self._waiting.extend(super().select(timeout))
                if not self._waiting:
                    break
            while self._waiting and len(ready) < self._most:
                key, events = self._waiting.popleft()
                # Not one that was closed meanwhile, or whose number is another socket's now: that is told anew.
                if self.get_map().get(key.fd) is key:
                    ready.append((key, events))
        return ready


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop for what serves many."""
    return asyncio.SelectorEventLoop(FewAtOnce())
