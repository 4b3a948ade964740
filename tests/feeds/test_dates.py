"""Dates in every form that exports write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.dates import Dates, parse_date, shifted_midnight
from geoworks.config.sources import DateKind, Mapping
from geoworks.errors import Invalid

PARIS = ZoneInfo("Europe/Paris")
days = st.dates(date(2000, 1, 1), date(2090, 12, 31))


def dates(**settings: object) -> Dates:
    """Return a reader of dates in Paris."""
    return Dates(Mapping(**settings), time_zone="Europe/Paris")  # type: ignore[arg-type]  # any settings of a test


def local(*parts: int) -> datetime:
    """Return a moment in Paris."""
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[arg-type,misc]  # year, month, day, hour...


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2018-05-02T11:00:00+09:00", local(2018, 5, 2, 4)),
        ("2024-03-18T01:00:00Z", local(2024, 3, 18, 2)),
        ("2024-03-18T01:00:00.123+00", local(2024, 3, 18, 2) + timedelta(milliseconds=123)),
        ("2026-11-24 21:30", local(2026, 11, 24, 21, 30)),
        ("2026/11/24 21:30:00.000", local(2026, 11, 24, 21, 30)),
        ("24/11/2026 21:30", local(2026, 11, 24, 21, 30)),
        ("24/11/2026 à 21h30", local(2026, 11, 24, 21, 30)),
        ("24/11/2026 21h", local(2026, 11, 24, 21)),
        (1795552200000, local(2026, 11, 24, 21, 30)),
    ],
)
def test_moments_in_every_form(written: object, meant: datetime) -> None:
    """A moment is what it says, in the source's zone where it names no offset."""
    assert dates().read_start(written) == meant
    assert dates().read_end(written) == meant


@pytest.mark.parametrize(
    "written", ["2026-12-04", "20261204", 20261204, 20261204.0, "04/12/2026", "4/12/2026", "2026/12/04"]
)
def test_days_in_every_form(written: object) -> None:
    """A date without hours is a whole local day: an end on 4 December means until 5 December 00:00."""
    assert dates().read_start(written) == local(2026, 12, 4)
    assert dates().read_end(written) == local(2026, 12, 5)
    assert dates(end_inclusive=False).read_end(written) == local(2026, 12, 4)


@pytest.mark.parametrize(
    "written",
    ["bientôt", "31/02/2026", "0001-01-01", "9999-12-31T23:00:00-09:00", "20261332", "12", "2026-13-01", "", 7.5],
)
def test_what_is_no_date_is_refused_with_the_form_expected(written: object) -> None:
    """Nonsense is told with what to write."""
    with pytest.raises(Invalid, match=r"is no date .write it as"):
        dates().read_start(written)


def test_a_format_of_its_own() -> None:
    """With `date_format` only that form is taken, with or without hours."""
    american = dates(date_format="%m/%d/%Y")
    assert american.read_end("12/04/2026") == local(2026, 12, 5)
    assert dates(date_format="%d.%m.%y %H:%M").read_end("04.12.26 17:00") == local(2026, 12, 4, 17)
    with pytest.raises(Invalid, match="write it as %m/%d/%Y"):
        american.read_start("2026-12-04")


@pytest.mark.parametrize("written", ["9999-12-31", "31/12/2999", "9999-12-31T23:59:59Z", "21010101"])
def test_far_ends_are_no_ends(written: str) -> None:
    """What exports write for "no end" is none; it is no start either."""
    assert dates().read_end(written) is None


@given(days)
def test_whole_days_are_the_local_days_of_their_moments(day: date) -> None:
    """With `whole-day` a moment counts for its local day, at any hour of it."""
    whole = dates(dates=DateKind.WHOLE_DAY)
    midnight = datetime(day.year, day.month, day.day, tzinfo=PARIS)
    next_day = day + timedelta(days=1)
    for hour in (0, 12, 23):
        written = midnight.replace(hour=hour).astimezone(UTC).isoformat()
        assert whole.read_start(written) == midnight
        assert whole.read_end(written) == datetime(next_day.year, next_day.month, next_day.day, tzinfo=PARIS)


@given(days, st.sampled_from(["right", "named UTC", "shifted the wrong way"]))
def test_shifted_midnights_become_midnight_again(day: date, fault: str) -> None:
    """Local midnights come back whichever way an exporter wrote them, in winter, in summer, on the nights between."""
    wall = datetime(day.year, day.month, day.day, tzinfo=UTC)
    midnight = wall.replace(tzinfo=PARIS)
    written = {
        "right": midnight.astimezone(UTC),
        "named UTC": wall,
        "shifted the wrong way": wall + (wall.replace(tzinfo=PARIS).utcoffset() or timedelta()),
    }[fault]
    assert dates(midnight_shift=True).read_start(written.isoformat()) == midnight


def test_other_hours_are_not_shifted() -> None:
    """Mending midnights leaves every other hour as it is."""
    assert dates(midnight_shift=True).read_start("2026-11-24T08:00:00Z") == local(2026, 11, 24, 9)
    assert shifted_midnight(datetime(2026, 11, 24, 8, tzinfo=UTC), PARIS) is None


def test_an_exporters_fault_is_undone() -> None:
    """`offset_shift_h` moves every moment, and no day."""
    shifted = dates(offset_shift_h=-9)
    assert shifted.read_start("2026-11-24T17:00:00Z") == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert shifted.read_start("2026-11-24") == local(2026, 11, 24)


def test_times_the_clock_shows_twice_or_never() -> None:
    """Of an hour shown twice a start is the first and an end the second; a skipped one is the skip."""
    assert dates().read_start("2026-10-25T02:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert dates().read_end("2026-10-25T02:30:00") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert dates().read_start("2026-03-29T02:30:00") == datetime(2026, 3, 29, 1, tzinfo=UTC)


@given(st.text(max_size=30) | st.floats() | st.integers() | st.booleans())
def test_any_cell_is_a_date_or_refused(cell: object) -> None:
    """No cell makes the reader fall over."""
    try:
        written = parse_date(cell)
        dates(midnight_shift=True).read_start(cell)
        dates(dates=DateKind.WHOLE_DAY).read_end(cell)
    except Invalid as error:
        assert error.problems[0].mend  # noqa: PT017 - any outcome is fine, an explained one most
    else:
        assert isinstance(written.moment, datetime)
