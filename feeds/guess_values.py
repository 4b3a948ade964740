"""What values mean: impacts as people write them, and how an export writes its dates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from feeds.cells import as_text
from feeds.dates import Written, parse_date, shifted_midnight
from geoworks.errors import Invalid
from geoworks.model.impact import ParkingState, VehicleImpact

# The first that fits is taken, so what is said more exactly stands first.
_IMPACTS = (
    (VehicleImpact.FLAGGING, r"piquets?|\bk ?10\b|manuel"),
    (VehicleImpact.TEMPORARY_TRAFFIC_SIGNAL, r"feux? (tricolore|de chantier|alternat)|alternats? par feux?"),
    (VehicleImpact.ALTERNATING_ONE_WAY, r"alternat|alternee?s?\b|alternating"),
    (
        VehicleImpact.ALL_LANES_CLOSED,
        r"barrage|barre|circulation interdite|interdi\w+ (de|a) .*circul|ferme(ture|es?)?\b|coup[eu]|impasse|clos",
    ),
    (
        VehicleImpact.SOME_LANES_CLOSED,
        r"restr(e|i)|sens unique|demi chaussee|retreci|neutralis|empiet|reduit|reduction|basculement|une voie|narrow",
    ),
    (VehicleImpact.ALL_LANES_OPEN, r"sans (impact|gene|incidence)|aucune?\b|maintenue?\b|normale?\b|no impact|open"),
)
_IMPACT_RULES = tuple((impact, re.compile(pattern)) for impact, pattern in _IMPACTS)
_PARKING = re.compile(r"stationn|parking")
_BARRED = re.compile(r"interdi|suspen|neutralis|supprim")
_WORDS = re.compile(r"[^a-z0-9]+")

# How many dates must agree before an export's habit is taken for known.
_HABIT = 0.9
_MOST = 0.5


def plain(text: str) -> str:
    """Return a text in small letters without accents, its words apart by one blank.

    >>> plain("Demi-chaussée"), plain("BARRAGE_TOTAL")
    ('demi chaussee', 'barrage total')
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    return _WORDS.sub(" ", "".join(letter for letter in letters if not unicodedata.combining(letter))).strip()


def guess_vehicle_impact(text: str) -> VehicleImpact:
    """Return what a wording says of the lanes; unknown when it says nothing of them.

    >>> guess_vehicle_impact("2021 - Circulation alternée").value
    'alternating-one-way'
    """
    words = plain(text)
    if _PARKING.search(words):
        return VehicleImpact.UNKNOWN
    return next((impact for impact, pattern in _IMPACT_RULES if pattern.search(words)), VehicleImpact.UNKNOWN)


def guess_parking(text: str) -> ParkingState:
    """Return what a wording says of parking; unknown when it says nothing of it."""
    words = plain(text)
    return ParkingState.SUSPENDED if _PARKING.search(words) and _BARRED.search(words) else ParkingState.UNKNOWN


def guess_dates(starts: Sequence[Any], ends: Sequence[Any], time_zone: str) -> Mapping[str, Any]:
    """Return the settings of a mapping that fit how an export writes its dates.

    Dates that are nearly all local midnights, or such midnights shifted, are days; a works that ends on the day it
    begins shows that the last day is one of work.
    """
    zone = ZoneInfo(time_zone)
    begun, ended = _written(starts), _written(ends)
    timed = [date.moment for date in (*begun, *ended) if date and date.has_hours]
    if not timed:
        return {"dates": "whole-day"}
    shifted = _share(_is_shifted(moment, zone) for moment in timed)
    settings: dict[str, Any] = {"midnight_shift": True} if shifted >= _MOST else {}
    one_day = any(
        _day(start, zone) == _day(end, zone) for start, end in zip(begun, ended, strict=False) if start and end
    )
    days = _share(_is_midnight(moment, zone) or _is_shifted(moment, zone) for moment in timed)
    if _MOST <= shifted < _HABIT or (days >= _HABIT and one_day):
        settings["dates"] = "whole-day"
    return settings


def _written(values: Iterable[Any]) -> Sequence[Written | None]:
    return [_parse(value) for value in values]


def _parse(value: object) -> Written | None:
    try:
        return parse_date(value) if as_text(value) else None
    except Invalid:
        return None


def _share(flags: Iterable[bool]) -> float:
    found = list(flags)
    return sum(found) / len(found)


def _is_midnight(moment: datetime, zone: ZoneInfo) -> bool:
    return _local(moment, zone).time() == time()


def _is_shifted(moment: datetime, zone: ZoneInfo) -> bool:
    return moment.tzinfo is not None and not _is_midnight(moment, zone) and shifted_midnight(moment, zone) is not None


def _day(written: Written, zone: ZoneInfo) -> object:
    moment = written.moment
    shifted = shifted_midnight(moment.astimezone(UTC), zone) if moment.tzinfo else None
    return (shifted or _local(moment, zone)).date()


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(zone)
