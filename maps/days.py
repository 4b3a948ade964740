"""Dates in words for pages that stand still: no "today", for a page may be read long after it was made."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from maps.texts import text

# Works share their dates with many others; this is how many different spans are remembered.
_REMEMBERED = 4096


class Days:
    """Says moments in one language and the town's time.

    >>> from datetime import UTC
    >>> days = Days("en", "Europe/Paris")
    >>> days.moment(datetime(2026, 11, 24, 16, 5, tzinfo=UTC))
    '24 November 2026 at 17:05'
    """

    def __init__(self, language: str, time_zone: str) -> None:
        """Speak `language`, in the IANA time zone `time_zone`."""
        self._language = language
        self._zone = ZoneInfo(time_zone)
        self.span = lru_cache(maxsize=_REMEMBERED)(self._span)

    def moment(self, at: datetime) -> str:
        """Say a moment: 24 novembre 2026 à 17 h 05."""
        local = at.astimezone(self._zone)
        return text(self._language, "months.moment", **self._parts(local))

    def _span(self, start: datetime, end: datetime | None, *, planned: bool) -> str:
        """Say what a reader wants to know of a schedule: the end, and the start of what is still to come."""
        until = self._until(end) if end else ""
        if not planned:
            return until
        begin = text(self._language, "drawn.from", day=self._bound(start.astimezone(self._zone)))
        return ", ".join(filter(None, (begin, until)))

    def _until(self, end: datetime) -> str:
        local = end.astimezone(self._zone)
        if local.time() != time():
            return text(self._language, "drawn.until", day=self._bound(local))
        # An end at midnight is the whole day before it.
        return text(self._language, "drawn.until_day", day=self._bound(local - timedelta(days=1)))

    def _bound(self, local: datetime) -> str:
        parts = self._parts(local)
        name = "drawn.day" if local.time() == time() else "months.moment"
        return text(self._language, name, **parts)

    def _parts(self, local: datetime) -> dict[str, object]:
        first = "1er" if self._language == "fr" and local.day == 1 else local.day
        month = text(self._language, f"months.{local.month}")
        return {"day": first, "month": month, "year": local.year, "hour": local.hour, "minute": f"{local.minute:02}"}
