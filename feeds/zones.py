"""Zones from a file or address: the same doors as for works, every zone that cannot be one told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from feeds.cells import as_text
from feeds.guess import find_column
from feeds.places import PlaceColumns, Places
from feeds.reading import somewhere
from feeds.sources.gdal import Asked, read_address
from feeds.sources.reader import RawTable
from geoworks.config.settings import Limits, ZonesTable
from geoworks.errors import Invalid, Problem, SourceError
from geoworks.geo.repair import Repairer
from geoworks.ids import clean_source_id
from geoworks.model.text import clean_text
from geoworks.model.zone import Zone
from geoworks.ports import Rejected

# As in `guess`, the likeliest first.
_ID_NAMES = "id code codeinsee insee inseecom cinsee idzone zoneid cquinsee numero num ref gid objectid fid cqu"
_NAME_NAMES = "nom name libelle nomcom nomzone zone quartier lqu label intitule titre"
_AREAS = {"Polygon", "MultiPolygon"}
_NAME_LENGTH = 200
_CELL_LENGTH = 1_000_000
_TIMEOUT_S = 60.0


class ZonesReading(Struct, frozen=True):
    """The zones of a file, each with its id, and the records that cannot be zones."""

    zones: list[tuple[str, Zone]]
    rejected: list[Rejected]


async def read_zones(address: str, table: ZonesTable, limits: Limits) -> ZonesReading:
    """Read the zones of a file or http(s) address, in lon/lat degrees, in their final form.

    Without columns in `table` the id and the name are taken from those that read like one.

    Raises:
        SourceError: it cannot be reached or read, or no column can be the id.

    """
    asked = Asked(address=address, limits=limits, layer=table.layer, timeout_s=_TIMEOUT_S)
    raw = await read_address(asked)
    return await asyncio.to_thread(_understand, raw, table, limits)


def _understand(raw: RawTable, table: ZonesTable, limits: Limits) -> ZonesReading:
    places = Places(raw, PlaceColumns(crs=table.crs))
    ids, names = _choose_columns(raw, table)
    rows = range(len(raw.hashes))
    with Repairer(limits.repair_s) as repairer:
        geometries = places.normalized(rows, repairer, max_vertices=limits.vertices_staff)
    reading = ZonesReading([], [])
    first: dict[str, int] = {}
    for row, geometry in enumerate(geometries):
        try:
            id_ = _read_id(ids[row], first, position=row + 1)
            reading.zones.append((id_, Zone(name=_read_name(names[row], id_), geometry=_check_area(geometry))))
        except Invalid as error:
            place = somewhere(places.lonlat([row])[0])
            sample = {"id": as_text(ids[row])[:80], "name": as_text(names[row])[:80]}
            reading.rejected.append(Rejected(row + 1, as_text(ids[row]), error.problems, place, sample))
    return reading


def _choose_columns(raw: RawTable, table: ZonesTable) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the cells of the ids and of the names."""
    for name in filter(None, (table.id, table.name)):
        if name not in raw.columns:
            raise SourceError(f"the zones have no column {name!r}; they have: {', '.join(sorted(raw.columns))}")
    id_column = table.id or _find_unique(raw)
    if not id_column:
        raise SourceError(
            f"no column reads like the zones' id; set zones.id to one of: {', '.join(sorted(raw.columns))}"
        )
    name_column = table.name or find_column(raw.columns, _NAME_NAMES.split()) or id_column
    return raw.columns[id_column], raw.columns[name_column]


def _find_unique(raw: RawTable) -> str:
    def is_unique(column: str) -> bool:
        texts = {as_text(value) for value in raw.columns[column]}
        return len(texts) == len(raw.hashes) and "" not in texts

    return find_column(raw.columns, _ID_NAMES.split(), fits=is_unique)


def _read_id(cell: object, first: dict[str, int], *, position: int) -> str:
    id_ = clean_source_id(as_text(cell))
    before = first.setdefault(id_, position)
    if before != position:
        raise Invalid(Problem("id", f"{id_!r} came before, at record {before}", "give each zone an id of its own"))
    return id_


def _read_name(cell: object, id_: str) -> str:
    text = clean_text(as_text(cell), max_length=_CELL_LENGTH, one_line=True)
    return text[:_NAME_LENGTH] or id_


def _check_area(geometry: BaseGeometry | Problem) -> BaseGeometry:
    if isinstance(geometry, Problem):
        raise Invalid(geometry)
    if geometry.geom_type not in _AREAS:
        mend = "give zones as polygons"
        raise Invalid(Problem("geometry", f"a {geometry.geom_type} has no inside", mend))
    return geometry
