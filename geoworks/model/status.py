"""Where a works is in its schedule at a moment, what road users meet then, and when that changes next.

Everything here is derived from the given fields and a moment; nothing is ever typed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from geoworks.model.change import Terms
from geoworks.model.impact import Impact
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity, headline
from geoworks.model.windows import Occurrence, next_boundary, next_start, occurrences, period, window_at
from geoworks.model.works import Status, Works

_INSTANT = timedelta(microseconds=1)


def status_at(works: Works, at: datetime) -> Status:
    """Return the status at a moment (aware).

    Cancelled comes before completed, completed before planned, so contradicting dates never keep a works on the map.
    An open end never comes.
    """
    begin, end = period(works.schedule)
    if works.cancelled_at is not None and works.cancelled_at <= at:
        return Status.CANCELLED
    if end is not None and end <= at:
        return Status.COMPLETED
    if at < begin:
        return Status.PLANNED
    if not works.schedule.windows or window_at(works.schedule, at):
        return Status.ACTIVE
    return Status.PAUSED


def impact_in_force(works: Works, at: datetime) -> Impact | None:
    """Return what road users meet at a moment; None before, after, and in pauses of which nothing remains."""
    status = status_at(works, at)
    if status is Status.PAUSED:
        return works.schedule.paused_impact
    return _active_impact(works, at) if status is Status.ACTIVE else None


def next_transition(works: Works, at: datetime) -> datetime | None:
    """Return the first moment after another at which the status or the impact in force changes by itself, or None."""
    return min(_transitions(works, at, status_at(works, at)), default=None)


def derive(works: Works, at: datetime) -> tuple[Status, Severity, datetime | None]:
    """Return status, headline severity and next transition at a moment.

    The severity is the car's: of the impact in force while active, of the worst impact it will have while planned or
    paused, and of the general impact when nothing comes any more.
    """
    status = status_at(works, at)
    return status, _severity(works, at, status), min(_transitions(works, at, status), default=None)


def terms_of(works: Works, status: Status, until: datetime | None) -> Terms:
    """Return what the driver's filters need of a works that has a status until its next transition."""
    schedule = works.schedule
    if status is Status.ACTIVE:
        # Just before it changes it is still what it is now.
        inside = until - _INSTANT if until is not None else period(schedule)[0]
        return Terms(works, (_active_impact(works, inside),), in_force=True, begins=None)
    coming = (works.impact, *(window.impact for window in schedule.windows if window.impact is not None))
    remaining = schedule.paused_impact if status is Status.PAUSED else None
    begins = next_start(schedule, until) if until is not None and not status.over else None
    impacts = coming if remaining is None else (*coming, remaining)
    return Terms(works, impacts, in_force=remaining is not None, begins=begins)


def impacts_between(works: Works, begin: datetime, end: datetime) -> tuple[Impact, ...]:
    """Return what road users may meet at a works inside [begin, end), each once; nothing when it is not on then."""
    schedule = works.schedule
    on = list(occurrences(schedule, begin, end))
    found = [works.impact if window is None or window.impact is None else window.impact for _, _, window in on]
    if schedule.paused_impact is not None and _pauses(schedule, begin, end, on):
        found.append(schedule.paused_impact)
    return tuple(found)


def end_unconfirmed(works: Works, at: datetime) -> bool:
    """Return whether the works counts as completed only because a planned end passed that nobody verified."""
    schedule = works.schedule
    known = schedule.end_verified or schedule.actual_end is not None
    return not known and status_at(works, at) is Status.COMPLETED


def _active_impact(works: Works, at: datetime) -> Impact:
    window = window_at(works.schedule, at)
    return works.impact if window is None or window.impact is None else window.impact


def _pauses(schedule: Schedule, begin: datetime, end: datetime, on: Sequence[Occurrence]) -> bool:
    """Tell whether some of [begin, end) lies in the overall period and in no occurrence."""
    first, last = period(schedule)
    moment, end = max(begin, first), end if last is None else min(end, last)
    for start, stop, _ in on:
        if moment < min(start, end):
            return True
        moment = max(moment, stop)
    return moment < end


def _transitions(works: Works, at: datetime, status: Status) -> Iterator[datetime]:
    """Yield the moments after `at` at which something changes; the first of them is the next transition."""
    if status is Status.CANCELLED:
        return
    if works.cancelled_at is not None:
        yield works.cancelled_at
    begin, end = period(works.schedule)
    if end is not None and status is not Status.COMPLETED:
        yield end
    if status is Status.PLANNED:
        yield begin
    if status in {Status.ACTIVE, Status.PAUSED}:
        boundary = next_boundary(works.schedule, at, general=works.impact)
        if boundary is not None:
            yield boundary


def _severity(works: Works, at: datetime, status: Status) -> Severity:
    if status is Status.ACTIVE:
        return headline(_active_impact(works, at))
    if status.over:
        return headline(works.impact)
    own = [window.impact for window in works.schedule.windows if window.impact is not None]
    return max(map(headline, [works.impact, *own]), key=lambda severity: severity.rank)
