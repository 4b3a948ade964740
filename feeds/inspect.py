"""What a file or address holds, and a ready `[sources.NAME]` for it, guessed."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from msgspec import Struct, structs

from feeds.cells import as_text
from feeds.guess import find_column, guess_mapping
from feeds.guess_values import plain
from feeds.reading import with_numbers
from feeds.sources.fetch import file_name, is_url
from feeds.sources.gdal import Asked, read_address
from feeds.sources.reader import RawTable, WrongEncoding
from geoworks.config.sources import SourceTable
from geoworks.geo.crs import LONLAT, likely_crs

_SAMPLES = 3
_WESTERN = "windows-1252"
_SAMPLE_LENGTH = 60
_LON_NAMES = ("longitude", "lon", "long", "lng", "x", "coordx", "xcoord")
_LAT_NAMES = ("latitude", "lat", "y", "coordy", "ycoord")
_WKT_NAMES = ("wkt", "wktgeom", "geomwkt", "geometry", "geom", "thegeom", "geometrie")
_WKT = re.compile(r"\s*(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON)\b", re.IGNORECASE)
_CODE = re.compile(r"EPSG:\d+")
_NAME = re.compile(r"[^a-z0-9]+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Column(Struct, frozen=True):
    """One column: its name and type as GDAL tells it, how many records fill it, how many values differ, samples."""

    name: str
    type: str
    filled: int
    distinct: int
    samples: tuple[str, ...]


class Findings(Struct, frozen=True, kw_only=True):
    """What a layer holds, and the source guessed for it; `notes` say what a person should look at."""

    address: str
    layer: str
    crs: str
    encoding: str
    records: int
    geometry_kinds: Mapping[str, int]
    columns: tuple[Column, ...]
    name: str
    source: SourceTable
    notes: tuple[str, ...]

    @property
    def toml(self) -> str:
        """Return the tables of the guessed source, ready for `config.toml`."""
        return "\n".join(_tables(f"sources.{self.name}", self.source))


async def inspect_address(asked: Asked, *, time_zone: str) -> Findings:
    """Look into a file or address; `time_zone` is the town's.

    Raises:
        SourceError: it cannot be reached or read.

    """
    try:
        table = await read_address(asked)
    except WrongEncoding:
        # What spreadsheets write in western Europe when nobody asks for UTF-8.
        asked = structs.replace(asked, encoding=_WESTERN)
        table = await read_address(asked)
    return await asyncio.to_thread(_look_into, table, asked, time_zone)


def _look_into(table: RawTable, asked: Asked, time_zone: str) -> Findings:
    notes: list[str] = []
    place = _guess_place(table, notes)
    mapping, remarks = guess_mapping(with_numbers(table), time_zone=time_zone)
    source = SourceTable(
        url=asked.address if is_url(asked.address) else str(Path(asked.address).resolve()),
        layer=asked.layer,
        encoding=asked.encoding,
        mapping=mapping,
    )
    return Findings(
        address=asked.address,
        layer=table.layer.name,
        crs=table.layer.crs,
        encoding=table.layer.encoding,
        records=len(table.hashes),
        geometry_kinds=_geometry_kinds(table),
        columns=tuple(_column(field.name, field.type, table.columns[field.name]) for field in table.layer.fields),
        name=_source_name(asked.address),
        source=structs.replace(source, **place),
        notes=(*notes, *remarks),
    )


def _column(name: str, type_: str, values: Sequence[Any]) -> Column:
    texts = Counter(text for value in values if (text := as_text(value)))
    samples = tuple(text[:_SAMPLE_LENGTH] for text, _ in texts.most_common(_SAMPLES))
    return Column(name, type_.removeprefix("OFT"), texts.total(), len(texts), samples)


def _geometry_kinds(table: RawTable) -> Mapping[str, int]:
    kinds = Counter(
        shape.geom_type if shape else "none" for shape in shapely.from_wkb(_wkb(table), on_invalid="ignore")
    )
    return dict(kinds.most_common())


def _guess_place(table: RawTable, notes: list[str]) -> dict[str, str]:
    """Return the settings that say where the records lie."""
    place = {} if any(table.geometries) else _place_columns(table)
    if not place and not any(table.geometries):
        notes.append("No record has a geometry and no column reads like a place: set lon and lat, or wkt.")
        return place
    crs = _guess_crs(table, place)
    if crs:
        place["crs"] = crs
        notes.append(f"The coordinates look like {crs}; the file does not say so.")
    return place


def _place_columns(table: RawTable) -> dict[str, str]:
    wkt = find_column(table.columns, _WKT_NAMES, fits=lambda name: _holds_wkt(table.columns[name]))
    if wkt:
        return {"wkt": wkt}
    lon, lat = find_column(table.columns, _LON_NAMES), find_column(table.columns, _LAT_NAMES)
    return {"lon": lon, "lat": lat} if lon and lat else {}


def _holds_wkt(column: Sequence[Any]) -> bool:
    filled = [text for value in column if (text := as_text(value))]
    return bool(filled) and all(map(_WKT.match, filled))


def _guess_crs(table: RawTable, place: Mapping[str, str]) -> str:
    """Return the CRS to set where the file names none, or one its coordinates cannot be in; else empty."""
    x, y = _middle(table, place)
    degrees = abs(x) <= 180 and abs(y) <= 90  # noqa: PLR2004 - lon and lat in degrees
    if degrees:
        return LONLAT if place or not table.layer.crs else ""
    if table.layer.crs not in {"", LONLAT} and not place:
        return ""
    found = _CODE.search(likely_crs(x, y))
    return found[0] if found else ""


def _middle(table: RawTable, place: Mapping[str, str]) -> tuple[float, float]:
    """Return a coordinate in the middle of the records, as written."""
    if "lon" in place:
        pairs = [_numbers(table.columns[place[name]]) for name in ("lon", "lat")]
        return float(np.nanmedian(pairs[0])), float(np.nanmedian(pairs[1]))
    if "wkt" in place:
        texts = [as_text(value) or None for value in table.columns[place["wkt"]]]
        coordinates = shapely.get_coordinates(shapely.from_wkt(texts, on_invalid="ignore"))
    else:
        coordinates = shapely.get_coordinates(shapely.from_wkb(_wkb(table), on_invalid="ignore"))
    x, y = np.median(coordinates, axis=0) if len(coordinates) else (0.0, 0.0)
    return float(x), float(y)


def _wkb(table: RawTable) -> np.ndarray[Any, Any]:
    return np.array([*table.geometries, None], dtype=np.object_)[:-1]


def _numbers(column: Sequence[Any]) -> Sequence[float]:
    found = [as_text(value).replace(",", ".") for value in column]
    return [float(text) for text in found if re.fullmatch(r"-?\d+(\.\d+)?", text)] or [0.0]


def _source_name(address: str) -> str:
    """Return a name for the source, after its file."""
    return _NAME.sub("-", plain(Path(file_name(address)).stem).replace(" ", "-")).strip("-")[:40] or "travaux"


def _tables(where: str, table: Struct) -> Iterator[str]:
    """Yield the lines of a table and of those in it; what has its default is left out."""
    values: dict[str, Any] = msgspec.to_builtins(table)
    defaults = {field.encode_name: field.default for field in structs.fields(table)}
    inner = {name: value for name, value in values.items() if isinstance(value, dict) and value}
    yield f"[{where}]"
    for name, value in values.items():
        if name not in inner and value != {} and value != msgspec.to_builtins(defaults[name], enc_hook=lambda _: None):
            yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        part = getattr(table, name)
        yield ""
        yield from (
            _tables(f"{where}.{name}", part) if isinstance(part, Struct) else _dict_lines(f"{where}.{name}", value)
        )


def _dict_lines(where: str, values: Mapping[str, Any]) -> Iterator[str]:
    nested = {name: value for name, value in values.items() if isinstance(value, dict)}
    if not nested:
        yield f"[{where}]"
        yield from (f"{_key(name)} = {_value(value)}" for name, value in values.items())
    for number, (name, value) in enumerate(nested.items()):
        yield from [""] if number else []
        yield from _dict_lines(f"{where}.{_key(name)}", value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    # JSON's texts, numbers, truths and lists are TOML's too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
