"""What many nodes ask of what they share: a store that all write, and a bus between them; protocols like `ports`.

Every node may write. What it commits stands in the log at once, without an offset; one node, the leader, gives the
offsets, gapless and in an order in which every change finds what it was made from. Every node follows the numbered
log, and its state is the town as it stands at the last offset it has read. The bus only says that there is news,
sooner than a look at the log would: what it loses, doubles or delays is found in the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from geoworks.model.change import Change, Cursor, Key, Record
from geoworks.ports import Batch, Head, Store


class Followed(Struct, frozen=True):
    """A numbered change with the record after it, None when the feature went.

    `revision` names the writing: no other in the whole log has it. `at` is when it was written by the store's clock,
    `zones_at` the offset of the zones that the record was joined with.
    """

    change: Change
    record: Record | None
    revision: int
    at: datetime
    zones_at: int = 0


class Numbered(Struct, frozen=True):
    """Changes that have just got their numbers, in order.

    `stopped` tells that more wait which have to be looked at: what was joined with older zones, or comes behind zones
    that move.
    """

    changes: Sequence[Followed]
    stopped: bool


class Standing(Struct, frozen=True):
    """A current feature, and the revision of its last writing."""

    record: Record
    revision: int


class Sent(Struct, frozen=True):
    """A batch that is durable: the revision of its last change, which is numbered after all others; None without."""

    last: int | None


class Waiting(Struct, frozen=True):
    """A change that is durable and has no offset yet, and the record after it."""

    revision: int
    key: Key
    record: Record | None
    zones_at: int


class Outlook(Struct, frozen=True, kw_only=True):
    """What a look at the shared store tells.

    `waiting` changes have no offset yet, the oldest for `waiting_s`; `transaction_s` is how long the oldest open
    transaction has been writing, before whose end nothing after it is numbered. `clock_ahead_s` is how far this
    node's clock is ahead of the server's. `collections` counts, for each collection of documents, how often it was
    written: what a node keeps of it in memory is old when the number moved. `leader` names the node that numbers.
    `outdated` tells that a later release than this node's has changed the tables.
    """

    head: Head
    waiting: int
    waiting_s: float
    transaction_s: float
    clock_ahead_s: float
    leader: str
    collections: Mapping[str, int]
    outdated: bool = False


class SharedStore(Store, Protocol):
    """A store that many nodes write."""

    def standing(self) -> AsyncIterator[Sequence[Standing]]:
        """Yield all current features in chunks; some may be ahead of the numbered log."""
        ...

    async def send(self, batch: Batch) -> Sent:
        """Make a batch durable, to be numbered soon; writes name the revision of what they were made from.

        Raises:
            Overtaken: another node wrote one of the features meanwhile; nothing of the batch was written.
            StoreUncertain: nobody knows yet whether it was written; call `settle_sent` before the next batch.
            StoreError: nothing of it was written.

        """
        ...

    async def settle_sent(self) -> Sent | None:
        """Find out what became of the batch that raised `StoreUncertain`; None when it left nothing.

        Raises:
            StoreUncertain: that is still not known.

        """
        ...

    async def log(self, after: Cursor, *, limit: int) -> Sequence[Followed]:
        """Return the numbered changes behind a cursor, in order, at most `limit`, with their records.

        Raises:
            StoreUnusable: the log does not lead to the cursor any more, or the records are not kept: restart this node.

        """
        ...

    async def look(self) -> Outlook:
        """Tell how the store stands."""
        ...

    async def zones_moved(self) -> int:
        """Return the offset after which the zones have been as they are, 0 when that was long ago."""
        ...

    async def lead(self, known: Cursor) -> bool:
        """Become the one that numbers, unless another node is; `known` is where this node knows the log to stand.

        Raises:
            StoreUnusable: the log does not lead there any more: restart this node.

        """
        ...

    async def number(self, *, zones_at: int, limit: int) -> Numbered:
        """Give the oldest changes that wait their offsets, at most `limit`.

        It stops before what was joined with zones older than `zones_at`, and after zones that moved: what comes
        behind them may have to be joined again (`waiting`, `rejoined`).

        Raises:
            LeadLost: another node numbers.

        """
        ...

    async def waiting(self, *, limit: int) -> Sequence[Waiting]:
        """Return the oldest changes that can be numbered, in their order."""
        ...

    async def rejoined(self, changes: Sequence[Waiting]) -> None:
        """Put changes that wait in the place of those with the same revision: their records, joined again.

        Raises:
            LeadLost: another node numbers.

        """
        ...


class News(Protocol):
    """Who wants to hear from the bus; called in the event loop's thread, and never waits."""

    def written(self) -> None:
        """Hear that a node wrote something, which waits to be numbered."""
        ...

    def numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Hear of numbered changes of the log of this epoch, in any order; none: the log has to be read."""
        ...


class Bus(Protocol):
    """Carries news between nodes; telling never waits and never fails: what cannot be told is dropped."""

    @property
    def trouble(self) -> str:
        """Return what keeps news from passing, and how to mend it; empty while it passes."""
        ...

    async def run(self, news: News) -> None:
        """Connect, hand over what is heard, and connect again whenever it breaks, until cancelled."""
        ...

    def tell_written(self) -> None:
        """Say that something waits to be numbered."""
        ...

    def tell_numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Hand on changes that have just been numbered."""
        ...
