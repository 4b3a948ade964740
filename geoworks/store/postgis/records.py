"""Records as the bytes that nodes follow the log by, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from geoworks.model.change import Record
from geoworks.model.wire import Wire
from geoworks.model.works import Works
from geoworks.store.codec import to_wkb
from geoworks.store.said import said

RECORDS: Final = Wire(Record)


def record_bytes(records: Sequence[Record | None]) -> Iterator[bytes | None]:
    """Yield records as `RECORDS` reads them, a works without its defaults; None where a feature is gone."""
    shapes = to_wkb(record.given.geometry if record else None for record in records)
    for record, shape in zip(records, shapes, strict=True):
        yield None if record is None else RECORDS.write(replace(record, given=_with_shape(record, shape)))


def _with_shape(record: Record, shape: bytes | None) -> Any:  # noqa: ANN401 - what is encoded as the given fields are
    given = record.given
    return said(given, shape=shape) if isinstance(given, Works) else replace(given, geometry=shape)
