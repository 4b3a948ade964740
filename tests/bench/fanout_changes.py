"""The changes of the fan-out benchmarks: one works put again and again, of the same size each time."""

from __future__ import annotations

from datetime import UTC, datetime

import shapely
from msgspec import Raw

from geoworks.hub.frames import frame
from geoworks.hub.messages import Put, encode
from geoworks.model.change import Change, Key, Kind, Op, Reason, Record
from geoworks.model.schedule import Schedule
from geoworks.model.works import Works, WorksDerived
from geoworks.state import Published, make_entry

EPOCH = "bench"
# As many digits as any after it, so that all changes have one size.
FIRST = 1_000_001
LONLAT = (2.3051, 48.6342)
_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def change(offset: int) -> Published:
    """Make a change of one works, of about 600 bytes on the wire."""
    given = Works(title=f"Rue de Montlhéry {offset}", geometry=shapely.Point(LONLAT), schedule=Schedule(_NOW))
    record = Record(
        key=Key(Kind.WORKS, "voirie:1"), version=1, created=_NOW, updated=_NOW, given=given,
        derived=WorksDerived(), source="voirie",
    )  # fmt: skip
    entry = make_entry(record)
    return Published(Change(offset, _NOW, record.key, Op.PUT, Reason.UPDATED, 1, entry.keys), entry)


def text(published: Published) -> bytes:
    """Return a change as the JSON text every server sends."""
    return encode(_message(published))


def _message(published: Published) -> Put:
    assert published.entry is not None
    return Put(f"{EPOCH}.{published.change.offset}", Raw(published.entry.body))


FRAME_BYTES = len(frame(_message(change(FIRST))))
