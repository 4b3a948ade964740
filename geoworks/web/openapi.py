"""The OpenAPI document, made from the doors themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from geoworks import __version__
from geoworks.errors import Forbidden, GeoworksError, TooMany, TooSlow, Unauthorized
from geoworks.model.feature import ReportProperties, WorksProperties, ZoneProperties
from geoworks.model.report import Report
from geoworks.model.works import Works
from geoworks.model.zone import Zone
from geoworks.web.problems import MEDIA_TYPE, ProblemDocument, status_of
from geoworks.web.queries import lists_of
from geoworks.web.route import ANYONE, Door

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"{(\w+)}")
# What goes in and out as a GeoJSON feature: the given fields in, all properties out.
_PROPERTIES: dict[type[Struct], type[Struct]] = {
    Works: WorksProperties,
    Zone: ZoneProperties,
    Report: ReportProperties,
}
_GEOMETRY = {"$ref": _REF.format(name="Geometry")}
_POSITIONS: dict[str, Any] = {
    "type": "array",
    "description": "lon, lat in degrees (EPSG:4326), nested as RFC 7946 says.",
}
_KINDS = ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]


def describe(doors: Sequence[Door], *, base_path: str = "") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these doors."""
    paths: dict[str, dict[str, Any]] = {}
    for door in doors:
        paths.setdefault(door.path, {})[door.method.lower()] = _operation(door)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "geoworks",
            "version": __version__,
            "description": "Roadworks, reports and traffic zones of a town. The live stream is in /v1/asyncapi.json.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(doors),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "gw_..."}},
        },
    }


def _operation(door: Door) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": door.name,
        "summary": door.summary,
        "tags": [door.tag],
        "parameters": [*_path_parameters(door.path), *_query_parameters(door)],
        "responses": {**_answers(door), **_errors(door)},
    }
    if door.body is not None:
        content = {door.body_media: {"schema": _schema(door.body, into=True)}}
        operation["requestBody"] = {"required": True, "content": content}
    if door.allow is not ANYONE:
        operation["security"] = [{"key": sorted(door.allow)}]
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(door: Door) -> list[dict[str, Any]]:
    if door.query is None:
        return []
    _, components = msgspec.json.schema_components([door.query], ref_template=_REF)
    lists = lists_of(door.query)
    return [
        {"name": name, "in": "query", "schema": schema} | ({"explode": False} if name in lists else {})
        for name, schema in components[door.query.__name__]["properties"].items()
    ]


def _answers(door: Door) -> dict[str, Any]:
    answers = {str(int(door.status)): _answer(door)}
    if door.may_wait:
        told = "Written, and told as soon as one of many nodes numbers the log"
        answers[str(int(HTTPStatus.ACCEPTED))] = _answer(door) | {"description": told}
    return answers


def _answer(door: Door) -> dict[str, Any]:
    if door.answer is None:
        return {"description": door.summary}
    return {"description": door.summary, "content": {door.answer_media: {"schema": _schema(door.answer, into=False)}}}


def _errors(door: Door) -> dict[str, Any]:
    kinds: set[type[GeoworksError]] = {*door.errors, TooMany}
    if door.allow is not ANYONE:
        kinds |= {Unauthorized, Forbidden}
    if door.body is not None:
        kinds.add(TooSlow)
    by_status: dict[str, list[str]] = {}
    for kind in sorted(kinds, key=lambda kind: (status_of(kind), kind.code)):
        by_status.setdefault(str(int(status_of(kind))), []).append(kind.code)
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="ProblemDocument")}}}
    return {status: {"description": ", ".join(codes), "content": content} for status, codes in by_status.items()}


def _schema(kind: Any, *, into: bool) -> dict[str, Any]:  # noqa: ANN401 - a type or a tuple of one
    """Return the schema of a body: a feature, a collection of features (a tuple of their type), or a plain value."""
    if isinstance(kind, tuple):
        item = {"$ref": _REF.format(name=_feature_name(kind[0], into=into))}
        return _object("FeatureCollection", features={"type": "array", "items": item})
    if kind in _PROPERTIES:
        return {"$ref": _REF.format(name=_feature_name(kind, into=into))}
    (schema,), _ = msgspec.json.schema_components([kind], schema_hook=_hook, ref_template=_REF)
    return schema


def _schemas(doors: Sequence[Door]) -> dict[str, Any]:
    plain = [kind for door in doors for kind in (door.body, door.answer) if kind is not None and not _is_feature(kind)]
    queries = [door.query for door in doors if door.query is not None]
    kinds = [ProblemDocument, *plain, *queries, *_PROPERTIES, *_PROPERTIES.values()]
    _, schemas = msgspec.json.schema_components(kinds, schema_hook=_hook, ref_template=_REF)
    schemas = dict(schemas)
    for query in queries:
        schemas.pop(query.__name__, None)
    for given, shown in _PROPERTIES.items():
        schemas[_feature_name(given, into=True)] = _feature(_without_geometry(schemas.pop(given.__name__)))
        schemas[_feature_name(given, into=False)] = _feature({"$ref": _REF.format(name=shown.__name__)})
    schemas["Geometry"] = {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"enum": _KINDS}, "coordinates": _POSITIONS},
    }
    return dict(sorted(schemas.items()))


def _is_feature(kind: Any) -> bool:  # noqa: ANN401 - a type or a tuple of one
    return isinstance(kind, tuple) or kind in _PROPERTIES


def _feature_name(kind: type, *, into: bool) -> str:
    return f"{kind.__name__}{'Given' if into else ''}Feature"


def _feature(properties: dict[str, Any]) -> dict[str, Any]:
    return _object("Feature", id={"type": "string"}, geometry=_GEOMETRY, properties=properties)


def _object(type_: str, **properties: dict[str, Any]) -> dict[str, Any]:
    required = [name for name in properties if name != "id"]
    return {"type": "object", "required": required, "properties": {"type": {"const": type_}, **properties}}


def _without_geometry(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {name: value for name, value in schema["properties"].items() if name != "geometry"}
    # The kind may be left out: the address says it.
    required = [name for name in schema["required"] if name not in {"geometry", "kind"}]
    return {**schema, "properties": properties, "required": required}


def _hook(kind: type) -> dict[str, Any]:
    if issubclass(kind, BaseGeometry):
        return _GEOMETRY
    raise NotImplementedError(kind)
