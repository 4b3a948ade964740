"""One reading of a source: every record with its id and hash; mapped only where something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from feeds.cells import as_text
from feeds.mapping import WorksMapping
from feeds.places import Places
from feeds.sources.reader import RawTable
from geoworks.config.settings import Limits
from geoworks.config.sources import Mapping as MappingTable
from geoworks.errors import Invalid, Problem, SourceError
from geoworks.geo.repair import Repairer
from geoworks.ids import clean_source_id
from geoworks.model.works import Works
from geoworks.ports import Candidate, Rejected

# GDAL's record number, offered as a column for sources that keep theirs (a GeoPackage's key).
NUMBER_COLUMN = "fid"

_SAMPLE_COLUMNS = 8
_SAMPLE_LENGTH = 80
_KEY_SEPARATOR = "-"


class GdalReading:
    """A table that was read, with the mapping that makes works of it; implements `geoworks.ports.Reading`."""

    def __init__(
        self, table: RawTable, places: Places, *, mapping: WorksMapping, keys: MappingTable, limits: Limits
    ) -> None:
        """Give every record its id; `keys` says from which columns, and which records are left out.

        Raises:
            SourceError: the table lacks a column that the mapping names.

        """
        self._columns = with_numbers(table)
        self._places = places
        self._mapping = mapping
        self._most_vertices = limits.vertices_staff
        # One for all that is mapped: to start it takes longer than most repairs.
        self._repairer = Repairer(limits.repair_s)
        mapping.check_columns(self._columns)
        self._key = _choose_key(keys.key, self._columns)
        self._sampled = list(dict.fromkeys([*self._key, *keys.fields.values(), *self._columns]))[:_SAMPLE_COLUMNS]
        self.candidates: Sequence[Candidate] = []
        self.rejected: Sequence[Rejected] = []
        self.ignored = 0
        self._sort_out(table.hashes, keys)

    def map(self, candidates: Sequence[Candidate]) -> Sequence[Works | Rejected]:
        """Map some records, each to a works with its geometry in final form, or to why not."""
        rows = [candidate.position - 1 for candidate in candidates]
        geometries = self._places.normalized(rows, self._repairer, max_vertices=self._most_vertices)
        columns = {name: self._columns[name] for name in self._mapping.columns}
        return [
            self._map(candidate, geometry, columns) for candidate, geometry in zip(candidates, geometries, strict=True)
        ]

    def close(self) -> None:
        """End the process that repairs, if one was needed."""
        self._repairer.close()

    def _map(
        self, candidate: Candidate, geometry: BaseGeometry | Problem, columns: Mapping[str, Sequence[Any]]
    ) -> Works | Rejected:
        row = candidate.position - 1
        if isinstance(geometry, Problem):
            return self._reject(row, candidate.source_id, (geometry,))
        works = self._mapping.map({name: column[row] for name, column in columns.items()}, geometry)
        return works if isinstance(works, Works) else self._reject(row, candidate.source_id, works)

    def _sort_out(self, hashes: Sequence[bytes], keys: MappingTable) -> None:
        candidates, rejected = [], []
        first: dict[str, int] = {}
        wanted = [(self._columns[name], set(values)) for name, values in keys.where.items()]
        for row, raw_hash in enumerate(hashes):
            if not all(as_text(column[row]) in values for column, values in wanted):
                self.ignored += 1
                continue
            try:
                source_id = self._id_of(row)
            except Invalid as error:
                rejected.append(self._reject(row, "", error.problems))
                continue
            position = first.setdefault(source_id, row + 1)
            if position == row + 1:
                candidates.append(Candidate(position, source_id, raw_hash))
            else:
                rejected.append(self._reject(row, source_id, (_repeated(source_id, position),)))
        self.candidates, self.rejected = candidates, rejected

    def _id_of(self, row: int) -> str:
        parts = [as_text(self._columns[name][row]) for name in self._key]
        if not any(parts):
            columns = " and ".join(self._key)
            raise Invalid(Problem("id", f"{columns} is empty", "fill it in, or set `key` to columns that are"))
        # A slash would cut an id in two where it stands in an address.
        return clean_source_id(_KEY_SEPARATOR.join(filter(None, parts)).replace("/", _KEY_SEPARATOR))

    def _reject(self, row: int, source_id: str, problems: Sequence[Problem]) -> Rejected:
        sample = {name: as_text(self._columns[name][row])[:_SAMPLE_LENGTH] for name in self._sampled}
        return Rejected(row + 1, source_id, tuple(problems), self._place(row), sample)

    def _place(self, row: int) -> tuple[float, float] | None:
        return somewhere(self._places.lonlat([row])[0])


def with_numbers(table: RawTable) -> Mapping[str, Sequence[Any]]:
    """Return the columns, with GDAL's record number among them unless a column has its name."""
    return table.columns.plus(NUMBER_COLUMN, table.numbers)


def somewhere(geometry: BaseGeometry | None) -> tuple[float, float] | None:
    """Return a lon, lat on or near a geometry, however broken it is; None when it lies nowhere on Earth."""
    if geometry is None or geometry.is_empty:
        return None
    lon, lat = (float(number) for number in shapely.get_coordinates(geometry)[0])
    # NaN is nowhere too.
    return (round(lon, 6), round(lat, 6)) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


def _choose_key(key: Sequence[str], columns: Mapping[str, object]) -> Sequence[str]:
    if key:
        return key
    if "id" in columns:
        return ("id",)
    raise SourceError(
        f"nothing says which columns make the id; set `key` in its mapping, from: {', '.join(sorted(columns))}"
    )


def _repeated(source_id: str, position: int) -> Problem:
    return Problem("id", f"{source_id!r} came before, at record {position}", "give each record an id of its own")
