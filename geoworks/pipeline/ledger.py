"""Where the desk has batches made durable, and what then moves the state: this process alone, or many nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from geoworks.errors import StoreUncertain
from geoworks.nodes import Bus, Sent, SharedStore
from geoworks.pipeline.follow import LogFollower
from geoworks.ports import Batch, Committed, OwnStore, Write
from geoworks.state import Entry, Published, make_entry

# So long an answer waits for the leader: the write is durable whether there is one or not.
_PATIENCE_S = 2.0
# And once one waited in vain, those after it until something is numbered again.
_STALLED_S = 0.1
# So long an edit waits for what another node wrote of the same feature, before it runs again.
_CATCH_UP_S = 0.25

# What the state takes: a durable change, or a feature whose public face did not change.
Told: TypeAlias = Published | Entry


class Ledger(Protocol):
    """Makes batches durable."""

    @property
    def in_doubt(self) -> bool:
        """Tell whether nobody knows what became of the last batch."""
        ...

    async def write(self, batch: Batch) -> Sequence[Told]:
        """Make a batch durable; return what the state has to take and nobody else hands it.

        Raises:
            Overtaken: another node wrote one of the features meanwhile; call `catch_up`, and run the edits again.
            StoreUncertain: nobody knows whether it was written; call `settle` before the next.
            StoreError: nothing of it was written.

        """
        ...

    async def settle(self) -> Sequence[Told]:
        """Find out what became of the batch in doubt; return what the state has to take of it."""
        ...

    async def come_current(self) -> bool:
        """Let the state come as far as the log; tell whether that moved it."""
        ...

    async def catch_up(self) -> None:
        """Let the state come to what other nodes wrote, and wait a moment for what has no number yet."""
        ...


class OwnLedger:
    """A `Ledger` of the only process that writes: what is durable is numbered, and handed back to be told."""

    def __init__(self, store: OwnStore) -> None:
        """Write to this store."""
        self._store = store
        # What was being written when the way to the store broke, until it is known whether it went through.
        self._doubtful: tuple[Write, ...] | None = None

    @property
    def in_doubt(self) -> bool:
        """Tell whether nobody knows what became of the last batch."""
        return self._doubtful is not None

    async def write(self, batch: Batch) -> Sequence[Told]:
        """Make a batch durable and return all of it."""
        try:
            changes = await self._store.commit(batch)
        except StoreUncertain:
            self._doubtful = batch.writes
            raise
        return _told(batch.writes, changes)

    async def settle(self) -> Sequence[Told]:
        """Return the batch in doubt, if it went through."""
        if self._doubtful is None:
            return ()
        changes = await self._store.settle()
        writes, self._doubtful = self._doubtful, None
        return () if changes is None else _told(writes, changes)

    async def come_current(self) -> bool:
        """Do nothing: nobody else writes."""
        return False

    async def catch_up(self) -> None:
        """Do nothing: nobody else writes."""


class SharedLedger:
    """A `Ledger` of a node among many: what is durable comes back numbered, by the log that all follow."""

    def __init__(self, store: SharedStore, follower: LogFollower, bus: Bus) -> None:
        """Write to this store, tell others by the bus, and let `follower` move the state."""
        self._store = store
        self._follower = follower
        self._bus = bus
        self._doubtful = False
        # How far the state had come when a write waited in vain; -1 when none did.
        self._stalled_at = -1

    @property
    def in_doubt(self) -> bool:
        """Tell whether nobody knows what became of the last batch."""
        return self._doubtful

    async def write(self, batch: Batch) -> Sequence[Told]:
        """Make a batch durable and wait until it came back numbered; without a leader only for a moment."""
        try:
            sent = await self._store.send(batch)
        except StoreUncertain:
            self._doubtful = True
            raise
        await self._come_back(sent)
        return [make_entry(write.record, write.revision) for write in batch.writes if write.silent and write.record]

    async def settle(self) -> Sequence[Told]:
        """Find out what became of the batch in doubt, and wait until it came back."""
        if self._doubtful:
            sent = await self._store.settle_sent()
            self._doubtful = False
            if sent is not None:
                await self._come_back(sent)
        return ()

    async def come_current(self) -> bool:
        """Read the log to its end; tell whether that moved the state."""
        before = self._follower.moves
        await self._follower.caught_up()
        return self._follower.moves != before

    async def catch_up(self) -> None:
        """Read the log; where it holds nothing new, wait a moment for what is not numbered yet."""
        if not await self.come_current():
            await self._follower.moved(within_s=_CATCH_UP_S)

    async def _come_back(self, sent: Sent) -> None:
        # Where this node leads, it need not hear of it by the bus.
        self._follower.written()
        self._bus.tell_written()
        if sent.last is not None:
            stalled = self._stalled_at == self._follower.moves
            within_s = _STALLED_S if stalled else _PATIENCE_S
            if not await self._follower.reached(sent.last, within_s=within_s):
                self._stalled_at = self._follower.moves


def _told(writes: Sequence[Write], changes: Committed) -> Sequence[Told]:
    numbered = iter(changes)
    told: list[Told] = []
    for write in writes:
        entry = make_entry(write.record) if write.record else None
        if write.silent and entry is not None:
            told.append(entry)
        else:
            told.append(Published(next(numbered), entry, changes.durable_s))
    return told
