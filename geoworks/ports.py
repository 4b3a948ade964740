"""What the core asks of the adapters, as protocols; the composition root fits them together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self

from msgspec import Struct

from geoworks.errors import Problem
from geoworks.geo.tile import TileAddress
from geoworks.model.change import Change, Cursor, Key, Kind, MatchKeys, Op, Reason, Record, Version
from geoworks.model.works import Works


class Write(Struct, frozen=True, kw_only=True):
    """One change to be made durable: the record after it (None when it goes), and how the log tells it.

    `before` is None when the feature is new. With `new_version` the given fields or the overlay changed and a row of
    history is written; without it only derived fields did. `silent` writes no log entry: nothing readers see changed
    (a new raw hash of an unchanged record). `forget` drops all older versions from the history: somebody took back
    what they said. `revision` names the writing that it was made from, where many nodes write; 0 when it is new.
    """

    key: Key
    record: Record | None
    reason: Reason
    actor: str = ""
    before: MatchKeys | None = None
    new_version: bool = True
    silent: bool = False
    forget: bool = False
    revision: int = 0

    @property
    def op(self) -> Op:
        """Return what it does to the current features."""
        return Op.REMOVE if self.record is None else Op.PUT


class Reply(Struct, frozen=True):
    """What an `Idempotency-Key` answered, stored with the write it belongs to."""

    owner: str
    key: str
    body_hash: bytes
    status: int
    body: bytes
    expires: datetime


class Batch(Struct, frozen=True):
    """What one transaction makes durable: all of it, or nothing; joined with the zones of the offset `zones_at`."""

    writes: tuple[Write, ...]
    at: datetime
    replies: tuple[Reply, ...] = ()
    zones_at: int = 0


class Committed(tuple[Change, ...]):  # noqa: SLOT001 - a tuple can have no slot for the one thing it is here to add
    """The changes of a batch, and since when they are durable: seconds of `time.monotonic`."""

    durable_s: float

    @classmethod
    def now(cls, changes: Iterable[Change]) -> Self:
        """Return changes that became durable just now."""
        committed = cls(changes)
        committed.durable_s = time.monotonic()
        return committed


class Head(Struct, frozen=True):
    """Where a log stands: its epoch, its last offset, and the first offset still kept (last + 1 when none)."""

    epoch: str
    offset: int
    first: int


class Store(Protocol):
    """Keeps current features, their versions and the numbered log.

    Every method may raise `StoreError`. What a write returned from is on disk.
    """

    async def open(self) -> Head:
        """Open or create, migrate, and tell where the log stands (a new epoch when history was lost)."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go of the files."""
        ...

    def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all current records in chunks, to rebuild the state."""
        ...

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        ...

    async def versions(self, key: Key) -> Sequence[Version]:
        """Return the versions of one feature, the oldest first; empty when it never was."""
        ...

    async def reply(self, owner: str, key: str) -> Reply | None:
        """Return what an `Idempotency-Key` of an owner answered, unless it has expired."""
        ...

    async def prune(self, *, changes_before: datetime, now: datetime) -> int:
        """Drop log entries older than a moment and expired replies; return how many entries went."""
        ...

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told to a client, beside the database: a restored backup is found out by it."""
        ...

    async def backup(self, target: Path) -> None:
        """Copy everything to a new file while serving."""
        ...

    async def document(self, collection: str, name: str) -> bytes | None:
        """Return a small named value (API keys, state of sources, photos), or None."""
        ...

    async def documents(self, collection: str) -> Mapping[str, bytes]:
        """Return all values of a collection by name."""
        ...

    async def put_document(self, collection: str, name: str, value: bytes | None) -> None:
        """Write a small named value durably; None drops it."""
        ...


class OwnStore(Store, Protocol):
    """A store that one process writes."""

    async def commit(self, batch: Batch) -> Committed:
        """Make a batch durable and return its changes, numbered in the order of its writes (silent ones left out).

        Raises:
            StoreUncertain: nobody knows yet whether it was written; call `settle` before the next commit.
            StoreError: nothing of it was written.

        """
        ...

    async def settle(self) -> Committed | None:
        """Find out what became of the commit that raised `StoreUncertain`: its changes, None when it left nothing.

        Raises:
            StoreUncertain: that is still not known.

        """
        ...


class Tile(Struct, frozen=True):
    """A vector tile (Mapbox Vector Tile 2.1) as it was at a cursor; empty where there is nothing.

    `left_out` counts the features that were too many for it.
    """

    cursor: Cursor
    body: bytes
    left_out: int = 0


class Tiles(Protocol):
    """Makes vector tiles of what a store holds."""

    async def tile(self, kind: Kind, address: TileAddress) -> Tile:
        """Make a tile of the features of a kind that the public sees, not older than the last commit.

        Raises:
            StoreError: the store cannot be reached or cannot answer in time.

        """
        ...


class Rejected(Struct, frozen=True):
    """A record that was not taken: where it stood (1 is the first), what was wrong, and what is left to show of it.

    `place` is a lon, lat to show it on a map, where one is known.
    """

    position: int
    source_id: str
    problems: tuple[Problem, ...]
    place: tuple[float, float] | None = None
    sample: Mapping[str, str] = {}


class Candidate(Struct, frozen=True):
    """A record before mapping: where it stood and the hash of all it holds, with the mapping's version in it."""

    position: int
    source_id: str
    raw_hash: bytes


class Reading(Protocol):
    """One reading of a source: everything it gave, hashed, mapped only on demand."""

    @property
    def candidates(self) -> Sequence[Candidate]:
        """Return every record with a usable id, in order, each id once."""
        ...

    @property
    def rejected(self) -> Sequence[Rejected]:
        """Return the records without a usable id, or whose id came twice."""
        ...

    @property
    def ignored(self) -> int:
        """Return how many records the configuration leaves out on purpose."""
        ...

    def map(self, candidates: Sequence[Candidate]) -> Sequence[Works | Rejected]:
        """Map some records, each to a works with normalised geometry (valid, 6 decimals) or to why not.

        Pure computing, and slow for many: call it in a thread.
        """
        ...

    def close(self) -> None:
        """Let go of what mapping needed, when nothing is mapped any more; may wait for the last that was begun."""
        ...


class Source(Protocol):
    """A place that works come from."""

    @property
    def name(self) -> str:
        """Return the name that begins its works' ids."""
        ...

    @property
    def interval_s(self) -> float:
        """Return the seconds between two synchronisations; 0 when only asked."""
        ...

    @property
    def removal_guard(self) -> float:
        """Return the share of live records above which removals wait for a person."""
        ...

    async def read(self, upload: Path | None = None) -> Reading:
        """Read everything there is now, or an uploaded file in its place.

        Raises:
            SourceError: it cannot be reached or read; the message says how to mend it.

        """
        ...


class PageRenderer(Protocol):
    """Makes the pages people read; it knows their words, the web knows their addresses."""

    @property
    def static_dir(self) -> Path:
        """Return the folder of what the pages load: scripts, style, pictures."""
        ...

    def render(self, name: str, *, language: str, context: Mapping[str, Any]) -> str:
        """Return the HTML of the page of this name in `fr` or `en`."""
        ...
