"""Tiles as a good engineer makes them in Python: of the table, and of memory.

Both choose, clip and simplify by shapely's arrays as PostGIS is told to, and encode with mapbox-vector-tile, whose
protobuf and clipping are in C.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from math import atan, degrees, pi, sinh
from typing import Any, Final, NamedTuple

import asyncpg
import mapbox_vector_tile
import numpy as np
import shapely
from msgspec import Struct

from geoworks.config.settings import Settings
from geoworks.geo.tile import DEEPEST, TileAddress
from geoworks.geo.types import Geometries
from geoworks.model.change import Record
from geoworks.model.works import Works, WorksDerived

_EXTENT, _BUFFER, _PIXEL, _DETAIL, _TITLES_FROM, _LEVEL = 4096, 64, 16, 4, 12, 4
_RADIUS_M = 6_378_137.0
_LIMIT: Final = Settings().vector_tiles.features
_NAMES: Final = ("id", "title", "status", "severity")
# What is stored ready for tiles serves this peer too: places that are projected, attributes, ranks and indexes.
_FIND: Final = """
    SELECT
        ST_AsBinary(tile_shape), id, CASE WHEN $2 THEN tile_title END, tile_tags ->> 'status',
        tile_tags ->> 'severity'
    FROM geoworks.features
    WHERE kind = 'works' AND tile_rank IS NOT NULL AND geometry && {box}
    ORDER BY tile_rank, number
    LIMIT $1
"""
# From close by the server keeps one plan for all tiles, by place. From afar it has to see which tile it is to find that
# reading by rank is faster.
_FIND_NEAR: Final = _FIND.format(box="ST_MakeEnvelope($3, $4, $5, $6, 4326)")
_NEAR_FROM = 12
# Asked only where the limit was reached, and answered by an index alone.
_COUNT: Final = """
    SELECT count(*)
    FROM geoworks.features
    WHERE kind = 'works' AND tile_rank IS NOT NULL AND tile_extent && box(point($1, $2), point($3, $4))
"""


class Frame(NamedTuple):
    """What a tile covers, in metres of Web Mercator: without and with what lies around it, and the side of a unit."""

    bounds: tuple[float, float, float, float]
    around: tuple[float, float, float, float]
    unit: float

    @property
    def lonlat(self) -> tuple[float, float, float, float]:
        """Return `around` in degrees."""
        west, south, east, north = (metres / _RADIUS_M for metres in self.around)
        return degrees(west), degrees(atan(sinh(south))), degrees(east), degrees(atan(sinh(north)))


class FromTable:
    """Makes tiles of what stands in the table, by one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Ask through a connection."""
        self._connection = connection

    async def tile(self, address: TileAddress) -> tuple[bytes, int]:
        """Return a tile as gzip, and how many works were too many for it."""
        frame = frame_of(address)
        rows = await self._find(frame, zoom=address.z)
        left_out = 0
        if len(rows) == _LIMIT:
            left_out = await self._connection.fetchval(_COUNT, *frame.around) - _LIMIT
        shapes = shapely.from_wkb([row[0] for row in rows])
        tags = [{name: value for name, value in zip(_NAMES, row[1:], strict=True) if value} for row in map(tuple, rows)]
        return packed(frame, drawn(shapes, frame, zoom=address.z), tags), left_out

    async def _find(self, frame: Frame, *, zoom: int) -> list[asyncpg.Record]:
        titled = zoom >= _TITLES_FROM
        if zoom >= _NEAR_FROM:
            return list(await self._connection.fetch(_FIND_NEAR, _LIMIT, titled, *frame.lonlat))
        box = f"ST_MakeEnvelope({', '.join(map(repr, frame.lonlat))}, 4326)"
        return list(await self._connection.fetch(_FIND.format(box=box), _LIMIT, titled))


class Region(Struct, frozen=True):
    """The works of a region in memory, in Web Mercator, with arrays for what decides."""

    records: Sequence[Record]
    geometries: Geometries
    tree: shapely.STRtree
    ranks: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Region:
        """Project all works and lay them in an R-tree."""
        geometries = mercator(np.array([record.given.geometry for record in records]))
        ranks = np.array([-derived_of(record).severity.rank for record in records])
        return cls(records, geometries, shapely.STRtree(geometries), ranks)

    def tile(self, address: TileAddress) -> tuple[bytes, int]:
        """Return a tile as gzip, and how many works were too many for it."""
        frame = frame_of(address)
        found = self.tree.query(shapely.box(*frame.around))
        chosen = found[np.lexsort((found, self.ranks[found]))][:_LIMIT]
        shapes = drawn(self.geometries[chosen], frame, zoom=address.z)
        tags = [properties(self.records[place], zoom=address.z) for place in chosen]
        return packed(frame, shapes, tags), len(found) - len(chosen)


def frame_of(address: TileAddress) -> Frame:
    """Return what a tile covers."""
    side = 2 * pi * _RADIUS_M / 2**address.z
    west, north = address.x * side - pi * _RADIUS_M, pi * _RADIUS_M - address.y * side
    unit = side / _EXTENT
    rim = unit * _BUFFER
    return Frame(
        (west, north - side, west + side, north), (west - rim, north - side - rim, west + side + rim, north + rim), unit
    )


def drawn(geometries: Geometries, frame: Frame, *, zoom: int) -> Geometries:
    """Return geometries clipped and simplified; what is smaller than a pixel becomes a point."""
    whole = shapely.clip_by_rect(geometries, *frame.around)
    corners = shapely.bounds(whole)
    small = (corners[:, 2:] - corners[:, :2]).max(axis=1) < _PIXEL * frame.unit
    detailed = shapely.simplify(whole, _DETAIL * frame.unit) if zoom < DEEPEST else whole
    shapes: Geometries = np.where(small, shapely.centroid(whole), detailed)
    return shapes


def packed(frame: Frame, shapes: Geometries, tags: Sequence[Mapping[str, str]]) -> bytes:
    """Return the tile with these shapes and attributes as gzip."""
    features = [
        {"geometry": shape, "properties": properties}
        for shape, properties in zip(shapes, tags, strict=True)
        if not shape.is_empty
    ]
    options = {"quantize_bounds": frame.bounds, "extents": _EXTENT}
    tile: bytes = mapbox_vector_tile.encode([{"name": "works", "features": features}], default_options=options)
    return gzip.compress(tile, _LEVEL, mtime=0)


def properties(record: Record, *, zoom: int) -> dict[str, str]:
    """Return the attributes of a works in a tile."""
    given, derived = record.given, derived_of(record)
    title = {"title": given.title} if isinstance(given, Works) and zoom >= _TITLES_FROM else {}
    return {"id": record.key.id, **title, "status": derived.status.value, "severity": derived.severity.value}


def derived_of(record: Record) -> WorksDerived:
    """Return what is derived of a works."""
    assert isinstance(record.derived, WorksDerived)
    return record.derived


def mercator(geometries: Geometries) -> Geometries:
    """Return geometries of degrees in Web Mercator (EPSG:3857), metres."""

    def project(lonlat: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        lon, lat = np.radians(lonlat).T
        return _RADIUS_M * np.column_stack((lon, np.arcsinh(np.tan(lat))))

    projected: Geometries = shapely.transform(geometries, project)
    return projected
