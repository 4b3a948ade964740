"""How fast one client may send."""

from __future__ import annotations

from geoworks.bucket import Rate
from geoworks.config.settings import Stream
from geoworks.hub import say
from geoworks.hub.codes import Code
from geoworks.hub.messages import ClientMessage, Ping, Position, Refused, Resume, Subscribe, Unsubscribe


class Pace:
    """A token bucket, and the positions that came too fast: the last one of each subscription waits for a token.

    Positions that wait are bounded by the number of subscriptions. Times in seconds of any steady clock.
    """

    __slots__ = ("_late", "_most_late", "_rate", "_since", "_tokens")

    def __init__(self, settings: Stream, now: float) -> None:
        """Begin with a full bucket."""
        self._rate = Rate(settings.messages_burst, settings.messages_per_s)
        self._tokens: float = settings.messages_burst
        self._since = now
        # Most clients never send too fast: they cost nothing here.
        self._late: dict[str, Position] | None = None
        self._most_late = settings.subscriptions

    def admit(self, message: ClientMessage, now: float) -> bool:
        """Tell whether a message may be taken now; a position that may not is kept until `next_late`.

        Raises:
            Refused: it came too fast and is dropped.

        """
        if self._take(now):
            self._overtake(message)
            return True
        if not isinstance(message, Position):
            raise _too_fast(message)
        self._keep(message)
        return False

    def next_late(self, now: float) -> Position | None:
        """Take the position that waits for longest, if there is a token for it."""
        if not self._late or not self._take(now):
            return None
        return self._late.pop(next(iter(self._late)))

    def _take(self, now: float) -> bool:
        self._tokens = self._rate.refill(self._tokens, now - self._since)
        self._since = now
        if self._rate.wait_s(self._tokens):
            return False
        self._tokens -= 1
        return True

    def _keep(self, position: Position) -> None:
        late = self._late = self._late or {}
        if position.id not in late and len(late) >= self._most_late:
            raise _too_fast(position)
        late[position.id] = position

    def _overtake(self, message: ClientMessage) -> None:
        """Drop the position that waits when what came after it about the same subscription is taken first."""
        if self._late and isinstance(message, Position | Subscribe | Unsubscribe):
            self._late.pop(message.id, None)


def _too_fast(message: ClientMessage) -> Refused:
    return Refused(Code.TOO_FAST, say.TOO_FAST, id=None if isinstance(message, Resume | Ping) else message.id)
