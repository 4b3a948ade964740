"""What is on its way to one client, and how far in the log that takes it, without I/O and without the conversation.

A *round* is planned at the head of the log: what changed since the cursor by the catch-up rule, what the clock brought,
then the answer to one message of the client (a snapshot, the removals of an unsubscription), all frozen at that
moment, then `caught_up`. It is taken piece by piece, as fast as the socket takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from geoworks.hub import messages, say
from geoworks.hub.answers import Answers, Frames, Sight
from geoworks.hub.frames import frame
from geoworks.hub.inbox import Asking
from geoworks.hub.replay import Due
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Cursor

# What is due is written in pieces of about this size: each write costs as much as making several frames.
_PIECE_BYTES = 16_384


class Log(Sight, Protocol):
    """What rounds are planned from."""

    @property
    def head(self) -> Cursor:
        """Return the last place of the log that was told."""
        ...

    def due(self, after: int, subscriptions: Subscriptions) -> Sequence[Due] | None:
        """Return what those who ask this are due after an offset, when it is near; None: the log has to be read."""
        ...


class Rounds:
    """The rounds of one client, one after the other; `cursor` is the offset of what was taken of them."""

    __slots__ = ("_answers", "_flow", "_goal", "_log", "_moment", "_owes", "_piece_bytes", "_subscriptions", "cursor")

    def __init__(self, log: Log, subscriptions: Subscriptions, answers: Answers, *, most_bytes: int) -> None:
        """Begin at the head with nothing due; pieces are of no more than about so many bytes."""
        self._log = log
        self._subscriptions = subscriptions
        self._answers = answers
        self._piece_bytes = min(_PIECE_BYTES, most_bytes)
        self._flow: Iterator[tuple[int | None, bytes]] = iter(())
        self._owes = False
        self.skip()

    def next_piece(self) -> bytes:
        """Take the next frames of the round, joined for one write; empty at its end."""
        joined: list[bytes] = []
        size = 0
        for offset, data in self._flow:
            joined.append(data)
            size += len(data)
            if offset is not None:
                self.cursor = offset
            if size >= self._piece_bytes:
                break
        return b"".join(joined)

    def finish(self) -> bool:
        """Take note that the round was taken whole; tell whether nothing has happened meanwhile."""
        head = self._log.head.offset
        self.cursor = max(self.cursor, self._goal) if self._subscriptions else head
        return self.cursor == head and self._is_on_time()

    def skip(self) -> None:
        """Be at the head: everything up to it was written in another way, or concerns nobody."""
        self.cursor = self._goal = self._log.head.offset
        self._moment = self._log.moment

    def near(self) -> Sequence[Due] | None:
        """Return what is due after the cursor, when that is near; None: the log has to be read."""
        return self._log.due(self.cursor, self._subscriptions) if self._subscriptions else ()

    def plan(self, missed: Iterable[Due], asked: Asking | None) -> None:
        """Freeze a round at the head: the catch-up, what the clock brought, the answer to a message, `caught_up`.

        Raises:
            Refused: the message asks for what cannot be had; the rest of the round is planned all the same.

        """
        head = self._log.head
        due = say.due(missed, head.epoch)
        brought = [] if self._is_on_time() else self._answers.brought(self._moment)
        behind = self.cursor != head.offset
        self._goal, self._moment = head.offset, self._log.moment
        answered: str | None = None
        answer: Frames = ()
        try:
            if asked is not None:
                answered, answer = self._answers.obey(asked, head)
        finally:
            self._flow = chain(due, brought, answer)
            if behind or self._owes or answered is not None:
                self._owes = False
                self._flow = chain(self._flow, self._caught_up(answered))

    def plan_anew(self, reason: messages.ResyncReason) -> None:
        """Freeze a round of snapshots of everything, at the head."""
        self.skip()
        self._flow = chain(self._answers.anew(reason, self._log.head), self._caught_up(None))

    def resume(self, offset: int) -> None:
        """Be where the client was before; it is told when it has caught up, even with nothing missed."""
        self.cursor = self._goal = offset
        self._owes = True

    def drop(self) -> None:
        """Forget what is on its way."""
        self._flow = iter(())

    def _is_on_time(self) -> bool:
        """Tell whether the clock has brought nothing since the last round."""
        return self._moment == self._log.moment or not self._subscriptions.heeds_clock

    def _caught_up(self, answered: str | None) -> Iterable[tuple[int, bytes]]:
        goal = Cursor(self._log.head.epoch, self._goal)
        told = messages.CaughtUp(answered, self._subscriptions.hash(), str(goal))
        return ((self._goal, frame(told)),)
