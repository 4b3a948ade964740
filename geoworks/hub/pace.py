"""How fast one client may send, and how much that cannot be taken."""

from __future__ import annotations

from geoworks.bucket import Bucket, Rate
from geoworks.config.settings import Stream
from geoworks.hub import say
from geoworks.hub.codes import Code
from geoworks.hub.messages import ClientMessage, Ping, Position, Refused, Resume, Subscribe, Unsubscribe

# The hundredth error in short order is too much. One is forgiven in each two seconds: who sends a little too fast now
# and then, or tries out what is taken, may stay for days.
_PATIENCE = Rate(burst=99, per_s=0.5)


class Pace:
    """A token bucket, and the positions that came too fast: the last one of each subscription waits for a token.

    A second bucket is for errors, those of messages that came too fast included: who floods loses the connection.
    Positions that wait are bounded by the number of subscriptions. Times in seconds of any steady clock.
    """

    __slots__ = ("_bucket", "_late", "_most_late", "_patience")

    def __init__(self, settings: Stream, now: float) -> None:
        """Begin with a full bucket."""
        self._bucket = Bucket(Rate(settings.messages_burst, settings.messages_per_s), now=now)
        # Most clients never send too fast, or what is wrong: they cost nothing here.
        self._late: dict[str, Position] | None = None
        self._patience: Bucket | None = None
        self._most_late = settings.subscriptions

    def admit(self, message: ClientMessage, now: float) -> bool:
        """Tell whether a message may be taken now; a position that may not is kept until `next_late`.

        Raises:
            Refused: it came too fast and is dropped.

        """
        if self._bucket.take(now):
            self._overtake(message)
            return True
        if not isinstance(message, Position):
            raise _too_fast(message)
        self._keep(message)
        return False

    def next_late(self, now: float) -> Position | None:
        """Take the position that waits for longest, if there is a token for it."""
        if not self._late or not self._bucket.take(now):
            return None
        return self._late.pop(next(iter(self._late)))

    def forgive(self, now: float) -> bool:
        """Take note of an error; tell whether the client may stay all the same."""
        if self._patience is None:
            self._patience = Bucket(_PATIENCE, now=now)
        return self._patience.take(now)

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
