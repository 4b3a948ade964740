"""The kinds of cuts, how many of each there are, and what became of one."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from enum import StrEnum

from tests.soak.relay import How

NO_CUT = "none yet"


class Kind(StrEnum):
    """What is cut, and how."""

    RESET = "one socket, reset"
    CLOSE = "one socket, closed"
    TEAR = "one socket, in the middle of a message"
    SILENCE = "one socket, gone silent"
    MANY = "many sockets, reset"
    WRITERS = "the writers' sockets, reset"
    KILL = "the process, SIGKILL"
    TERM = "the process, SIGTERM"


SINGLE = {Kind.RESET: How.RESET, Kind.CLOSE: How.CLOSE, Kind.TEAR: How.TEAR, Kind.SILENCE: How.SILENCE}
PROCESS = (Kind.KILL, Kind.TERM)
# Of 1000 cuts; the rest are resets of one socket.
_SHARES = {
    Kind.CLOSE: 200,
    Kind.TEAR: 200,
    Kind.SILENCE: 50,
    Kind.MANY: 150,
    Kind.WRITERS: 50,
    Kind.KILL: 12,
    Kind.TERM: 12,
}


def plan(count: int, luck: random.Random) -> Sequence[Kind]:
    """Return so many cuts in any order, each kind at least once when there are twenty."""
    chosen = [kind for kind, share in _SHARES.items() for _ in range(-(-count * share // 1000))]
    chosen += [Kind.RESET] * (count - len(chosen))
    luck.shuffle(chosen)
    return chosen[:count]


class Cut:
    """One cut, until everybody whom it hit is current again."""

    def __init__(self, kind: Kind, hit: Collection[object], *, live: int, at: float) -> None:
        """Remember whom it hit, when, and how many clients were live then."""
        self.kind = kind
        self.hit = len(hit)
        self.live = live
        self.at = at
        self.healed_at: float | None = None
        self._waiting = set(hit)

    def heal(self, one: object, now: float) -> None:
        """Take note that one of those it hit is current again."""
        self._waiting.discard(one)
        if not self._waiting and self.healed_at is None:
            self.healed_at = now
