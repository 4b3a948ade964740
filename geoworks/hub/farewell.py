"""Taking leave of all connections when the server stops, so that their clients do not come back all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from itertools import count

from geoworks.hub import messages, say
from geoworks.hub.codes import Code
from geoworks.hub.frames import frame
from geoworks.hub.session import Phase, Session

_STEPS = 20
_LEAST_AT_ONCE = 50
# A server that starts again is back within this time, as a rule.
_FIRST_BACK_S = 1.0
_BETWEEN_S = 0.002
_MOST_SPREAD_S = 8.0


class Farewell:
    """The end of all connections: each is told when to come back, closed in its turn, and cut if it stays."""

    def __init__(self, sessions: Collection[Session]) -> None:
        """Be ready to take leave of those who are connected then; `sessions` changes as they come and go."""
        self._sessions = sessions
        self._left = asyncio.Event()
        self._turns: Iterator[float] = iter(())
        self._last_at = 0.0

    def note_leaving(self) -> None:
        """Take note that a session is among the connected no more."""
        self._left.set()

    async def take(self, within_s: float) -> None:
        """Tell everybody, close one group after the other, and cut at the end who has not left."""
        # Who is being closed already hears nothing after that.
        leaving = [session for session in self._sessions if session.phase is not Phase.OVER]
        groups = _group(leaving)
        pause_s = within_s / 2 / _STEPS
        until_last_s = pause_s * (len(groups) - 1)
        self._turns = spread(len(leaving))
        self._last_at = asyncio.get_running_loop().time() + until_last_s
        for number, group in enumerate(groups):
            for session in group:
                # Counted from its own close: who is closed first comes back when the last one is gone, not before.
                session.write(_notice(until_last_s - pause_s * number + next(self._turns)))
        for number, group in enumerate(groups):
            if number:
                await asyncio.sleep(pause_s)
            for session in group:
                session.close(Code.GOING_AWAY, say.STOPPING)
        await self._wait(within_s / 2)

    def take_of(self, late: Session) -> None:
        """Tell one who came after all others had been told, and close it at once."""
        until_last_s = max(0.0, self._last_at - asyncio.get_running_loop().time())
        late.write(_notice(until_last_s + next(self._turns)))
        late.close(Code.GOING_AWAY, say.STOPPING)

    async def _wait(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while self._sessions:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            for session in self._sessions:
                session.outlet.abort()


def spread(expected: int) -> Iterator[float]:
    """Yield after how many seconds one client after the other comes back: evenly, and the last one soon enough.

    There may come some more than are expected.

    >>> from itertools import islice
    >>> list(islice(spread(3), 4))
    [1.0, 1.002, 1.004, 1.006]
    """
    between_s = min(_BETWEEN_S, _MOST_SPREAD_S / max(expected, 1))
    return (round(_FIRST_BACK_S + number * between_s, 4) for number in count())


def _group(leaving: Sequence[Session]) -> Sequence[Sequence[Session]]:
    size = max(_LEAST_AT_ONCE, -(-len(leaving) // _STEPS))
    return [leaving[begin : begin + size] for begin in range(0, len(leaving), size)]


def _notice(retry_after_s: float) -> bytes:
    return frame(messages.Notice("stopping", say.STOPPING, retry_after_s=round(retry_after_s, 3)))
