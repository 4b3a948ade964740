"""When the windows of a schedule are on: arithmetic over the local times that people read on their clocks.

The rules:

- A window begins at `start` on each of its days and lasts until `end`; an `end` not after `start` is on the next day,
  and the whole night belongs to the day it begins: its day of the week, its exception, its public holiday.
- A local time that the clocks skip (spring) is the moment they skip at, so a window never ends before it begins, and
  one that lies wholly inside the skipped hour does not take place.
- A local time that the clocks show twice (autumn) is the first time as a beginning and the second as an end: a driver
  is rather told of an hour of works too much than of one too few.
- Public holidays are those of France.
- Where windows overlap, the one that is written first is in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from geoworks.model.impact import Impact
from geoworks.model.schedule import Day, HolidayRule, Schedule, Window

_DAY_MINUTES = 24 * 60
_DAYS = tuple(Day)
_SECOND = timedelta(seconds=1)
# A day, the day on which its night ends, and a whole week after them.
_TELLING_DAYS = 9
# In 12 years each fixed public holiday falls on every day of the week.
_HOLIDAY_YEARS = 12

Occurrence = tuple[datetime, datetime, Window | None]


def period(schedule: Schedule) -> tuple[datetime, datetime | None]:
    """Return the overall period, half-open: what really happened, where it is known, before what was proposed."""
    begin = schedule.start if schedule.actual_start is None else schedule.actual_start
    end = schedule.end if schedule.actual_end is None else schedule.actual_end
    return begin, end


def window_at(schedule: Schedule, at: datetime) -> Window | None:
    """Return the window that is on at a moment (aware), whatever the overall period, or None."""
    zone = schedule.time_zone
    today = _local_day(zone, at)
    for window in schedule.windows:
        for day in (today, today - 1):
            if _takes_place(window, day):
                start, end = _occurrence(zone, day, window)
                if start <= at < end:
                    return window
    return None


def next_boundary(schedule: Schedule, after: datetime, *, general: Impact | None = None) -> datetime | None:
    """Return the next moment (UTC) after another, inside the overall period, at which the windows change something.

    Something changes when none is on any more, when one begins to be, and when the one in force has another impact
    than the one before (`general` is the impact of windows without their own); windows that touch and mean the same
    are one.
    """
    begin, end = period(schedule)
    since = max(after, begin)
    now = _in_force(schedule, since, general)
    for day in _days_of_interest(schedule, since):
        for moment in _moments(schedule, day):
            if end is not None and moment >= end:
                return None
            if moment > since and _in_force(schedule, moment, general) != now:
                return moment
    return None


def next_start(schedule: Schedule, since: datetime) -> datetime | None:
    """Return the first moment (UTC) from `since` on at which the works is on, inside the overall period, or None."""
    begin, end = period(schedule)
    moment: datetime | None = max(since, begin)
    while moment is not None and (end is None or moment < end):
        if not schedule.windows or window_at(schedule, moment):
            return moment.astimezone(UTC)
        moment = next_boundary(schedule, moment)
    return None


def occurrences(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[Occurrence]:
    """Yield when the works is on inside [begin, end) and its overall period, as (start, end, window) in UTC.

    In the order of their starts; without windows it is on all the time, as one occurrence without a window.
    """
    first, last = period(schedule)
    since = max(begin, first)
    until = end if last is None else min(end, last)
    if not schedule.windows and since < until:
        yield since.astimezone(UTC), until.astimezone(UTC), None
    if not schedule.windows or since >= until:
        return
    for day in range(_local_day(schedule.time_zone, since) - 1, _local_day(schedule.time_zone, until) + 1):
        found = [(*_occurrence(schedule.time_zone, day, w), w) for w in schedule.windows if _takes_place(w, day)]
        for start, stop, window in sorted(found, key=lambda item: item[0]):
            if max(start, since) < min(stop, until):
                yield max(start, since).astimezone(UTC), min(stop, until).astimezone(UTC), window


def to_utc(local: datetime, time_zone: str, *, last: bool = False) -> datetime:
    """Return the moment a local time (naive) stands for, in UTC.

    Of a time shown twice the first, or with `last` the second; of a skipped time the moment the clocks skip at.

    >>> to_utc(datetime(2026, 3, 29, 2, 30), "Europe/Paris").isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    zone = ZoneInfo(time_zone)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= second:
        return second if last else first
    # A skipped time, read with the offset of after the skip, lies before it, and the other way round.
    return _skip_between(zone, second, first)


def minutes_of(clock: str) -> int:
    """Return the minutes since midnight of `HH:MM`.

    Raises:
        ValueError: the text is no `HH:MM` from 00:00 to 24:00.

    """
    hours, colon, minutes = clock.partition(":")
    if not (colon and len(clock) == len("HH:MM") and clock.isascii() and hours.isdigit() and minutes.isdigit()):
        raise ValueError(clock)
    total = int(hours) * 60 + int(minutes)
    if int(minutes) >= 60 or total > _DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(clock)
    return total


def is_holiday(day: date) -> bool:
    """Return whether a day is a public holiday in France."""
    return day.toordinal() in _holidays(day.year)


@lru_cache(maxsize=256)
def _span(start: str, end: str) -> tuple[int, int]:
    """Return the minutes since midnight of the first day at which a window begins and ends."""
    first, last = minutes_of(start), minutes_of(end)
    return first, last if last > first else last + _DAY_MINUTES


def _occurrence(zone: str, day: int, window: Window) -> tuple[datetime, datetime]:
    first, last = _span(window.start, window.end)
    return _moment(zone, day, first), _moment(zone, day, last, last=True)


@lru_cache(maxsize=1 << 16)
def _moment(zone: str, day: int, minute: int, *, last: bool = False) -> datetime:
    """Return the moment (UTC) of a minute of a local day (its ordinal); thousands of works share their hours."""
    return to_utc(datetime.fromordinal(day) + timedelta(minutes=minute), zone, last=last)


def _takes_place(window: Window, day: int) -> bool:
    if _DAYS[(day - 1) % 7] not in window.days:
        return False
    if window.excluded and date.fromordinal(day) in window.excluded:
        return False
    return window.holidays is not HolidayRule.SKIP or not is_holiday(date.fromordinal(day))


def _in_force(schedule: Schedule, at: datetime, general: Impact | None) -> tuple[Impact | None] | None:
    window = window_at(schedule, at)
    if window is None:
        return None
    return (general if window.impact is None else window.impact,)


def _moments(schedule: Schedule, day: int) -> list[datetime]:
    """Return the moments of one local day at which a window begins or ends, in order."""
    zone = schedule.time_zone
    moments: set[datetime] = set()
    for window in schedule.windows:
        overnight = _span(window.start, window.end)[1] >= _DAY_MINUTES
        if _takes_place(window, day):
            moments.update(_occurrence(zone, day, window)[: 1 if overnight else 2])
        if overnight and _takes_place(window, day - 1):
            moments.add(_occurrence(zone, day - 1, window)[1])
    return sorted(moments)


def _days_of_interest(schedule: Schedule, since: datetime) -> Iterator[int]:
    """Yield, in order, the local days on which something may change that did not change on the days before.

    A weekly pattern that changes nothing in a week without exceptions never does, until the next exception.
    """
    if not schedule.windows:
        return
    first = _local_day(schedule.time_zone, since)
    looked_at = first + _TELLING_DAYS
    yield from range(first, looked_at)
    for day in sorted(day for day in _days_left_out(schedule, first) if day + _TELLING_DAYS > looked_at):
        yield from range(max(day, looked_at), day + _TELLING_DAYS)
        looked_at = day + _TELLING_DAYS


def _days_left_out(schedule: Schedule, first: int) -> set[int]:
    days = {day.toordinal() for window in schedule.windows for day in window.excluded}
    if any(window.holidays is HolidayRule.SKIP for window in schedule.windows):
        year = date.fromordinal(first).year
        days.update(*map(_holidays, range(year, year + _HOLIDAY_YEARS)))
    return days


def _local_day(zone: str, at: datetime) -> int:
    return at.astimezone(ZoneInfo(zone)).toordinal()


@lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[int]:
    return frozenset(day.toordinal() for day in holidays.country_holidays("FR", years=year))


def _skip_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment (UTC) between two at which the clocks of a zone skip, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
