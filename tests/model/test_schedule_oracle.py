"""The schedule, minute by minute, against an oracle built on dateutil: its recurrence rules and its time zones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import holidays
from dateutil import rrule, tz
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from shapely import Point

from geoworks.model.impact import Impact, ParkingState, VehicleImpact
from geoworks.model.schedule import Day, HolidayRule, Schedule, Window
from geoworks.model.status import derive, impact_in_force, next_transition, status_at
from geoworks.model.windows import occurrences
from geoworks.model.works import Status, Works

MINUTE = timedelta(minutes=1)
SPAN = 5 * 24 * 60
WEEKDAYS = dict(zip(Day, [rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU], strict=True))
FRENCH_HOLIDAYS = holidays.country_holidays("FR", years=[2025, 2026, 2027])

# Zones with the local days around which something odd happens: both clock changes, or public holidays.
ODD_DAYS = {
    "Europe/Paris": [date(2026, 3, 29), date(2026, 10, 25), date(2026, 7, 14), date(2026, 5, 8), date(2027, 1, 1)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Atlantic/Azores": [date(2026, 3, 29), date(2026, 10, 25)],
    "Africa/Cairo": [date(2026, 4, 24), date(2026, 10, 30)],
    "Asia/Kolkata": [date(2026, 5, 1)],
    "UTC": [date(2026, 3, 29)],
}
CLOCKS = st.one_of(
    st.sampled_from(["00:00", "01:00", "01:30", "02:00", "02:30", "03:00", "03:30", "06:00", "21:00", "23:59"]),
    st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59)),
)
IMPACTS = st.sampled_from(
    [
        Impact(),
        Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED),
        Impact(vehicle_impact=VehicleImpact.FLAGGING, parking=ParkingState.SUSPENDED),
    ]
)


@st.composite
def windows(draw: st.DrawFn, around: date) -> Window:
    """Draw a window, with exceptions near a day."""
    near = st.integers(-3, 3).map(lambda days: around + timedelta(days=days))
    return Window(
        days=tuple(draw(st.lists(st.sampled_from(list(Day)), min_size=1, max_size=7, unique=True))),
        start=draw(CLOCKS),
        end=draw(CLOCKS | st.just("24:00")),
        excluded=tuple(draw(st.lists(near, max_size=2, unique=True))),
        holidays=draw(st.sampled_from(HolidayRule)),
        impact=draw(st.none() | IMPACTS),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Works, datetime]:
    """Draw a works and the midnight (UTC) from which it is watched for five days, an odd day in their middle."""
    zone = draw(st.sampled_from(list(ODD_DAYS)))
    around = draw(st.sampled_from(ODD_DAYS[zone]))
    begin = datetime.combine(around - timedelta(days=2), time(), UTC)
    moments = st.integers(-SPAN, 2 * SPAN).map(lambda minutes: begin + minutes * MINUTE)
    start = draw(moments)
    schedule = Schedule(
        start=start,
        end=draw(st.none() | moments.filter(lambda end: end > start)),
        time_zone=zone,
        windows=tuple(draw(st.lists(windows(around), max_size=3))),
        paused_impact=draw(st.none() | IMPACTS),
        actual_start=draw(st.none() | moments),
        actual_end=draw(st.none() | moments),
    )
    works = Works(
        title="Réseau de chaleur",
        geometry=Point(2.3, 48.6),
        schedule=schedule,
        impact=draw(IMPACTS),
        cancelled_at=draw(st.none() | moments),
    )
    return works, begin


def oracle_moment(local: datetime, zone: str, *, last: bool) -> datetime:
    """Read a local time with dateutil: step over a skipped hour, take the first or second of a doubled one."""
    place = tz.gettz(zone)
    while not tz.datetime_exists(local, place):
        local += MINUTE
    return tz.enfold(local.replace(tzinfo=place), fold=int(last)).astimezone(UTC)


def oracle_spans(window: Window, zone: str, around: date) -> list[tuple[datetime, datetime]]:
    """Return the spans of a window near a day by dateutil's recurrence rules."""
    first = datetime.combine(around - timedelta(days=10), time.fromisoformat(window.start))
    starts = rrule.rruleset()
    starts.rrule(rrule.rrule(rrule.DAILY, dtstart=first, count=30, byweekday=[WEEKDAYS[day] for day in window.days]))
    left_out = [*window.excluded, *(FRENCH_HOLIDAYS if window.holidays is HolidayRule.SKIP else [])]
    for day in left_out:
        starts.exdate(datetime.combine(day, first.time()))
    return [
        (oracle_moment(start, zone, last=False), oracle_moment(oracle_end(start, window), zone, last=True))
        for start in starts
    ]


def oracle_end(start: datetime, window: Window) -> datetime:
    """Return the local end of a window that starts at a local time."""
    tomorrow = start.date() + timedelta(days=1)
    if window.end == "24:00":
        return datetime.combine(tomorrow, time())
    clock = time.fromisoformat(window.end)
    return datetime.combine(start.date() if clock > start.time() else tomorrow, clock)


def oracle_timeline(works: Works, begin: datetime) -> list[tuple[Status, Impact | None]]:
    """Return status and impact in force of every minute."""
    around = begin.date() + timedelta(days=2)
    schedule = works.schedule
    spans = [(window, oracle_spans(window, schedule.time_zone, around)) for window in schedule.windows]
    return [oracle_minute(works, begin + minute * MINUTE, spans) for minute in range(SPAN)]


def oracle_minute(
    works: Works, at: datetime, spans: Sequence[tuple[Window, Sequence[tuple[datetime, datetime]]]]
) -> tuple[Status, Impact | None]:
    """Return status and impact in force at one minute, read from the design's sentence word by word."""
    schedule = works.schedule
    if works.cancelled_at is not None and works.cancelled_at <= at:
        return Status.CANCELLED, None
    over = schedule.actual_end if schedule.actual_end is not None else schedule.end
    if over is not None and over <= at:
        return Status.COMPLETED, None
    if at < (schedule.actual_start if schedule.actual_start is not None else schedule.start):
        return Status.PLANNED, None
    inside = [window for window, pieces in spans if any(start <= at < end for start, end in pieces)]
    if not schedule.windows:
        return Status.ACTIVE, works.impact
    if not inside:
        return Status.PAUSED, schedule.paused_impact
    return Status.ACTIVE, inside[0].impact if inside[0].impact is not None else works.impact


@settings(max_examples=60)
@given(cases())
def test_status_and_impact_agree_with_the_oracle_at_every_minute(case: tuple[Works, datetime]) -> None:
    """At every minute of five days the status and the impact in force are what dateutil says."""
    works, begin = case
    for minute, expected in enumerate(oracle_timeline(works, begin)):
        at = begin + minute * MINUTE
        assert (status_at(works, at), impact_in_force(works, at)) == expected, at


@settings(max_examples=60)
@given(cases(), st.lists(st.integers(0, SPAN - 1), min_size=1, max_size=20))
def test_next_transition_is_the_first_minute_at_which_something_changes(
    case: tuple[Works, datetime], minutes: list[int]
) -> None:
    """The next transition is the first minute with another status or impact than now, and nothing before it."""
    works, begin = case
    timeline = oracle_timeline(works, begin)
    for minute in minutes:
        found = next_transition(works, begin + minute * MINUTE)
        changes = (later for later in range(minute, SPAN) if timeline[later] != timeline[minute])
        first = next(changes, None)
        if first is not None:
            assert found == begin + first * MINUTE
        else:
            assert found is None or found >= begin + SPAN * MINUTE


@settings(max_examples=40)
@given(cases())
def test_occurrences_are_the_minutes_in_which_a_works_is_active(case: tuple[Works, datetime]) -> None:
    """Laid side by side, the occurrences cover exactly the minutes at which an uncancelled works is active."""
    works, begin = case
    works = structs.replace(works, cancelled_at=None)
    covered: set[int] = set()
    for start, end, _ in occurrences(works.schedule, begin, begin + SPAN * MINUTE):
        covered.update(range((start - begin) // MINUTE, (end - begin) // MINUTE))
    timeline = oracle_timeline(works, begin)
    assert covered == {minute for minute, (status, _) in enumerate(timeline) if status is Status.ACTIVE}


@settings(max_examples=40)
@given(cases(), st.integers(0, SPAN - 1))
def test_following_the_transitions_passes_every_change_of_status(case: tuple[Works, datetime], minute: int) -> None:
    """Jumping from transition to transition, as the timetable does, meets every status the oracle sees, in order."""
    works, begin = case
    seen = [status for status, _ in oracle_timeline(works, begin)[minute:]]
    at: datetime | None = begin + minute * MINUTE
    met: list[Status] = []
    while at is not None and at < begin + SPAN * MINUTE:
        status, _, at = derive(works, at)
        met.append(status)
    assert dedupe(met) == dedupe(seen)


def dedupe(statuses: Sequence[Status]) -> list[Status]:
    """Drop the statuses equal to the one before."""
    return [status for place, status in enumerate(statuses) if place == 0 or status is not statuses[place - 1]]
