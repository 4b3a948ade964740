"""Messages of a client that wait until it has been sent what it asked for before."""

from __future__ import annotations

from geoworks.config.settings import Stream
from geoworks.hub import say
from geoworks.hub.codes import Code
from geoworks.hub.messages import Position, Refused, Resume, Subscribe, Unsubscribe

Asking = Subscribe | Unsubscribe | Resume | Position


class Inbox:
    """A queue bounded in messages and bytes; what does not fit is refused, so that the client can send it again."""

    __slots__ = ("_bytes", "_most", "_most_bytes", "_waiting")

    def __init__(self, settings: Stream) -> None:
        """Begin empty."""
        # Short, and empty as a rule, when a deque would take ten times the memory.
        self._waiting: list[tuple[Asking, int]] = []
        self._bytes = 0
        self._most = settings.subscriptions
        self._most_bytes = max(settings.high_water_bytes, settings.frame_bytes)

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._waiting)

    def put(self, message: Asking, size: int) -> None:
        """Let a message of so many bytes wait; a position takes the place of one that waits before it.

        Raises:
            Refused: too much waits already.

        """
        if self._replaces_last(message):
            self._waiting[-1] = (message, self._waiting[-1][1])
            return
        if len(self._waiting) >= self._most or self._bytes + size > self._most_bytes:
            raise Refused(Code.BUSY, say.BUSY, id=None if isinstance(message, Resume) else message.id)
        self._waiting.append((message, size))
        self._bytes += size

    def _replaces_last(self, message: Asking) -> bool:
        last = self._waiting[-1][0] if self._waiting else None
        return isinstance(message, Position) and isinstance(last, Position) and last.id == message.id

    def next_resume(self) -> Resume | None:
        """Take the next message if it is a resume, which is planned in another way."""
        if self._waiting and isinstance(message := self._waiting[0][0], Resume):
            self.take()
            return message
        return None

    def take(self) -> Asking:
        """Take the next message."""
        message, size = self._waiting.pop(0)
        self._bytes -= size
        return message

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._bytes = 0
