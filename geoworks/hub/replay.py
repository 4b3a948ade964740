"""The tail of the log, and what a client that was away has to be told.

Catch-up, for each feature changed after the cursor: it matches now: `put`, in the place of its last change; else, if
its version at the cursor or any later one matched: `remove`, in the place of the last change before which it matched;
else nothing. In that order a client that is cut in the middle may resume from the cursor of the last message it got:
what it holds is right for every change up to there. (A remove in the place of the feature's *last* change would be
lost when a cut falls between: the client would resume after the change that had made the feature match no more.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from geoworks.errors import GeoworksError
from geoworks.model.change import Change, Key, MatchKeys, Op, Reason
from geoworks.state import Entry, State

# So many changes are folded at once (a few milliseconds); more are read in pages that let others have their turn.
PAGE = 500
# Why a feature is not there any more, in the log's own words; any other reason of a version that is over means ended.
_GONE = frozenset({Reason.ENDED, Reason.CANCELLED, Reason.WITHDRAWN, Reason.EXPIRED, Reason.HIDDEN})

AnyTest: TypeAlias = Callable[[Key, MatchKeys], bool]


class PutDue(Struct, frozen=True, gc=False):
    """A feature to be sent, as it stood when the catch-up was planned."""

    offset: int
    body: bytes


class RemoveDue(Struct, frozen=True, gc=False):
    """A removal to be sent."""

    offset: int
    key: Key
    reason: Reason


Due: TypeAlias = PutDue | RemoveDue


def reason_of_removal(reason: Reason, op: Op, entry: Entry | None) -> Reason:
    """Return why a feature matches no more, from its last change and how it stands after it."""
    if entry is not None and entry.keys.visible:
        return Reason.MOVED_OUT
    if entry is not None and not entry.body:
        return Reason.HIDDEN
    if reason in _GONE:
        return reason
    return Reason.WITHDRAWN if op is Op.REMOVE else Reason.ENDED


class Tail:
    """The newest changes, in memory, up to a bound."""

    def __init__(self, offset: int, *, most: int) -> None:
        """Begin empty at a place in the log."""
        self._changes: deque[Change] = deque(maxlen=most)
        self._end = offset

    @property
    def start(self) -> int:
        """Return the offset after which every change is here."""
        return self._changes[0].offset - 1 if self._changes else self._end

    @property
    def end(self) -> int:
        """Return the offset of the newest change that was told, be it here or not."""
        return self._end

    def append(self, change: Change) -> None:
        """Take in the next change; the oldest goes when there are too many."""
        self._changes.append(change)
        self._end = change.offset

    def after(self, offset: int) -> Sequence[Change] | None:
        """Return the changes after an offset, or None when some of them are here no more."""
        if offset < self.start:
            return None
        # From the end: nobody who is nearly there pays for the length of the tail.
        late: list[Change] = []
        for change in reversed(self._changes):
            if change.offset <= offset:
                break
            late.append(change)
        return late[::-1]


class Log(Protocol):
    """What the hub asks of the store (`geoworks.ports.Store` has it)."""

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        ...

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told to a client."""
        ...


class TooOld(GeoworksError):
    """The log does not reach back to a cursor any more; the reader needs a snapshot."""

    code = "too-old"


class Replay:
    """The log after any cursor: from memory when it is near, from the store when it is far."""

    def __init__(self, log: Log, offset: int, *, tail: int) -> None:
        """Begin at a place in the log, keeping at most `tail` changes in memory."""
        self._log = log
        self.tail = Tail(offset, most=tail)

    async def recall(self) -> None:
        """Take the newest changes of the log into memory, where those who come back after a restart find them.

        Raises:
            StoreError: the store cannot be read.

        """
        for change in self._told(await self._log.changes(max(self.tail.end - PAGE, 0), limit=PAGE)):
            self.tail.append(change)

    def near(self, after: int) -> Sequence[Change] | None:
        """Return the changes after an offset when they are few and in memory, else None."""
        return self.tail.after(after) if self.tail.end - after <= PAGE else None

    async def page(self, after: int) -> Sequence[Change]:
        """Return the next changes after an offset that is not the log's end.

        Raises:
            TooOld: they are kept no more.
            StoreError: the store cannot be read.

        """
        near = self.tail.after(after)
        page = near[:PAGE] if near is not None else self._told(await self._log.changes(after, limit=PAGE))
        # The log has no gaps, so anything but the next number means that it was cut.
        if not page or page[0].offset != after + 1:
            msg = f"the log from {after} on is kept no more"
            raise TooOld(msg)
        return page

    def _told(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Leave out what is durable but was not told yet: the state does not have it, and it is told to all soon."""
        return [change for change in changes if change.offset <= self.tail.end]


class CatchUp:
    """What became of every feature changed since a cursor, folded change by change.

    `test` tells whether a version matches what the client asks; it stays the same while this lasts.
    """

    def __init__(self, test: AnyTest) -> None:
        """Begin with nothing changed."""
        self._test = test
        self._last: dict[Key, Change] = {}
        self._matched: dict[Key, int] = {}

    def add(self, changes: Iterable[Change]) -> None:
        """Take in later changes."""
        for change in changes:
            self._last[change.key] = change
            if change.before is not None and self._test(change.key, change.before):
                self._matched[change.key] = change.offset

    def due(self, state: State) -> Iterator[Due]:
        """Return what is to be sent, in order of offset; `state` is what the last change added led to.

        The bodies are taken now: what changes while they are sent comes after them.
        """
        found = [self._due(change, state) for change in self._last.values()]
        return iter(sorted((due for due in found if due is not None), key=lambda due: due.offset))

    def _due(self, change: Change, state: State) -> Due | None:
        entry = state.get(change.key)
        if entry is not None and self._test(change.key, entry.keys):
            return PutDue(change.offset, entry.body)
        matched = self._matched.get(change.key)
        if matched is None:
            return None
        return RemoveDue(matched, change.key, reason_of_removal(change.reason, change.op, entry))
