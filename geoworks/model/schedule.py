"""When a works is on: the overall period, and the recurring windows within it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from geoworks.model.impact import Impact


class Day(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class HolidayRule(StrEnum):
    """What a public holiday does to a window."""

    SAME = "same"
    SKIP = "skip"


class Window(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to", "excluded": "except"},
    gc=False,
):
    """Recurring hours on some days, in the schedule's local time.

    `start` and `end` are `HH:MM` (`24:00` is allowed as an end); an `end` not after `start` is on the next day,
    and the whole night belongs to the day it starts. `excluded` dates are days on which it does not start.
    """

    days: tuple[Day, ...]
    start: str
    end: str
    excluded: tuple[date, ...] = ()
    holidays: HolidayRule = HolidayRule.SAME
    impact: Impact | None = None


class Schedule(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The proposed period, half-open, and what really happened, kept apart; all aware, UTC.

    Without windows the works is on from start to end. `paused_impact` is what remains between windows
    (parking may stay suspended); without it nothing remains.
    """

    start: datetime
    end: datetime | None = None
    time_zone: str = "Europe/Paris"
    windows: tuple[Window, ...] = ()
    paused_impact: Impact | None = None
    actual_start: datetime | None = None
    actual_end: datetime | None = None
    start_verified: bool = False
    end_verified: bool = False
