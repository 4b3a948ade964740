"""How PostgreSQL holds values: real times, PostGIS geometries (EPSG:4326), `jsonb`, and no text with a NUL in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from geoworks.model import overlay
from geoworks.model.change import Record
from geoworks.store.codec import Codec, Row, from_wkb, to_wkb

# Longitude and latitude in degrees, WGS 84.
SRID: Final = 4326
# An escaped NUL in JSON; a backslash that is itself escaped before it leaves no NUL.
_NUL = re.compile(r"((?<!\\)(?:\\\\)*)\\u0000")

to_ewkb = partial(to_wkb, srid=SRID)


def without_nul(text: str) -> str:
    """Return a text as PostgreSQL can hold it. No door takes a NUL, so what is dropped here says nothing to anybody."""
    return text.replace("\0", "")


def json_without_nul(text: str) -> str:
    r"""Return JSON whose texts hold no NUL.

    >>> json_without_nul(r'["a\u0000b", "\\u0000"]')
    '["ab", "\\\\u0000"]'
    """
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


CODEC: Final = Codec(
    write_moment=lambda at: at,
    read_moment=lambda at: at,
    write_shapes=to_ewkb,
    read_shapes=from_wkb,
    text=without_nul,
    json=json_without_nul,
)

FEATURE: Final = (
    *("kind", "id", "version", "created", "updated", "source", "raw_hash"),
    *("geometry", "given", "overlay", "derived", "given_geometry"),
)
VERSION: Final = ("kind", "id", "version", "at", "reason", "actor", "geometry", "given", "overlay")
CHANGE: Final = ("offset", "at", "kind", "id", "op", "reason", "version", "before", "before_geometry")
_GEOMETRY: Final = FEATURE.index("geometry")


def feature_rows(records: Sequence[Record]) -> Iterator[Row]:
    """Yield the columns of records: the geometry that holds, and the given one where staff corrected it."""
    for record, row in zip(records, CODEC.feature_rows(records), strict=True):
        if record.overlay and "geometry" in record.overlay:
            (holds,) = to_ewkb([overlay.effective(record).geometry])
            yield *row[:_GEOMETRY], holds, *row[_GEOMETRY + 1 :], row[_GEOMETRY]
        else:
            yield *row, None


def columns(rows: Sequence[Row]) -> list[list[object]]:
    """Turn rows into columns, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
