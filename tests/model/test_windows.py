"""Windows on the nights and days that go wrong elsewhere, by examples whose answers stand in the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.model.impact import Impact, VehicleImpact
from geoworks.model.schedule import Day, HolidayRule, Schedule, Window
from geoworks.model.windows import is_holiday, minutes_of, next_boundary, occurrences, period, to_utc, window_at

WEEK = tuple(Day)
WORKDAYS = WEEK[:5]
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def utc(text: str) -> datetime:
    """Read a moment in UTC such as `2026-03-28T20:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def year_of(*windows: Window, zone: str = "Europe/Paris") -> Schedule:
    """Return a schedule over 2026."""
    return Schedule(*YEAR, time_zone=zone, windows=windows)


def spans(schedule: Schedule, begin: str, end: str) -> list[tuple[datetime, datetime]]:
    """Return start and end of the occurrences between two moments in UTC."""
    return [(start, stop) for start, stop, _ in occurrences(schedule, utc(begin), utc(end))]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # The night of 28 to 29 March has no 02:00 to 03:00.
        ("21:00", "06:00", [("2026-03-28T20:00", "2026-03-29T04:00")]),
        ("21:00", "02:30", [("2026-03-28T20:00", "2026-03-29T01:00")]),
        ("21:00", "02:00", [("2026-03-28T20:00", "2026-03-29T01:00")]),
        ("21:00", "03:00", [("2026-03-28T20:00", "2026-03-29T01:00")]),
    ],
)
def test_a_night_that_loses_an_hour(start: str, end: str, expected: list[tuple[str, str]]) -> None:
    """In the spring night an end that the clocks skip is the moment they skip at."""
    schedule = year_of(Window((Day.SAT,), start, end))
    assert spans(schedule, "2026-03-28T12:00", "2026-03-29T12:00") == [(utc(a), utc(b)) for a, b in expected]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("02:30", "06:00", [("2026-03-29T01:00", "2026-03-29T04:00")]),
        ("02:30", "03:15", [("2026-03-29T01:00", "2026-03-29T01:15")]),
        ("02:00", "03:00", []),
        ("02:15", "02:45", []),
    ],
)
def test_a_window_that_begins_in_the_skipped_hour(start: str, end: str, expected: list[tuple[str, str]]) -> None:
    """It begins when the clocks skip; wholly inside the skipped hour it does not take place."""
    schedule = year_of(Window((Day.SUN,), start, end))
    assert spans(schedule, "2026-03-28T12:00", "2026-03-29T12:00") == [(utc(a), utc(b)) for a, b in expected]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # The night of 24 to 25 October has 02:00 to 03:00 twice: at 00:00 and at 01:00 UTC.
        ("21:00", "06:00", ("2026-10-24T19:00", "2026-10-25T05:00")),
        ("21:00", "02:30", ("2026-10-24T19:00", "2026-10-25T01:30")),
        ("21:00", "01:59", ("2026-10-24T19:00", "2026-10-24T23:59")),
        ("21:00", "03:00", ("2026-10-24T19:00", "2026-10-25T02:00")),
    ],
)
def test_a_night_that_has_an_hour_twice(start: str, end: str, expected: tuple[str, str]) -> None:
    """In the autumn night an end that the clocks show twice is the second time."""
    schedule = year_of(Window((Day.SAT,), start, end))
    assert spans(schedule, "2026-10-24T12:00", "2026-10-25T12:00") == [(utc(expected[0]), utc(expected[1]))]


def test_a_window_that_begins_in_the_doubled_hour_begins_the_first_time() -> None:
    """A beginning that the clocks show twice is the first time, so the window lasts an hour longer."""
    schedule = year_of(Window((Day.SUN,), "02:15", "02:45"))
    expected = [(utc("2026-10-25T00:15"), utc("2026-10-25T01:45"))]
    assert spans(schedule, "2026-10-24T12:00", "2026-10-25T12:00") == expected


def test_a_night_belongs_to_the_day_it_begins() -> None:
    """Friday's night is on at three on Saturday morning, though Saturday is no day of the window."""
    friday_night = year_of(Window((Day.FRI,), "21:00", "06:00"))
    assert window_at(friday_night, utc("2026-06-13T01:00")) is friday_night.windows[0]
    assert window_at(friday_night, utc("2026-06-13T20:00")) is None


def test_an_exception_takes_the_whole_night_with_it() -> None:
    """The night that begins on the excepted day is left out, the night that ends on it is not."""
    schedule = year_of(Window(WEEK, "21:00", "06:00", excluded=(date(2026, 6, 10),)))
    starts = [start for start, _ in spans(schedule, "2026-06-09T12:00", "2026-06-12T12:00")]
    assert starts == [utc("2026-06-09T19:00"), utc("2026-06-11T19:00")]


def test_public_holidays_are_skipped_where_the_window_says_so() -> None:
    """On 14 July, a Tuesday, only the window with the rule `same` takes place."""
    skip = year_of(Window(WORKDAYS, "08:00", "17:00", holidays=HolidayRule.SKIP))
    same = year_of(Window(WORKDAYS, "08:00", "17:00"))
    assert window_at(skip, utc("2026-07-14T10:00")) is None
    assert window_at(same, utc("2026-07-14T10:00")) is same.windows[0]
    assert window_at(skip, utc("2026-07-15T10:00")) is skip.windows[0]


def test_the_movable_holidays_of_france_are_known() -> None:
    """Easter Monday, Ascension and Pentecost Monday of 2026 are holidays; Good Friday is one in Alsace only."""
    assert all(map(is_holiday, [date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25)]))
    assert not is_holiday(date(2026, 4, 3))


def test_midnight_to_midnight_is_the_whole_day() -> None:
    """00:00 to 24:00 lasts the local day, which has 23 hours in the spring night."""
    schedule = year_of(Window((Day.SUN,), "00:00", "24:00"))
    [(start, end)] = spans(schedule, "2026-03-28T00:00", "2026-03-31T00:00")
    assert (start, end - start) == (utc("2026-03-28T23:00"), timedelta(hours=23))


def test_days_that_touch_are_one_stretch_without_a_boundary() -> None:
    """Every day from midnight to midnight never changes anything, however far one looks."""
    assert next_boundary(Schedule(YEAR[0], windows=(Window(WEEK, "00:00", "24:00"),)), utc("2026-06-01T00:00")) is None


def test_a_day_left_out_years_ahead_is_found() -> None:
    """A single exception far away is the next boundary of windows that are on all the time."""
    far = Schedule(YEAR[0], windows=(Window(WEEK, "00:00", "24:00", excluded=(date(2060, 3, 1),)),))
    assert next_boundary(far, utc("2026-06-01T00:00")) == utc("2060-02-29T23:00")
    assert next_boundary(far, utc("2060-02-29T23:00")) == utc("2060-03-01T23:00")


def test_a_night_left_out_years_ahead_is_missing_on_the_next_day() -> None:
    """Where another window covers the evening, the night that is left out shows only after midnight."""
    night = Window(WEEK, "20:00", "06:00", excluded=(date(2060, 6, 1),))
    schedule = Schedule(YEAR[0], windows=(night, Window(WEEK, "05:00", "24:00")))
    assert next_boundary(schedule, utc("2026-06-01T00:00")) == utc("2060-06-01T22:00")


def test_many_exceptions_in_a_row_are_looked_past() -> None:
    """A weekly window that is left out for months is found when it takes place again."""
    mondays = tuple(date(2026, 6, 1) + timedelta(weeks=week) for week in range(20))
    schedule = Schedule(YEAR[0], windows=(Window((Day.MON,), "08:00", "17:00", excluded=mondays),))
    assert next_boundary(schedule, utc("2026-05-26T00:00")) == utc("2026-10-19T06:00")


def test_a_holiday_months_ahead_is_found() -> None:
    """Windows that are on all the time except on holidays pause on the next one."""
    schedule = Schedule(YEAR[0], windows=(Window(WEEK, "08:00", "08:00", holidays=HolidayRule.SKIP),))
    assert next_boundary(schedule, utc("2026-08-20T00:00")) == utc("2026-11-01T07:00")


def test_what_begins_before_a_night_ends_comes_first() -> None:
    """An hour of flagging in the night is the next boundary, not the end of the night."""
    flagging = Window(WEEK, "03:00", "04:00", impact=Impact(VehicleImpact.FLAGGING))
    schedule = year_of(flagging, Window(WEEK, "21:00", "06:00"))
    assert next_boundary(schedule, utc("2026-06-10T20:00")) == utc("2026-06-11T01:00")


def test_the_night_that_is_on_belongs_to_the_occurrences() -> None:
    """Asked for from the middle of a night, its rest is the first occurrence."""
    schedule = year_of(Window((Day.FRI,), "21:00", "06:00"))
    expected = [(utc("2026-06-13T01:00"), utc("2026-06-13T04:00"))]
    assert spans(schedule, "2026-06-13T01:00", "2026-06-14T00:00") == expected


def test_windows_that_mean_the_same_have_no_boundary_between_them() -> None:
    """Where one window follows another with the same impact nothing changes; with another impact it does."""
    closed = Impact(vehicle_impact=VehicleImpact.ALL_LANES_CLOSED)
    both = (Window(WEEK, "08:00", "12:00", impact=closed), Window(WEEK, "12:00", "17:00"))
    at = utc("2026-06-10T07:00")
    assert next_boundary(year_of(*both), at, general=closed) == utc("2026-06-10T15:00")
    assert next_boundary(year_of(*both), at, general=Impact()) == utc("2026-06-10T10:00")


def test_boundaries_end_with_the_period() -> None:
    """No boundary is found at or after the end of the overall period."""
    schedule = Schedule(YEAR[0], utc("2026-06-10T15:00"), windows=(Window(WEEK, "08:00", "17:00"),))
    assert next_boundary(schedule, utc("2026-06-10T07:00")) is None
    assert next_boundary(Schedule(*YEAR), utc("2026-06-10T07:00")) is None


def test_the_period_is_what_really_happened_where_that_is_known() -> None:
    """The actual start and end come before the proposed ones."""
    begun, ended = utc("2026-02-01T00:00"), utc("2026-03-01T00:00")
    assert period(Schedule(*YEAR)) == YEAR
    assert period(Schedule(*YEAR, actual_start=begun, actual_end=ended)) == (begun, ended)


def test_occurrences_are_cut_to_the_period_and_the_question() -> None:
    """Nothing outside the overall period or the asked span is told; without windows it is one stretch."""
    open_end = Schedule(utc("2026-06-10T09:00"), windows=(Window(WEEK, "08:00", "17:00"),))
    assert spans(open_end, "2026-06-09T00:00", "2026-06-10T12:00") == [
        (utc("2026-06-10T09:00"), utc("2026-06-10T12:00"))
    ]
    assert spans(Schedule(*YEAR), "2025-06-01T00:00", "2026-02-01T00:00") == [(YEAR[0], utc("2026-02-01T00:00"))]
    assert spans(Schedule(*YEAR), "2025-06-01T00:00", "2025-07-01T00:00") == []


@pytest.mark.parametrize(
    "text", ["25:00", "24:01", "9:00", "09:60", "09-00", "", "0900", "\u0660\u0669:00", "-1:00", "09:00:00"]
)
def test_hours_that_are_none_are_refused(text: str) -> None:
    """Only HH:MM from 00:00 to 24:00 is a time of day."""
    with pytest.raises(ValueError, match=r".*"):
        minutes_of(text)


@pytest.mark.parametrize(
    ("local", "last", "expected"),
    [
        ("2026-06-10T12:00", False, "2026-06-10T10:00"),
        ("2026-03-29T02:30", False, "2026-03-29T01:00"),
        ("2026-03-29T02:30", True, "2026-03-29T01:00"),
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),
    ],
)
def test_local_times_have_one_moment(local: str, last: bool, expected: str) -> None:  # noqa: FBT001 - a parameter of the case
    """A skipped time is the skip, a doubled one its first or last showing."""
    assert to_utc(datetime.fromisoformat(local), "Europe/Paris", last=last) == utc(expected)


def test_a_day_that_a_country_skipped_is_the_moment_it_skipped() -> None:
    """Samoa had no 30 December 2011; its noon is the midnight at which the clocks went on to the 31st."""
    assert to_utc(datetime.fromisoformat("2011-12-30T12:00"), "Pacific/Apia") == utc("2011-12-30T10:00")


HALF_HOUR = timedelta(minutes=30)
SPAN = 60 * 48
half_hours = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 30]))
# Single days, or every so many days for weeks on end.
exceptions = st.lists(st.dates(date(2026, 9, 20), date(2026, 11, 25)), max_size=30).map(tuple) | st.builds(
    lambda first, every: tuple(first + timedelta(days=every * number) for number in range(6)),
    st.dates(date(2026, 9, 20), date(2026, 10, 10)),
    st.sampled_from([1, 7]),
)
long_lasting = st.builds(
    Window,
    days=st.lists(st.sampled_from(Day), min_size=1, unique=True).map(tuple) | st.just(WEEK),
    start=half_hours,
    end=half_hours | st.just("24:00"),
    excluded=exceptions,
    holidays=st.sampled_from(HolidayRule),
    impact=st.sampled_from([None, Impact(VehicleImpact.FLAGGING)]),
)


@given(st.lists(long_lasting, min_size=1, max_size=3).map(tuple), st.integers(0, 47))
def test_the_next_boundary_is_the_first_change_of_two_months(windows: tuple[Window, ...], step: int) -> None:
    """Looked up every half hour, nothing changes before the boundary and something does at it."""
    schedule = year_of(*windows)
    since = utc("2026-09-22T00:00") + step * HALF_HOUR
    expected = next((at for at in half_hours_after(since) if told(schedule, at) != told(schedule, since)), None)
    found = next_boundary(schedule, since)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found >= since + SPAN * HALF_HOUR


def half_hours_after(since: datetime) -> list[datetime]:
    """Return the half hours of two months."""
    return [since + step * HALF_HOUR for step in range(1, SPAN)]


def told(schedule: Schedule, at: datetime) -> tuple[bool, Impact | None]:
    """Return whether a window is on, and its own impact."""
    window = window_at(schedule, at)
    return window is not None, window.impact if window else None
