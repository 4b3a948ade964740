"""What a receiver asks for by `Retry-After` (RFC 9110, section 10.2.3): seconds, or the date when to come back."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def asked_wait_s(text: str, *, now: datetime) -> float:
    """Return how many seconds from `now` on the receiver asks to wait: 0 when the value says nothing or is past.

    Dates are taken in all three forms of section 5.6.7. The sum is as large as the receiver likes, infinity too: who
    waits has to bound it.

    >>> asked_wait_s("120", now=datetime(2026, 11, 24, tzinfo=UTC))
    120.0
    >>> asked_wait_s("Tue, 24 Nov 2026 00:01:30 GMT", now=datetime(2026, 11, 24, tzinfo=UTC))
    90.0
    >>> asked_wait_s("soon", now=datetime(2026, 11, 24, tzinfo=UTC))
    0.0
    """
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        # The form of asctime has no zone, and is in UTC all the same.
        wait_s = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, wait_s.total_seconds())
