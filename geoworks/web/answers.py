"""Answers: JSON bytes, entity tags, conditional requests."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from geoworks.errors import Invalid, Problem
from geoworks.model.change import Cursor, Record
from geoworks.model.feature import encode_geometry
from geoworks.web.route import GEOJSON, JSON

CURSOR_HEADER = "Geoworks-Cursor"
_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})(?:-[0-9a-f]{8})?"?')
_ENCODER = msgspec.json.Encoder(enc_hook=encode_geometry)
# Caches may keep an answer and must ask each time whether it still holds; what staff sees they must not keep.
FRESH: Mapping[str, str] = {"Cache-Control": "no-cache"}
PRIVATE: Mapping[str, str] = {"Cache-Control": "no-store"}


def answer(value: Any, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] = PRIVATE) -> web.Response:  # noqa: ANN401 - any value msgspec can write
    """Return a value as JSON."""
    return web.Response(body=_ENCODER.encode(value), status=status, content_type=JSON, headers=headers)


def feature(request: web.Request, record: Record, body: bytes, *, status: int = HTTPStatus.OK) -> web.Response:
    """Return one feature with its entity tag, or say that the reader has it already."""
    tag = feature_tag(record, body)
    if request.method in {"GET", "HEAD"} and is_known(request, tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, **FRESH})
    return web.Response(body=body, status=status, content_type=GEOJSON, headers={"ETag": tag, **FRESH})


def feature_tag(record: Record, body: bytes) -> str:
    """Return the entity tag of a feature: its version, and a checksum, for derived fields change within a version."""
    return f'"{record.version}-{zlib.crc32(body):08x}"'


def cursor_tag(cursor: Cursor) -> str:
    """Return the entity tag of everything as it stands at a cursor."""
    return f'"{cursor}"'


def is_known(request: web.Request, tag: str) -> bool:
    """Tell whether the reader has what this tag stands for, in whatever encoding it got it."""
    known = request.headers.get("If-None-Match", "")
    tags = {text.strip().removeprefix("W/").replace('-gz"', '"') for text in known.split(",")}
    return tag in tags or "*" in tags


def seen_version(request: web.Request) -> int | None:
    """Return the version that `If-Match` names, or None when any will do.

    Raises:
        Invalid: the header is no entity tag of ours.

    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    found = _VERSION.fullmatch(header)
    if not found:
        raise Invalid(Problem("If-Match", f"{header[:40]!r} is no tag of a feature", "send the ETag you were given"))
    return int(found[1])
