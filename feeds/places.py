"""Where the records of a table lie: the layer's geometry, or columns with WKT or with a longitude and latitude."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from feeds.cells import as_text
from feeds.sources.reader import RawTable
from geoworks.errors import Invalid, Problem, SourceError
from geoworks.geo.crs import check_crs, to_lonlat
from geoworks.geo.repair import Repairer
from geoworks.geo.validate import normalize_many

# GDAL's writers name the column so, and its CSV reader finds it by this name.
_MEND_CRS = 'set `crs`, such as "EPSG:2154" for Lambert-93 metres or "EPSG:4326" for lon/lat degrees'


class PlaceColumns(Struct, frozen=True, kw_only=True):
    """Where to look for the geometry, and in which CRS; empty: in the layer, as the layer says."""

    lon: str = ""
    lat: str = ""
    wkt: str = ""
    crs: str = ""

    @property
    def names(self) -> Sequence[str]:
        """Return the columns that must be there."""
        return [name for name in (self.lon, self.lat, self.wkt) if name]


class Places:
    """The geometries of a table, computed only for the records that are asked for."""

    def __init__(self, table: RawTable, columns: PlaceColumns) -> None:
        """Find where the geometries are.

        Raises:
            SourceError: there are none, their CRS is not told, or a column is absent.

        """
        self._table = table
        self._columns = columns
        self.crs = _choose_crs(table, columns)

    def lonlat(self, rows: Sequence[int]) -> NDArray[np.object_]:
        """Return the geometries of some records in lon/lat degrees as they were given; None where there is none."""
        return to_lonlat(self._read(rows), self.crs)

    def normalized(self, rows: Sequence[int], repairer: Repairer, *, max_vertices: int) -> list[BaseGeometry | Problem]:
        """Return the geometries of some records in their final form, each or why it cannot be taken."""
        return normalize_many(self.lonlat(rows), repairer, max_vertices=max_vertices)

    def _read(self, rows: Sequence[int]) -> NDArray[np.object_]:
        cells = self._table.columns
        if self._columns.wkt:
            return _from_wkt([cells[self._columns.wkt][row] for row in rows])
        if self._columns.lon:
            return _from_numbers(_numbers(cells[self._columns.lon], rows), _numbers(cells[self._columns.lat], rows))
        return _objects(shapely.from_wkb([self._table.geometries[row] for row in rows], on_invalid="ignore"))


def check_place_columns(columns: PlaceColumns, there: Collection[str]) -> None:
    """Refuse place columns that a table does not have.

    Raises:
        SourceError: with the columns there are.

    """
    if bool(columns.lon) != bool(columns.lat):
        raise SourceError("set both `lon` and `lat`, or neither")
    missing = [name for name in columns.names if name not in there]
    if missing:
        raise SourceError(f"it has no column {missing[0]!r} for the place; it has: {', '.join(sorted(there))}")


def _choose_crs(table: RawTable, columns: PlaceColumns) -> str:
    check_place_columns(columns, table.columns)
    if not columns.names and not any(table.geometries) and table.geometries:
        raise SourceError("no record has a geometry; set `lon` and `lat`, or `wkt`, to the columns that tell the place")
    crs = columns.crs or ("" if columns.names else table.layer.crs)
    if not crs:
        raise SourceError(f"it does not say in which CRS its coordinates are; {_MEND_CRS}")
    try:
        return check_crs(crs)
    except Invalid as error:
        raise SourceError(f"its CRS is not known: {error}; {_MEND_CRS}") from error


def _from_wkt(texts: Sequence[Any]) -> NDArray[np.object_]:
    return _objects(shapely.from_wkt([as_text(text) or None for text in texts], on_invalid="ignore"))


def _from_numbers(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.object_]:
    points: NDArray[np.object_] = np.full(len(xs), None, dtype=np.object_)
    there = np.isfinite(xs) & np.isfinite(ys)
    points[there] = shapely.points(xs[there], ys[there])
    return points


def _numbers(column: Sequence[Any], rows: Sequence[int]) -> NDArray[np.float64]:
    return np.array([_number(column[row]) for row in rows], dtype=np.float64)


def _number(value: object) -> float:
    """Return a coordinate, written with a point or a comma; NaN when it is none."""
    try:
        return float(as_text(value).replace(",", "."))
    except ValueError:
        return float("nan")


def _objects(geometries: Any) -> NDArray[np.object_]:  # noqa: ANN401 - shapely returns an array or, of none, another type
    array: NDArray[np.object_] = np.asarray(geometries, dtype=np.object_)
    return array
