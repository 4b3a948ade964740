"""What waits to be sent to other nodes, within bounds: when it becomes too much, one hint stands for all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from geoworks.bus.message import Message


class Outbox:
    """Messages in order, at most `most` with at most `most_bytes` in all.

    Overflow: all of them go, a hint takes their place, and until it is taken nothing else is kept, for whoever reads
    the log then finds that too.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        """Begin empty."""
        self._most = most
        self._most_bytes = most_bytes
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._overflown = False

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._messages)

    @property
    def overflown(self) -> bool:
        """Tell whether one hint stands for all that comes."""
        return self._overflown

    def put(self, message: Message) -> None:
        """Keep a message until it is taken."""
        if self._overflown:
            return
        self._messages.append(message)
        self._bytes += len(message.body)
        if len(self._messages) > self._most or self._bytes > self._most_bytes:
            self.lose(message.epoch)

    def lose(self, epoch: str) -> None:
        """Let one hint stand for all that waits, and for what was taken and not sent."""
        self._messages.clear()
        self._messages.append(Message(epoch, 0))
        self._bytes = 0
        self._overflown = True

    def take(self, *, most: int, most_bytes: int) -> Sequence[Message]:
        """Take the oldest messages: at least one if any waits, and no more than fit in these bounds."""
        taken: list[Message] = []
        size = 0
        while self._messages and len(taken) < most:
            size += len(self._messages[0].body)
            if taken and size > most_bytes:
                break
            taken.append(self._messages.popleft())
            self._bytes -= len(taken[-1].body)
        if taken:
            self._overflown = False
        return taken
