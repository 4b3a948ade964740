"""What a client is answered when it changes what it asks, as frames frozen at the head of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeAlias

from geoworks.hub import messages, say
from geoworks.hub.codes import Code
from geoworks.hub.frames import frame
from geoworks.hub.inbox import Asking
from geoworks.hub.messages import Refused
from geoworks.hub.question import Question, Test, compile_test
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Cursor
from geoworks.state import Entry

# Frames without a place in the log.
Frames: TypeAlias = Iterable[tuple[None, bytes]]
Find: TypeAlias = Callable[[Question, Test], Sequence[Entry]]


class Answers:
    """Changes the subscriptions of a connection and says what that makes of what the client holds."""

    def __init__(self, subscriptions: Subscriptions, find: Find, *, most: int) -> None:
        """Answer from what `find` finds at the head; at most so many subscriptions."""
        self._subscriptions = subscriptions
        self._find = find
        self._most = most

    def obey(self, message: Asking, head: Cursor) -> tuple[str, Frames]:
        """Change the subscriptions; return the id answered and the answer.

        Raises:
            Refused: the message asks for what cannot be had.

        """
        if isinstance(message, messages.Subscribe):
            return message.id, self._subscribe(message, head)
        if isinstance(message, messages.Unsubscribe):
            return message.id, self._removed(self._subscriptions.drop(message.id))
        raise Refused(Code.RESUME_LATE, say.RESUME_LATE)

    def anew(self, reason: messages.ResyncReason, head: Cursor) -> Frames:
        """Return a resync and the snapshots of everything."""
        told = frame(messages.Resync(None, reason))
        snapshots = [self._snapshot(id_, question, head) for id_, question in self._subscriptions.items()]
        return chain(((None, told),), *snapshots)

    def _subscribe(self, wanted: messages.Wanted, head: Cursor) -> Frames:
        dropped = self._subscriptions.get(wanted.id)
        question = self._subscriptions.add(wanted, most=self._most)
        removed = self._removed(dropped) if dropped is not None else ()
        return chain(removed, self._snapshot(wanted.id, question, head))

    def _snapshot(self, id_: str, question: Question, head: Cursor) -> Frames:
        return say.snapshot(id_, self._find(question, self._subscriptions.test_of(question)), head)

    def _removed(self, dropped: Question) -> Frames:
        """Return the removals of what only a dropped question matched; they have no place in the log."""
        found = self._find(dropped, compile_test(dropped))
        kept = self._subscriptions.test
        return say.moved_out([e.record.key for e in found if not kept(e.record.key, e.keys)])
