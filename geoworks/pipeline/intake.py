"""Bodies from outside to values of the model, or everything that is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import shapely
from msgspec import Struct, inspect, structs
from shapely.geometry.base import BaseGeometry

from geoworks.config.settings import Limits
from geoworks.errors import Invalid
from geoworks.geo.geojson import encode_geometry
from geoworks.model import overlay
from geoworks.model.change import Patch
from geoworks.model.schedule import Schedule
from geoworks.model.text import clean_text
from geoworks.model.windows import to_utc
from geoworks.model.works import Works
from geoworks.pipeline.checks import EARLIEST, LATEST, check, check_works, is_zone, path
from geoworks.pipeline.json_body import decode_json
from geoworks.pipeline.reader import FAILED, Reader, shown, struct_type

__all__ = ["check_works", "clean_text", "decode_json", "patch_from_body", "works_from_feature"]

# What the server says of a works: a client that edits what it read sends it back, and it counts for nothing.
SERVER_SIDE = frozenset(
    {
        "id",
        "kind",
        "status",
        "severity",
        "next_transition",
        "effects",
        "corrected",
        "source",
        "version",
        "updated",
    }
)
_MEMBERS = frozenset({"type", "id", "bbox", "geometry", "properties"})
_WORKS = struct_type(Works)
_GIVEN = frozenset(field.encode_name for field in _WORKS.fields)
# Anything but a fault of its own: what a patch is laid over to be judged before the works it is for is known.
_BLANK = Works(title="-", geometry=shapely.Point(0, 0), schedule=Schedule(start=EARLIEST))


def works_from_feature(body: bytes, *, limits: Limits, zone: str) -> Works:
    """Return the works of a GeoJSON feature as `POST /v1/works` takes it.

    Only `title`, `geometry` and `schedule.start` are required. What the server says of a works (status, version...)
    is passed over, any other field nobody knows is refused. `null` is the same as leaving a field out. A moment without
    offset is a local time of the schedule's time zone, which is `zone` when it is not given; of a time that the clocks
    show twice a beginning is the first and an end the second.

    Raises:
        TooLarge: a bound of size, depth or vertices was passed.
        Invalid: with every fault that was found, each by the path of its field below `properties`.

    """
    value = decode_json(body, max_bytes=limits.body_bytes, max_depth=limits.json_depth)
    reader = Reader(max_vertices=limits.vertices_staff, finish=_finish)
    fields = _fields(reader, value)
    works = FAILED if fields is None else reader.read(_WORKS, _with_zone(fields, zone), "")
    if not isinstance(works, Works) or reader.problems:
        raise Invalid(reader.problems)
    return works


def patch_from_body(body: bytes, *, limits: Limits) -> Patch:
    """Return a JSON merge patch (RFC 7396) over the given properties of a works, every value in its normal form.

    `geometry` stands among the properties and is replaced as a whole, as arrays are; `null` takes a field back to its
    default. Moments need an offset. What the patch makes of a works must still be checked with `check_works`: an end
    may come to lie before a start that only the works has.

    Raises:
        TooLarge: a bound of size, depth or vertices was passed.
        Invalid: with every fault that was found.

    """
    value = decode_json(body, max_bytes=limits.body_bytes, max_depth=limits.json_depth)
    reader = Reader(max_vertices=limits.vertices_staff, finish=_finish)
    patch = _patch(reader, _WORKS, _without_server_side(reader, value), "")
    if not reader.problems and not patch:
        reader.refuse("", "an empty patch", "send the fields to change")
    if reader.problems:
        raise Invalid(reader.problems)
    problems = check_works(overlay.correct(_BLANK, patch))
    if problems:
        raise Invalid(problems)
    return patch


def _fields(reader: Reader, value: object) -> dict[str, object] | None:
    """Return the given fields of a feature, the geometry among them; None when it is no feature."""
    feature = reader.known(value, _MEMBERS, "")
    if feature is None:
        return None
    if feature.get("type") != "Feature":
        reader.refuse("type", f"{shown(feature.get('type'))} is no Feature", 'send one GeoJSON "Feature" a request')
        return None
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        reader.refuse("properties", f"{shown(properties)} is no object", "send the fields of the works in {...}")
        return None
    if properties.get("kind", "works") != "works":
        reader.refuse("kind", f"{shown(properties['kind'])} is no works", "send a works here, or leave kind out")
    own = {name: member for name, member in properties.items() if name not in SERVER_SIDE}
    return {**(reader.known(own, _GIVEN - {"geometry"}, "") or {}), "geometry": feature.get("geometry")}


def _with_zone(fields: dict[str, object], zone: str) -> dict[str, object]:
    """Return the fields with a time zone in the schedule."""
    schedule = fields.get("schedule")
    if not isinstance(schedule, dict) or schedule.get("time_zone") is not None:
        return fields
    return {**fields, "schedule": {**schedule, "time_zone": zone}}


def _finish(value: Struct, where: str) -> Struct:
    """Give the moments of a struct their offset and refuse what makes no sense."""
    if isinstance(value, Schedule):
        value = _schedule_in_utc(value)
    elif isinstance(value, Works):
        value = structs.replace(value, cancelled_at=_in_utc(value.cancelled_at, value.schedule.time_zone))
    problems = [*check(value, where)]
    if problems:
        raise Invalid(problems)
    return value


def _schedule_in_utc(schedule: Schedule) -> Schedule:
    zone = schedule.time_zone
    return structs.replace(
        schedule,
        start=_in_utc(schedule.start, zone),
        end=_in_utc(schedule.end, zone, last=True),
        actual_start=_in_utc(schedule.actual_start, zone),
        actual_end=_in_utc(schedule.actual_end, zone, last=True),
    )


def _in_utc(moment: datetime | None, zone: str, *, last: bool = False) -> datetime | None:
    """Return a moment in UTC; a naive one is a local time."""
    if moment is None or moment.tzinfo is not None:
        return moment
    # What is out of range or in no time zone is refused afterwards, whatever it is read as.
    if not is_zone(zone) or not EARLIEST.year <= moment.year < LATEST.year:
        return moment.replace(tzinfo=UTC)
    return to_utc(moment, zone, last=last)


def _without_server_side(reader: Reader, value: object) -> object:
    """Refuse what the server says of a works; in a patch it would be a wish that never comes true."""
    if not isinstance(value, dict):
        return value
    for name in sorted(SERVER_SIDE & value.keys()):
        reader.refuse(name, "cannot be set", "leave it out: it follows from the schedule, the impact and the place")
    return {name: member for name, member in value.items() if name not in SERVER_SIDE}


def _patch(reader: Reader, kind: inspect.StructType, value: object, where: str) -> Patch:
    members = reader.known(value, {field.encode_name for field in kind.fields}, where) or {}
    return {
        field.encode_name: _patch_field(reader, field, members[field.encode_name], path(where, field.encode_name))
        for field in kind.fields
        if field.encode_name in members
    }


def _patch_field(reader: Reader, field: inspect.Field, value: object, where: str) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return reader.refuse(where, "cannot be taken away", "send another value") if field.required else None
    nested = _nested(field.type)
    if nested is not None:
        return _patch(reader, nested, value, where)
    read = reader.read(field.type, value, where)
    if isinstance(read, datetime) and read.tzinfo is None:
        return reader.refuse(where, f"{shown(value)} has no offset", "add one, such as +01:00 or Z")
    return read if read is FAILED else msgspec.to_builtins(read, enc_hook=_to_geojson)


def _nested(kind: inspect.Type) -> inspect.StructType | None:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return next((type_ for type_ in kinds if isinstance(type_, inspect.StructType)), None)


def _to_geojson(value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    if not isinstance(value, BaseGeometry):
        raise NotImplementedError(type(value).__name__)
    return msgspec.json.decode(encode_geometry(value))
