"""The days and hours of a source, in the many forms that exports write them, as moments in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from geoworks.config.sources import DateKind, Mapping
from geoworks.errors import Invalid, Problem
from geoworks.model.windows import to_utc
from geoworks.pipeline.checks import LATEST

# Beyond these, exports say "no end": 31/12/2999, 31/12/9999.
_NO_END_YEAR = LATEST.year
_FIRST_YEAR, _LAST_YEAR = 1000, 9999

_COMPACT = re.compile(r"\d{8}")
_FRENCH = re.compile(
    r"(\d\d?)[/.-](\d\d?)[/.-](\d{4})"
    r"(?:[ T]+(?:à +)?(\d\d?)[h:](\d\d)?(?::(\d\d))?(?:\.\d+)?)?",
    re.ASCII,
)
# ArcGIS writes milliseconds since 1970; as a day such a number would lie far outside any calendar.
_EPOCH_MS = re.compile(r"\d{12,13}")
_HOUR_CODES = re.compile(r"%[HIXcTR]")


class Written(NamedTuple):
    """What a cell says: naive where it tells no offset, at midnight where it tells no hours."""

    moment: datetime
    has_hours: bool


class Dates:
    """Reads the dates of one source as its mapping says.

    A date without hours is a whole local day in any case; with `whole-day` one with hours is so too. An end at or
    beyond the year 2101 means that there is none.
    """

    def __init__(self, mapping: Mapping, *, time_zone: str) -> None:
        """Take dates without offset in `time_zone` (an IANA name)."""
        self.time_zone = time_zone
        self._zone = ZoneInfo(time_zone)
        self._mapping = mapping
        self._shift = timedelta(hours=mapping.offset_shift_h)

    def read_start(self, value: object) -> datetime:
        """Return the moment something begins at, in UTC.

        Raises:
            Invalid: the value is no date in a form we know, or in `date_format`.

        """
        written = parse_date(value, date_format=self._mapping.date_format)
        # The clocks of a zone can be reckoned within these years, days before and after included.
        if not _FIRST_YEAR <= written.moment.year < _LAST_YEAR:
            raise _no_date(value, self._mapping.date_format)
        local = self._to_local(written)
        if self._is_whole_day(written):
            return self._midnight(local.date())
        return to_utc(local, self.time_zone)

    def read_end(self, value: object) -> datetime | None:
        """Return the moment something ends at, in UTC; None when the date says that no end is set.

        Raises:
            Invalid: the value is no date in a form we know, or in `date_format`.

        """
        written = parse_date(value, date_format=self._mapping.date_format)
        if written.moment.year >= _NO_END_YEAR:
            return None
        if written.moment.year < _FIRST_YEAR:
            raise _no_date(value, self._mapping.date_format)
        local = self._to_local(written)
        if self._is_whole_day(written):
            return self._midnight(local.date() + timedelta(days=self._mapping.end_inclusive))
        return to_utc(local, self.time_zone, last=True)

    def _to_local(self, written: Written) -> datetime:
        """Return what a cell says as local time (naive)."""
        if not written.has_hours:
            return written.moment
        moment = written.moment + self._shift
        if moment.tzinfo is None:
            return moment
        midnight = shifted_midnight(moment, self._zone) if self._mapping.midnight_shift else None
        return midnight or moment.astimezone(self._zone).replace(tzinfo=None)

    def _is_whole_day(self, written: Written) -> bool:
        return not written.has_hours or self._mapping.dates is DateKind.WHOLE_DAY

    def _midnight(self, day: date) -> datetime:
        return to_utc(datetime.combine(day, time()), self.time_zone)


def parse_date(value: object, *, date_format: str = "") -> Written:
    """Return what a cell says, taken literally.

    Without a format: ISO 8601, `YYYYMMDD`, `YYYY/MM/DD HH:MM:SS.000`, `dd/mm/yyyy`, `dd/mm/yyyy HH:MM` (or `HHhMM`),
    milliseconds since 1970.

    Raises:
        Invalid: it is none of these, or not in `date_format`.

    """
    text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()
    try:
        if date_format:
            return Written(datetime.strptime(text, date_format), bool(_HOUR_CODES.search(date_format)))  # noqa: DTZ007 - the mapping names the zone
        return _parse_known(text)
    except (ValueError, OverflowError) as error:
        raise _no_date(value, date_format) from error


def shifted_midnight(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the local midnight (naive) that an exporter wrote as another moment, or None when it is none.

    Two faults are common: midnight with UTC's name on it (00:00Z), and midnight moved by the zone's offset the wrong
    way (01:00Z in winter, 02:00Z in summer, of a zone that is at +01:00 and +02:00).
    """
    wall = moment.astimezone(UTC).replace(tzinfo=None)
    offset = wall.replace(tzinfo=zone).utcoffset() or timedelta()
    return next((local for local in (wall, wall - offset) if local.time() == time()), None)


def _parse_known(text: str) -> Written:
    if _COMPACT.fullmatch(text):
        return Written(datetime.strptime(text, "%Y%m%d"), has_hours=False)  # noqa: DTZ007 - local by nature
    if match := _FRENCH.fullmatch(text):
        day, month, year, hour, minute, second = (int(number or 0) for number in match.groups())
        return Written(datetime(year, month, day, hour, minute, second), match[4] is not None)  # noqa: DTZ001 - local by nature
    if _EPOCH_MS.fullmatch(text):
        return Written(datetime.fromtimestamp(int(text) / 1000, UTC), has_hours=True)
    plain = text.replace("/", "-")
    return Written(datetime.fromisoformat(plain), len(plain) > len("YYYY-MM-DD"))


def _no_date(value: object, date_format: str) -> Invalid:
    mend = f"write it as {date_format}" if date_format else "write it as 2026-12-04 or 04/12/2026, or set date_format"
    return Invalid(Problem("", f"{str(value)[:40]!r} is no date", mend))
