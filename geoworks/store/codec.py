"""Model values to columns and back, the same way in every engine.

A geometry has its own column, written and read as arrays, and is null in the JSON beside it. All else a feature holds
is JSON that an engineer can read with the engine's own tools. How an engine holds moments and geometries is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import shapely
from msgspec import Struct
from msgspec.structs import replace
from shapely.geometry.base import BaseGeometry

from geoworks.errors import StoreUnusable
from geoworks.model.change import Change, Derived, Given, Key, Kind, MatchKeys, Op, Patch, Reason, Record, Version
from geoworks.model.works import Works
from geoworks.ports import Reply, Write
from geoworks.store.said import said

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


class Codec(Struct, frozen=True):
    """Rows of an engine from values and back; its own forms of moments, arrays of geometries, and texts."""

    write_moment: Callable[[datetime], Any]
    read_moment: Callable[[Any], datetime]
    write_shapes: Callable[[Iterable[BaseGeometry | None]], Sequence[bytes | None]]
    read_shapes: Callable[[Iterable[bytes | None]], Sequence[Any]]
    text: Callable[[str], str] = str
    json: Callable[[str], str] = str

    def key_row(self, key: Key) -> Row:
        """Return the columns of a key."""
        return key.kind.value, self.text(key.id)

    def feature_rows(self, records: Sequence[Record]) -> Iterator[Row]:
        """Yield the columns of records: key, version, created, updated, source, raw hash, geometry, then the JSON."""
        shapes = self.write_shapes(record.given.geometry for record in records)
        text, moment = self.text, self.write_moment
        for record, shape in zip(records, shapes, strict=True):
            kind, id_ = record.key
            given, overlay = self._held(record)
            # One tuple: an import makes hundreds of thousands of them.
            yield (
                kind.value,
                text(id_),
                record.version,
                moment(record.created),
                moment(record.updated),
                text(record.source),
                record.raw_hash,
                shape,
                given,
                overlay,
                self._json(record.derived),
            )

    def version_rows(self, versions: Sequence[tuple[Key, Version]]) -> Iterator[Row]:
        """Yield the columns of versions: key, version, at, reason, actor, geometry, given, overlay."""
        shapes = self.write_shapes(version.given.geometry for _, version in versions)
        for (key, version), shape in zip(versions, shapes, strict=True):
            told = (self.write_moment(version.at), version.reason.value, self.text(version.actor))
            yield *self.key_row(key), version.version, *told, shape, *self._held(version)

    def change_rows(self, changes: Sequence[Change]) -> Iterator[Row]:
        """Yield the columns of changes: offset, at, key, op, reason, version, before, geometry before."""
        shapes = self.write_shapes(change.before.geometry if change.before else None for change in changes)
        for change, shape in zip(changes, shapes, strict=True):
            before = change.before and self._json(replace(change.before, geometry=_ELSEWHERE, terms=None))
            what = (change.op.value, change.reason.value, change.version)
            yield change.offset, self.write_moment(change.at), *self.key_row(change.key), *what, before, shape

    def reply_row(self, reply: Reply) -> Row:
        """Return the columns of a reply: owner, key, hash of the body, status, body, expires."""
        named = (self.text(reply.owner), self.text(reply.key))
        return *named, reply.body_hash, reply.status, reply.body, self.write_moment(reply.expires)

    def derived(self, record: Record) -> str:
        """Return the column of what was derived of a record."""
        return self._json(record.derived)

    def read_records(self, rows: Sequence[Row]) -> list[Record]:
        """Return records from rows that begin with a number."""
        with _legible("features"):
            shapes = self.read_shapes(row[8] for row in rows)
            shared: dict[Any, Any] = {}
            return [self._read_record(row, shape, shared) for row, shape in zip(rows, shapes, strict=True)]

    def read_versions(self, rows: Sequence[Row]) -> list[Version]:
        """Return versions from rows without their key."""
        with _legible("versions"):
            shapes = self.read_shapes(row[4] for row in rows)
            return [self._read_version(row, shape) for row, shape in zip(rows, shapes, strict=True)]

    def read_changes(self, rows: Sequence[Row]) -> list[Change]:
        """Return changes from rows."""
        with _legible("log"):
            shapes = self.read_shapes(row[8] for row in rows)
            return [self._read_change(row, shape) for row, shape in zip(rows, shapes, strict=True)]

    def read_reply(self, row: Row) -> Reply:
        """Return a reply from its row."""
        owner, key, body_hash, status, body, expires = row
        return Reply(owner, key, body_hash, status, body, self.read_moment(expires))

    def _held(self, held: Record | Version) -> tuple[str, str | None]:
        """Return what was given and what staff corrected."""
        overlay = None if held.overlay is None else self._json(held.overlay)
        given = held.given
        told = said(given) if isinstance(given, Works) else replace(given, geometry=_ELSEWHERE)
        return self._json(told), overlay

    def _json(self, value: Any) -> str:  # noqa: ANN401 - any value of the model
        return self.json(_ENCODER.encode(value).decode())

    def _read_record(self, row: Row, shape: BaseGeometry, shared: dict[Any, Any]) -> Record:
        _, kind, feature_id, version, created, updated, source, raw_hash, _, given, overlay, derived = row
        return Record(
            key=Key(Kind(kind), feature_id),
            version=version,
            created=self.read_moment(created),
            updated=self.read_moment(updated),
            given=_share(replace(_GIVEN.decode(given), geometry=shape), shared),
            derived=_DERIVED.decode(derived),
            source=source,
            overlay=_read_overlay(overlay),
            raw_hash=raw_hash,
        )

    def _read_version(self, row: Row, shape: BaseGeometry) -> Version:
        version, at, reason, actor, _, given, overlay = row
        return Version(
            version=version,
            at=self.read_moment(at),
            reason=Reason(reason),
            actor=actor,
            given=replace(_GIVEN.decode(given), geometry=shape),
            overlay=_read_overlay(overlay),
        )

    def _read_change(self, row: Row, shape: BaseGeometry | None) -> Change:
        offset, at, kind, feature_id, op, reason, version, keys, _ = row
        before = None if keys is None else replace(_BEFORE.decode(keys), geometry=shape)
        key = Key(Kind(kind), feature_id)
        return Change(offset, self.read_moment(at), key, Op(op), Reason(reason), version, before)


def version_of(write: Write, record: Record, at: datetime) -> Version:
    """Return the version that a write of a record makes."""
    return Version(
        version=record.version,
        at=at,
        reason=write.reason,
        actor=write.actor,
        given=record.given,
        overlay=record.overlay,
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


def _read_overlay(overlay: str | None) -> Patch | None:
    return None if overlay is None else _OVERLAY.decode(overlay)


def to_wkb(shapes: Iterable[BaseGeometry | None], *, srid: int | None = None) -> Sequence[bytes | None]:
    """Write geometries as WKB; with `srid` as the extended kind that names it."""
    listed = list(shapes)
    if all(shape is None for shape in listed):
        # As where what changed was nowhere before, which is most of what is written.
        return [None] * len(listed)
    array = np.array(listed, dtype=object)
    if srid is not None:
        array = shapely.set_srid(array, srid)
    wkb: Sequence[bytes | None] = shapely.to_wkb(array, include_srid=srid is not None).tolist()
    return wkb


def from_wkb(columns: Iterable[bytes | None]) -> Sequence[Any]:
    """Read geometries from WKB; the values of the model name no SRID, for all are in lon/lat degrees."""
    shapes: Sequence[Any] = shapely.set_srid(shapely.from_wkb(np.array(list(columns), dtype=object)), 0).tolist()
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
