"""Model values to columns and back.

A geometry is WKB in its own column, written and read as arrays, and null in the JSON beside it. All else a feature
holds is JSON that an engineer can read with `sqlite3`. Times are ISO 8601 in UTC with microseconds: their
order as text is their order in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import shapely
from msgspec.structs import replace
from shapely.geometry.base import BaseGeometry

from geoworks.errors import StoreUnusable
from geoworks.model.change import Change, Derived, Given, Key, Kind, MatchKeys, Op, Patch, Reason, Record, Version
from geoworks.model.works import Works
from geoworks.ports import Reply, Write

Row = tuple[Any, ...]

# What many works of a town have in common.
_ALIKE = ("impact", "promoter", "road_authority", "types_of_work", "road_names")

# Stands in a value for the geometry that has its own column.
_ELSEWHERE: BaseGeometry = shapely.Point()


def _encode_geometry(value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    if not isinstance(value, BaseGeometry):
        raise NotImplementedError(type(value).__name__)
    return None if value is _ELSEWHERE else msgspec.Raw(shapely.to_geojson(value).encode())


def _decode_geometry(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    if not issubclass(kind, BaseGeometry):
        raise NotImplementedError(kind.__name__)
    return _ELSEWHERE if value is None else shapely.from_geojson(msgspec.json.encode(value))


_ENCODER = msgspec.json.Encoder(enc_hook=_encode_geometry)
_GIVEN = msgspec.json.Decoder[Given](Given, dec_hook=_decode_geometry)
_DERIVED = msgspec.json.Decoder[Derived](Derived)
_OVERLAY = msgspec.json.Decoder(Patch)
_BEFORE = msgspec.json.Decoder(MatchKeys, dec_hook=_decode_geometry)


def moment_text(at: datetime) -> str:
    """Write a moment as all columns hold it.

    >>> moment_text(datetime(2026, 11, 24, 6, tzinfo=UTC))
    '2026-11-24T06:00:00.000000+00:00'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def feature_rows(records: Sequence[Record]) -> Iterator[Row]:
    """Yield the columns of records, as `put_feature` takes them."""
    shapes = _to_wkb(record.given.geometry for record in records)
    for record, shape in zip(records, shapes, strict=True):
        times = (moment_text(record.created), moment_text(record.updated))
        given, overlay = _given_json(record.given), _overlay_json(record.overlay)
        derived = _json(record.derived)
        yield *record.key, record.version, *times, record.source, record.raw_hash, shape, given, overlay, derived


def version_rows(writes: Sequence[tuple[Write, Record]], at: datetime) -> Iterator[Row]:
    """Yield the columns of the versions that writes make, as `add_version` takes them."""
    shapes, when = _to_wkb(record.given.geometry for _, record in writes), moment_text(at)
    for (write, record), shape in zip(writes, shapes, strict=True):
        given, overlay = _given_json(record.given), _overlay_json(record.overlay)
        yield *record.key, record.version, when, write.reason, write.actor, shape, given, overlay


def change_rows(changes: Sequence[Change]) -> Iterator[Row]:
    """Yield the columns of changes, as `add_change` takes them."""
    shapes = _to_wkb(change.before.geometry if change.before else None for change in changes)
    for change, shape in zip(changes, shapes, strict=True):
        before = _json(replace(change.before, geometry=_ELSEWHERE, terms=None)) if change.before else None
        at = moment_text(change.at)
        yield change.offset, at, *change.key, change.op, change.reason, change.version, before, shape


def reply_row(reply: Reply) -> Row:
    """Return the columns of a reply, as `put_reply` takes them."""
    return reply.owner, reply.key, reply.body_hash, reply.status, reply.body, moment_text(reply.expires)


def read_records(rows: Sequence[Row]) -> list[Record]:
    """Return the records that `next_features` gave."""
    with _legible("features"):
        shapes = _from_wkb(row[8] for row in rows)
        shared: dict[Any, Any] = {}
        return [_read_record(row, shape, shared) for row, shape in zip(rows, shapes, strict=True)]


def read_versions(rows: Sequence[Row]) -> list[Version]:
    """Return the versions that `versions_of` gave."""
    with _legible("versions"):
        shapes = _from_wkb(row[4] for row in rows)
        return [_read_version(row, shape) for row, shape in zip(rows, shapes, strict=True)]


def read_changes(rows: Sequence[Row]) -> list[Change]:
    """Return the changes that `changes_after` gave."""
    with _legible("log"):
        shapes = _from_wkb(row[8] for row in rows)
        return [_read_change(row, shape) for row, shape in zip(rows, shapes, strict=True)]


def read_reply(row: Row) -> Reply:
    """Return the reply that `reply_to` gave."""
    owner, key, body_hash, status, body, expires = row
    return Reply(owner, key, body_hash, status, body, datetime.fromisoformat(expires))


def _read_record(row: Row, shape: BaseGeometry, shared: dict[Any, Any]) -> Record:
    _, kind, feature_id, version, created, updated, source, raw_hash, _, given, overlay, derived = row
    return Record(
        key=Key(Kind(kind), feature_id),
        version=version,
        created=datetime.fromisoformat(created),
        updated=datetime.fromisoformat(updated),
        given=_share(replace(_GIVEN.decode(given), geometry=shape), shared),
        derived=_DERIVED.decode(derived),
        source=source,
        overlay=_read_overlay(overlay),
        raw_hash=raw_hash,
    )


def _share(given: Given, shared: dict[Any, Any]) -> Given:
    """Return a works that holds what others hold too as the same objects: of thousands, many impacts are alike."""
    if not isinstance(given, Works):
        return given
    # By name, for a list of road names may equal a list of types of work.
    values = [(name, getattr(given, name)) for name in _ALIKE]
    zone = given.schedule.time_zone
    schedule = replace(given.schedule, time_zone=shared.setdefault(zone, zone))
    return replace(
        given, **{name: shared.setdefault((name, value), value) for name, value in values}, schedule=schedule
    )


def _read_version(row: Row, shape: BaseGeometry) -> Version:
    version, at, reason, actor, _, given, overlay = row
    return Version(
        version=version,
        at=datetime.fromisoformat(at),
        reason=Reason(reason),
        actor=actor,
        given=replace(_GIVEN.decode(given), geometry=shape),
        overlay=_read_overlay(overlay),
    )


def _read_change(row: Row, shape: BaseGeometry | None) -> Change:
    offset, at, kind, feature_id, op, reason, version, keys, _ = row
    before = None if keys is None else replace(_BEFORE.decode(keys), geometry=shape)
    key = Key(Kind(kind), feature_id)
    return Change(offset, datetime.fromisoformat(at), key, Op(op), Reason(reason), version, before)


def _read_overlay(overlay: str | None) -> Patch | None:
    return None if overlay is None else _OVERLAY.decode(overlay)


def _given_json(given: Given) -> str:
    return _json(replace(given, geometry=_ELSEWHERE))


def _overlay_json(overlay: Patch | None) -> str | None:
    return None if overlay is None else _json(overlay)


def _json(value: Any) -> str:  # noqa: ANN401 - any value of the model
    return _ENCODER.encode(value).decode()


def _to_wkb(shapes: Iterable[BaseGeometry | None]) -> Sequence[bytes | None]:
    wkb: Sequence[bytes | None] = shapely.to_wkb(np.array(list(shapes), dtype=object)).tolist()
    return wkb


def _from_wkb(columns: Iterable[bytes | None]) -> Sequence[Any]:
    shapes: Sequence[Any] = shapely.from_wkb(np.array(list(columns), dtype=object)).tolist()
    return shapes


@contextmanager
def _legible(table: str) -> Iterator[None]:
    """Tell of a column that cannot be read, which only another program can have written."""
    try:
        yield
    except (msgspec.DecodeError, shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise StoreUnusable(
            f"the table {table} holds what geoworks did not write ({error}): restore a copy with `geoworks restore`"
        ) from error
