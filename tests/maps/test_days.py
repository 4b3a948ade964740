"""Dates on pages that stand still."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maps.days import Days

_PARIS_MIDNIGHT = datetime(2026, 11, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "planned", "said"),
    [
        ("fr", False, "jusqu’au 30 novembre 2026 inclus"),
        ("fr", True, "à partir du 1er octobre 2026 à 8 h 00, jusqu’au 30 novembre 2026 inclus"),
        ("en", False, "until the end of 30 November 2026"),
    ],
)
def test_an_end_at_midnight_is_the_whole_day_before(language: str, said: str, *, planned: bool) -> None:
    """What ends when the first of December begins in town is on until the thirtieth included."""
    days = Days(language, "Europe/Paris")
    assert days.span(datetime(2026, 10, 1, 6, tzinfo=UTC), _PARIS_MIDNIGHT, planned=planned) == said


def test_an_end_by_day_is_told_with_its_hour() -> None:
    """The hour is the town's, winter or summer."""
    days = Days("fr", "Europe/Paris")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    winter, summer = datetime(2026, 12, 4, 16, 30, tzinfo=UTC), datetime(2026, 7, 1, 16, 30, tzinfo=UTC)
    assert days.span(start, winter, planned=False) == "jusqu’au 4 décembre 2026 à 17 h 30"
    assert days.span(start, summer, planned=False) == "jusqu’au 1er juillet 2026 à 18 h 30"


def test_without_an_end_only_what_is_to_come_has_a_date() -> None:
    """Nothing is made up for works whose end nobody knows."""
    days = Days("en", "Europe/Paris")
    assert days.span(_PARIS_MIDNIGHT, None, planned=False) == ""
    assert days.span(_PARIS_MIDNIGHT, None, planned=True) == "from 1 December 2026"
