"""How SQLite holds values: times as ISO 8601, geometries as WKB in lon/lat degrees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from geoworks.store.codec import Codec, from_wkb, to_wkb


def moment_text(at: datetime) -> str:
    """Write a moment in UTC with microseconds: the order as text is the order in time.

    >>> moment_text(datetime(2026, 11, 24, 6, tzinfo=UTC))
    '2026-11-24T06:00:00.000000+00:00'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds")


CODEC: Final = Codec(moment_text, datetime.fromisoformat, to_wkb, from_wkb)
