"""What a batch of many writes makes of the tables, as rows and columns ready to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias, TypeVar

from geoworks.model.change import Key, Record
from geoworks.ports import Batch, Write
from geoworks.store.codec import Row
from geoworks.store.numbering import number
from geoworks.store.postgis.columns import CHANGE, CODEC, VERSION, feature_rows
from geoworks.store.postgis.columns import FEATURE as GIVEN
from geoworks.store.postgis.records import record_bytes

T = TypeVar("T")

FEATURE: Final = (*GIVEN, "revision")
ENTRY: Final = (*CHANGE[1:], "revision")
RECORD: Final = ("revision", "record", "zones_at")
_GEOMETRY: Final = GIVEN.index("geometry")
_GIVEN_GEOMETRY: Final = GIVEN.index("given_geometry")

# Rows encoded at once: arrays pay, the server has work meanwhile, and memory stays bounded in a batch of any size.
_CHUNK = 1_000
# Changed features in a statement. The driver sends no less than four statements at a time: more features in them fill
# the way to the server, so that one waits for the other, and with fewer the statements themselves are what takes time.
_CHANGED = 80


class Fate(NamedTuple):
    """What becomes of a feature: the revision it was read at (0 if it was not), its last write, its revision then."""

    read: int
    last: Write
    revision: int


# A write that leaves a feature or a version, its record, and what becomes of the feature.
Kept: TypeAlias = tuple[Write, Record, Fate]


class Rows(NamedTuple):
    """Rows to be added to a table."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Row]


class Made:
    """What a batch makes. A feature and its versions share columns, so both are made at once."""

    def __init__(self, batch: Batch, revisions: Sequence[int]) -> None:
        """Give each write that makes one its revision, in order; a silent write leaves the feature at what it is at.

        `revisions` has one for each write that is not silent or has no revision to keep.
        """
        self._batch = batch
        self.fates: dict[Key, Fate] = {}
        self.revised: list[int] = []
        fresh = iter(revisions)
        for write in batch.writes:
            before = self.fates.get(write.key)
            read, standing = (before.read, before.revision) if before else (write.revision, write.revision)
            revision = standing if write.silent and standing else next(fresh)
            self.fates[write.key] = Fate(read, write, revision)
            self.revised.append(revision)
        self._new: list[Kept] = []
        self._changed: list[Kept] = []
        for write in batch.writes:
            if write.record is None:
                continue
            fate = self.fates[write.key]
            if write.new_version or write is fate.last:
                (self._changed if fate.read else self._new).append((write, write.record, fate))
        self._versions: list[Row] = []

    @property
    def has_changed(self) -> bool:
        """Tell whether anything that stood is left with something new."""
        return bool(self._changed)

    def told(self, going: Mapping[Key, int]) -> Iterator[Rows]:
        """Yield the log and the records that nodes follow; `going` has the versions of features that go."""
        batch = self._batch
        told = [one for one in zip(batch.writes, self.revised, strict=True) if not one[0].silent]
        changes = number(batch, 0, lambda key: going.get(key, 0))
        for some in _chunks(list(zip(changes, told, strict=True)), _CHUNK):
            entries = CODEC.change_rows([change for change, _ in some])
            yield Rows("log", ENTRY, [(*row[1:], one[1]) for row, (_, one) in zip(entries, some, strict=True)])
            records = record_bytes([write.record for _, (write, _) in some])
            rows = [(one[1], record, batch.zones_at) for (_, one), record in zip(some, records, strict=True)]
            yield Rows("records", RECORD, rows)

    def new(self) -> Iterator[Rows]:
        """Yield the features that did not stand, with their versions."""
        for some in _chunks(self._new, _CHUNK):
            features, versions = self._rows(some)
            yield Rows("features", FEATURE, [row for row, _ in features])
            yield Rows("versions", VERSION, versions)

    def changed(self) -> Iterator[Sequence[Sequence[object] | None]]:
        """Yield columns of those that stood, as `change_features` takes them, in the order of `lock_features`."""
        for some in _chunks(sorted(self._changed, key=_key), _CHANGED):
            features, versions = self._rows(some)
            self._versions += versions
            if features:
                rows, read = zip(*features, strict=True)
                yield *_columns(rows), read

    def versions_of_changed(self) -> Iterator[Rows]:
        """Yield the versions of what `changed` yielded."""
        for some in _chunks(self._versions, _CHUNK):
            yield Rows("versions", VERSION, some)

    def _rows(self, kept: Sequence[Kept]) -> tuple[list[tuple[Row, int]], list[Row]]:
        """Return the rows of features, with the revisions they were read at, and those of versions."""
        features, versions = list[tuple[Row, int]](), list[Row]()
        rows = feature_rows([record for _, record, _ in kept])
        for (write, _, fate), row in zip(kept, rows, strict=True):
            if write is fate.last:
                features.append(((*row, fate.revision), fate.read))
            if write.new_version:
                versions.append(_version_row(write, row, self._batch.at))
        return features, versions


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield as many values at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _key(kept: Kept) -> Key:
    return kept[0].key


def _columns(rows: Sequence[Row]) -> list[Sequence[object] | None]:
    """Turn rows into columns; one with nothing in it is none, for the driver looks at each value."""
    return [None if all(one is None for one in column) else column for column in zip(*rows, strict=True)]


def _version_row(write: Write, feature: Row, at: datetime) -> Row:
    """Return the columns of the version that a write makes, from those of its feature."""
    key_and_version, given_geometry = feature[:3], feature[_GIVEN_GEOMETRY] or feature[_GEOMETRY]
    given, overlay = feature[_GEOMETRY + 1], feature[_GEOMETRY + 2]
    return *key_and_version, at, write.reason.value, CODEC.text(write.actor), given_geometry, given, overlay
