"""The town as it stands now, in memory: every current feature, ready to send, and where the log is.

The state is a copy of what the store holds: rebuilt at start, moved on only by changes that are already durable.
It belongs to the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from geoworks.geo.index import FeatureIndex
from geoworks.model import overlay
from geoworks.model.change import Change, Cursor, Key, Kind, MatchKeys, Record
from geoworks.model.feature import match_keys, render
from geoworks.model.works import Visibility, Works

_HEAD = b'{"type":"FeatureCollection","features":['
_TAIL = b"]}"


class Entry(Struct, frozen=True, gc=False):
    """One current feature: the record, what the matcher needs, the bytes the public gets (empty for a draft).

    `revision` names its last writing where many nodes write; else it is 0.
    """

    record: Record
    keys: MatchKeys
    body: bytes
    revision: int = 0


class Published(Struct, frozen=True):
    """A durable change with the entry after it (None when the feature is gone).

    `durable_s` is when it became durable, in seconds of `time.monotonic`; None when nobody measured it.
    """

    change: Change
    entry: Entry | None
    durable_s: float | None = None


def make_entry(record: Record, revision: int = 0) -> Entry:
    """Render a record for the doors and the matcher."""
    given = overlay.effective(record)
    draft = isinstance(given, Works) and given.visibility is Visibility.DRAFT
    return Entry(record, match_keys(record), b"" if draft else render(record), revision)


class State:
    """All current features by kind and id, with an index of places."""

    def __init__(self, epoch: str, offset: int) -> None:
        """Begin empty at a place in a log."""
        self.cursor = Cursor(epoch, offset)
        self._entries: dict[Kind, dict[str, Entry]] = {kind: {} for kind in Kind}
        self._index: dict[Kind, FeatureIndex] = {kind: FeatureIndex() for kind in Kind}
        self._collections: dict[Kind, tuple[int, bytes]] = {}
        self._touched: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self._changed: dict[Kind, int] = dict.fromkeys(Kind, offset)

    def load(self, records: Iterable[Record]) -> None:
        """Take in records of the store at start."""
        for record in records:
            self._set(make_entry(record))

    def stand(self, records: Iterable[tuple[Record, int]]) -> None:
        """Take in records of a shared store at start, with the revision of each."""
        for record, revision in records:
            self._set(make_entry(record, revision))

    def apply(self, published: Published) -> None:
        """Move on by one durable change; changes come in the order of their offsets."""
        if published.entry is None:
            self._drop(published.change.key)
        else:
            self._set(published.entry)
        self.cursor = Cursor(self.cursor.epoch, published.change.offset)
        self._changed[published.change.key.kind] = published.change.offset

    def replace(self, entry: Entry) -> None:
        """Take the record of a feature whose public face did not change (a new raw hash), if it is still that one."""
        standing = self.get(entry.record.key)
        if standing is not None and standing.revision == entry.revision:
            self._set(entry)

    def get(self, key: Key) -> Entry | None:
        """Return the entry of a feature, or None."""
        return self._entries[key.kind].get(key.id)

    def shows(self, kind: Kind, id_: str) -> bool:
        """Tell whether the public sees a feature now: it exists, is no draft and is not over."""
        entry = self._entries[kind].get(id_)
        return entry is not None and entry.keys.visible

    def of_kind(self, kind: Kind) -> Iterator[Entry]:
        """Yield the entries of a kind."""
        return iter(self._entries[kind].values())

    def count(self, kind: Kind) -> int:
        """Return how many features of a kind there are."""
        return len(self._entries[kind])

    def changed(self, kind: Kind) -> int:
        """Return the offset of the last change of a kind, or of the start when there was none since."""
        return self._changed[kind]

    def index(self, kind: Kind) -> FeatureIndex:
        """Return the index of places of a kind."""
        return self._index[kind]

    def collection(self, kind: Kind) -> bytes:
        """Return everything public and not over of a kind as one GeoJSON FeatureCollection, kept until it changes."""
        kept = self._collections.get(kind)
        if kept is None or kept[0] != self._touched[kind]:
            kept = (self._touched[kind], collect([entry.body for entry in self.of_kind(kind) if entry.keys.visible]))
            self._collections[kind] = kept
        return kept[1]

    def _set(self, entry: Entry) -> None:
        key = entry.record.key
        self._entries[key.kind][key.id] = entry
        self._index[key.kind].put(key.id, entry.keys.geometry)
        self._touched[key.kind] += 1

    def _drop(self, key: Key) -> None:
        if self._entries[key.kind].pop(key.id, None) is not None:
            self._index[key.kind].discard(key.id)
            self._touched[key.kind] += 1


def collect(bodies: Iterable[bytes]) -> bytes:
    """Join ready features into one GeoJSON FeatureCollection."""
    parts = list(bodies) or [b""]
    parts[0] = _HEAD + parts[0]
    parts[-1] += _TAIL
    # One join, so that the whole is copied once: at 10 k features copying is what takes the time.
    return b",".join(parts)
