"""Staff's corrections laid over what a source gave: JSON merge patches on the given properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import shapely
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem
from geoworks.model.change import Patch, Record
from geoworks.model.works import Works


def merge(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Apply a JSON merge patch (RFC 7396, section 2) and return the result; the target stays as it was.

    >>> merge({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def document_of(works: Works) -> dict[str, Any]:
    """Return the given fields of a works as the JSON object that corrections are laid over."""
    document: dict[str, Any] = msgspec.to_builtins(works, enc_hook=_to_geojson)
    return document


def fields(patch: Patch | None, prefix: str = "") -> list[str]:
    """Return the dotted names of the fields a patch corrects, in order.

    >>> fields({"impact": {"parking": "suspended"}, "title": "x"})
    ['impact.parking', 'title']
    """
    names: list[str] = []
    for name, value in (patch or {}).items():
        nested = isinstance(value, dict) and value and name != "geometry"
        names += fields(value, f"{prefix}{name}.") if nested else [f"{prefix}{name}"]
    return names


def correct(works: Works, patch: Patch | None) -> Works:
    """Return the works with a correction laid over it.

    Raises:
        Invalid: the corrected works is not well formed.

    """
    if not patch:
        return works
    try:
        return msgspec.convert(merge(document_of(works), patch), Works, dec_hook=_from_geojson)
    except (msgspec.ValidationError, shapely.errors.ShapelyError) as error:
        raise Invalid(Problem("correction", str(error), "send the fields as POST /v1/works takes them")) from error


def effective(record: Record) -> Any:  # noqa: ANN401 - the type of `given`: Works, Report or Zone
    """Return what holds for a record: its given fields with staff's corrections laid over."""
    if record.overlay and isinstance(record.given, Works):
        return correct(record.given, record.overlay)
    return record.given


def _to_geojson(value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    return msgspec.json.decode(shapely.to_geojson(value))


def _from_geojson(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    if not issubclass(kind, BaseGeometry):
        raise TypeError(kind)
    return shapely.from_geojson(msgspec.json.encode(value))
