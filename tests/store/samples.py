"""Records, writes and batches to keep, made by hand or drawn by Hypothesis, and the whole of a store read back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from geoworks.model.change import Change, Derived, Given, Key, Kind, MatchKeys, Reason, Record, Version
from geoworks.model.feature import match_keys
from geoworks.model.impact import Detour, Impact, Restriction, RestrictionType, Unit
from geoworks.model.report import Report, ReportDerived, ReportStep
from geoworks.model.schedule import Day, Schedule, Window
from geoworks.model.works import Effect, TypeOfWork, Works, WorksDerived
from geoworks.model.zone import Zone, ZoneDerived
from geoworks.ports import Batch, Store, Write

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def works_record(number: int = 1, *, title: str = "Réseau d'eau", version: int = 1) -> Record:
    """Make a works near Saint-Michel-sur-Orge, another for each number."""
    line = shapely.LineString([(2.3051, 48.6342), (2.3079, round(48.6351 + number * 1e-6, 6))])
    given = Works(title=title, geometry=line, schedule=Schedule(start=NOON, end=NOON + DAY))
    return Record(
        key=Key(Kind.WORKS, f"voirie:{number}"),
        version=version,
        created=NOON,
        updated=NOON,
        given=given,
        derived=WorksDerived(effects=(Effect("gare", 0.93, length_m=212.4),)),
        source="voirie",
        raw_hash=number.to_bytes(16, "big"),
    )


def put(record: Record, *, before: Record | None = None) -> Write:
    """Make the write that creates a record, or replaces `before`."""
    reason = Reason.UPDATED if before else Reason.CREATED
    return Write(
        key=record.key,
        record=record,
        reason=reason,
        actor="voirie",
        before=match_keys(before) if before else None,
    )


def remove(record: Record) -> Write:
    """Make the write that withdraws a record."""
    return Write(key=record.key, record=None, reason=Reason.WITHDRAWN, actor="voirie", before=match_keys(record))


def logged(change: Change) -> Change:
    """Return a change as the log keeps it."""
    return replace(change, before=logged_keys(change.before))


def logged_keys(keys: MatchKeys | None) -> MatchKeys | None:
    """Return what the log keeps for the matcher: what the driver's filters need is kept in memory only."""
    return None if keys is None else replace(keys, terms=None)


def batch(*writes: Write, at: datetime = NOON) -> Batch:
    """Make a batch of writes."""
    return Batch(writes, at)


class Whole(Struct, frozen=True):
    """Everything a store tells of its features: what stands, the log, the history of what was asked."""

    records: dict[Key, Record]
    changes: Sequence[Change]
    versions: dict[Key, Sequence[Version]]


async def read_records(store: Store) -> dict[Key, Record]:
    """Read all current records by key."""
    return {record.key: record async for chunk in store.records() for record in chunk}


async def read_whole(store: Store, keys: Sequence[Key] = ()) -> Whole:
    """Read everything, with the history of some keys."""
    changes = await store.changes(0, limit=1_000_000)
    return Whole(await read_records(store), changes, {key: await store.versions(key) for key in keys})


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the strategy's
LONLATS = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
POINTS = st.builds(shapely.Point, LONLATS)
LINES = st.lists(LONLATS, min_size=2, max_size=6, unique=True).map(shapely.LineString)
BOXES = st.builds(shapely.box, st.floats(-9, -1), st.floats(-9, -1), st.floats(1, 9), st.floats(1, 9))
GEOMETRIES = st.one_of(POINTS, LINES, BOXES, st.lists(BOXES, min_size=1, max_size=3).map(shapely.MultiPolygon))
# Every value of JSON that can stand in a correction; a whole float would come back as an integer.
PATCHES = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
IMPACTS = st.builds(
    Impact,
    restrictions=st.tuples(
        st.builds(Restriction, st.sampled_from(RestrictionType), st.floats(0, 60), st.just(Unit.METRE))
    ),
    detours=st.lists(st.builds(Detour, TEXTS, st.none() | LINES), max_size=2).map(tuple),
    speed_limit_kmh=st.none() | st.integers(5, 130),
)
WINDOWS = st.builds(
    Window,
    days=st.lists(st.sampled_from(Day), min_size=1, unique=True).map(tuple),
    start=st.just("21:00"),
    end=st.just("06:00"),
    excluded=st.lists(st.dates(), max_size=2).map(tuple),
    impact=st.none() | IMPACTS,
)
WORKS = st.builds(
    Works,
    title=TEXTS,
    geometry=GEOMETRIES,
    schedule=st.builds(Schedule, start=MOMENTS, end=st.none() | MOMENTS, windows=st.tuples(WINDOWS)),
    types_of_work=st.lists(st.sampled_from(TypeOfWork), max_size=2).map(tuple),
    impact=IMPACTS,
    cancelled_at=st.none() | MOMENTS,
)
REPORTS = st.builds(
    Report,
    category=TEXTS,
    geometry=POINTS,
    text=TEXTS,
    steps=st.lists(st.builds(ReportStep, MOMENTS), max_size=2).map(tuple),
)
ZONES = st.builds(Zone, name=TEXTS, geometry=BOXES)
_IDS = st.text("abc:é'\"", min_size=1, max_size=4)
_NAMES = st.lists(TEXTS, max_size=2).map(tuple)
_EFFECTS = st.builds(Effect, TEXTS, st.floats(0, 1), st.none() | st.floats(0, 1e6))
_GIVEN: dict[Kind, Any] = {Kind.WORKS: WORKS, Kind.REPORT: REPORTS, Kind.ZONE: ZONES}
_DERIVED: dict[Kind, Any] = {
    Kind.WORKS: st.builds(WorksDerived, effects=st.lists(_EFFECTS, max_size=2).map(tuple)),
    Kind.REPORT: st.builds(ReportDerived, _NAMES, _NAMES),
    Kind.ZONE: st.builds(ZoneDerived, causes=_NAMES),
}


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a record of any kind."""
    kind = draw(st.sampled_from(Kind))
    given: st.SearchStrategy[Given] = _GIVEN[kind]
    derived: st.SearchStrategy[Derived] = _DERIVED[kind]
    return Record(
        key=Key(kind, draw(_IDS)),
        version=draw(st.integers(1, 2**40)),
        created=draw(MOMENTS),
        updated=draw(MOMENTS),
        given=draw(given),
        derived=draw(derived),
        source=draw(TEXTS),
        overlay=draw(st.none() | PATCHES),
        raw_hash=draw(st.binary(max_size=16)),
    )


MATCH_KEYS = st.builds(MatchKeys, GEOMETRIES, st.booleans(), zones=_NAMES)


def renamed(record: Record, title: str) -> Record:
    """Return the next version of a works with another title."""
    return replace(record, given=replace(record.given, title=title), version=record.version + 1, updated=NOON + DAY)
