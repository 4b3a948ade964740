"""A small town for tests of the hub: a state and a log in memory, moved on by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import shapely
from msgspec import Struct, structs
from shapely.geometry.base import BaseGeometry

from geoworks.clock import ManualClock
from geoworks.config.settings import Stream
from geoworks.errors import StoreError
from geoworks.hub.hub import Hub
from geoworks.model.change import Change, Given, Key, Kind, Op, Reason, Record
from geoworks.model.impact import Impact
from geoworks.model.report import Report, ReportDerived, ReportStatus
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Direction, Effect, Status, Visibility, Works, WorksDerived
from geoworks.model.zone import Level, Zone, ZoneDerived
from geoworks.state import Entry, Published, State, make_entry

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
GARE = shapely.Point(2.3057, 48.6357)
EPOCH = "epoch1"


class Look(Struct, frozen=True, kw_only=True):
    """What of a works matters to the hub."""

    place: BaseGeometry = GARE
    severity: Severity = Severity.MEDIUM
    status: Status = Status.ACTIVE
    draft: bool = False
    zones: tuple[str, ...] = ()
    title: str = "Réseau d'eau"
    impact: Impact = Impact()
    schedule: Schedule = Schedule(start=NOON)
    direction: Direction = Direction.UNKNOWN


def works_record(id_: str, look: Look, *, version: int = 1) -> Record:
    """Make a works with this look."""
    visibility = Visibility.DRAFT if look.draft else Visibility.PUBLIC
    given = Works(
        title=look.title,
        geometry=look.place,
        schedule=look.schedule,
        impact=look.impact,
        direction=look.direction,
        visibility=visibility,
    )
    effects = tuple(Effect(zone, 1.0) for zone in look.zones)
    transition = look.schedule.start if look.status is Status.PLANNED else None
    derived = WorksDerived(status=look.status, severity=look.severity, next_transition=transition, effects=effects)
    return _record(Key(Kind.WORKS, id_), given, derived, version=version)


def zone_record(id_: str, geometry: BaseGeometry, *, level: Level = Level.FREE) -> Record:
    """Make a zone."""
    return _record(Key(Kind.ZONE, id_), Zone(name=id_, geometry=geometry), ZoneDerived(level=level))


def report_record(id_: str, place: BaseGeometry = GARE, *, status: ReportStatus = ReportStatus.RECEIVED) -> Record:
    """Make a report."""
    return _record(Key(Kind.REPORT, id_), Report(category="road", geometry=place, status=status), ReportDerived())


def _record(key: Key, given: Given, derived: WorksDerived | ReportDerived | ZoneDerived, *, version: int = 1) -> Record:
    return Record(key=key, version=version, created=NOON, updated=NOON, given=given, derived=derived, source="voirie")


class MemoryLog:
    """A log in memory whose oldest entries can be dropped, and that can be `broken`."""

    def __init__(self) -> None:
        """Begin empty."""
        self.entries: list[Change] = []
        self.highest_told = 0
        self.broken: StoreError | None = None

    async def changes(self, after: int, *, limit: int) -> Sequence[Change]:
        """Return the changes with a greater offset, in order, at most `limit`."""
        if self.broken:
            raise self.broken
        late = [change for change in self.entries if change.offset > after][:limit]
        # Like the store, it keeps no terms.
        return [structs.replace(one, before=one.before and structs.replace(one.before, terms=None)) for one in late]

    async def told(self, offset: int) -> None:
        """Note the highest offset ever told to a client."""
        self.highest_told = max(self.highest_told, offset)


class Town:
    """State, log and hub, moved on together."""

    def __init__(self, *, settings: Stream | None = None, tail: int = 10_000) -> None:
        """Begin with nothing; `tail` is how many changes the hub keeps in memory."""
        self.clock = ManualClock(NOON)
        self.state = State(EPOCH, 0)
        self.log = MemoryLog()
        self.hub = Hub(self.state, self.log, settings=settings or Stream(), clock=self.clock, tail=tail)
        self.durable_s: float | None = None
        self._batch: list[Published] = []
        self._offset = 0

    def put(self, record: Record, *, reason: Reason | None = None) -> int:
        """Write a record, to be told by the next `publish`; return the offset of the change."""
        entry = make_entry(record)
        known = self.state.get(record.key) is not None
        return self._write(record.key, Op.PUT, reason or (Reason.UPDATED if known else Reason.CREATED), entry=entry)

    def remove(self, key: Key, *, reason: Reason = Reason.WITHDRAWN) -> int:
        """Write that a feature is gone, to be told by the next `publish`."""
        return self._write(key, Op.REMOVE, reason)

    def publish(self) -> None:
        """Tell what was written."""
        batch, self._batch = self._batch, []
        self.hub.publish(batch)

    def publish_works(self, id_: str, look: Look | None = None) -> int:
        """Write and tell one works; return the offset."""
        offset = self.put(works_record(id_, look or Look()))
        self.publish()
        return offset

    def publish_removal(self, id_: str, *, reason: Reason = Reason.WITHDRAWN) -> int:
        """Write and tell that a works is gone; return the offset."""
        offset = self.remove(Key(Kind.WORKS, id_), reason=reason)
        self.publish()
        return offset

    def _write(self, key: Key, op: Op, reason: Reason, *, entry: Entry | None = None) -> int:
        before = self.state.get(key)
        self._offset += 1
        version = entry.record.version if entry else 1
        change = Change(self._offset, self.clock.now(), key, op, reason, version, before.keys if before else None)
        published = Published(change, entry, self.durable_s)
        self.state.apply(published)
        self.log.entries.append(change)
        self._batch.append(published)
        return self._offset
