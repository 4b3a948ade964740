"""What a client is answered when it changes what it asks, as frames frozen at the head of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Protocol, TypeAlias

from geoworks.hub import messages, say
from geoworks.hub.areas import Way
from geoworks.hub.clockwork import Brought
from geoworks.hub.codes import Code
from geoworks.hub.frames import frame
from geoworks.hub.inbox import Asking
from geoworks.hub.messages import Refused
from geoworks.hub.question import Sieve
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Cursor
from geoworks.state import Entry

# Frames without a place in the log.
Frames: TypeAlias = Iterable[tuple[None, bytes]]


class Sight(Protocol):
    """What can be seen of the town at its head, by the hub's clock."""

    @property
    def moment(self) -> datetime:
        """Return what time it is to the hub."""
        ...

    def snapshot(self, sieve: Sieve) -> Sequence[Entry]:
        """Return what answers a question."""
        ...

    def moved(self, before: Sieve, after: Sieve) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """Return what only the later of two questions matches, and what only the earlier one does."""
        ...

    def brought(self, sieve: Sieve, since: datetime) -> Brought:
        """Return what the clock brought to a question since a moment."""
        ...

    def begin_soon(self, sieve: Sieve, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return which of the entries that answer a question begin soon on its route."""
        ...


class Answers:
    """Changes the subscriptions of a connection and says what that makes of what the client holds."""

    __slots__ = ("_most", "_sight", "_subscriptions")

    def __init__(self, subscriptions: Subscriptions, sight: Sight, *, most: int) -> None:
        """Answer from what is seen at the head; at most so many subscriptions."""
        self._subscriptions = subscriptions
        self._sight = sight
        self._most = most

    def obey(self, message: Asking, head: Cursor) -> tuple[str | None, Frames]:
        """Change the subscriptions; return the id that `caught_up` is to name, if any, and the answer.

        Raises:
            Refused: the message asks for what cannot be had.

        """
        if isinstance(message, messages.Subscribe):
            return message.id, self._subscribe(message, head)
        if isinstance(message, messages.Unsubscribe):
            return message.id, self._removed(self._subscriptions.drop(message.id))
        if isinstance(message, messages.Position):
            return None, self._move(message, head)
        raise Refused(Code.RESUME_LATE, say.RESUME_LATE)

    def anew(self, reason: messages.ResyncReason, head: Cursor) -> Frames:
        """Return a resync and the snapshots of everything."""
        told = frame(messages.Resync(None, reason))
        asked = [(id_, self._subscriptions.get(id_)) for id_, _ in self._subscriptions.items()]
        snapshots = [self._snapshot(id_, sieve, head) for id_, sieve in asked if sieve is not None]
        return chain(((None, told),), *snapshots)

    def brought(self, since: datetime) -> list[tuple[None, bytes]]:
        """Return what the clock brought since a moment."""
        return list(chain.from_iterable(self._brought(sieve, since) for sieve in self._subscriptions.sieves()))

    def begins_soon(self, sieve: Sieve, entries: Iterable[Entry]) -> Frames:
        """Yield the notices that works begin soon, for each subscription that asks this."""
        for entry in entries:
            for id_, question in self._subscriptions.items():
                if question == sieve.question:
                    yield None, frame(say.begins_soon(id_, entry))

    def _subscribe(self, wanted: messages.Wanted, head: Cursor) -> Frames:
        dropped = self._subscriptions.get(wanted.id)
        sieve = self._subscriptions.add(wanted, most=self._most)
        removed = self._removed(dropped) if dropped is not None else ()
        return chain(removed, self._snapshot(wanted.id, sieve, head))

    def _move(self, position: messages.Position, head: Cursor) -> Frames:
        before, after = self._subscriptions.move(position, self._sight.moment)
        gained, lost = self._sight.moved(before, after)
        others = [sieve for sieve in self._subscriptions.sieves() if sieve is not after]
        new = [entry for entry in gained if not self._is_held(entry, others)]
        changes = list(chain(say.come(new), self._moved_out(lost)))
        area = before.question.area
        if isinstance(area, Way) and area.passed_m is None:
            # From its first position on a route cannot be resumed as it was asked: new filters tell that, and before
            # anything is removed, or a client cut in between would resume what it holds only half of.
            told = messages.CaughtUp(None, self._subscriptions.hash(), str(head))
            changes.insert(0, (None, frame(told)))
        return changes

    def _snapshot(self, id_: str, sieve: Sieve, head: Cursor) -> Frames:
        entries = self._sight.snapshot(sieve)
        soon = self._sight.begin_soon(sieve, entries)
        return chain(say.snapshot(id_, entries, head), [(None, frame(say.begins_soon(id_, entry))) for entry in soon])

    def _removed(self, dropped: Sieve) -> Frames:
        """Return the removals of what only a dropped question matched; they have no place in the log."""
        return self._moved_out(self._sight.snapshot(dropped))

    def _moved_out(self, entries: Iterable[Entry]) -> Frames:
        kept = self._subscriptions.sieves()
        return say.moved_out([entry.record.key for entry in entries if not self._is_held(entry, kept)])

    def _is_held(self, entry: Entry, sieves: Iterable[Sieve]) -> bool:
        return any(sieve(entry.record.key, entry.keys, self._sight.moment) for sieve in sieves)

    def _brought(self, sieve: Sieve, since: datetime) -> Iterator[tuple[None, bytes]]:
        if sieve.question.heeds_clock:
            found = self._sight.brought(sieve, since)
            yield from say.come(found.seen)
            yield from self.begins_soon(sieve, found.soon)
