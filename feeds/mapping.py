"""From a source's columns to works, as `[sources.NAME.mapping]` says."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect
from shapely.geometry.base import BaseGeometry

from feeds.cells import Cell, make_cell
from feeds.dates import Dates
from geoworks.config.sources import Mapping as MappingTable
from geoworks.errors import ConfigError, Invalid, Problem, SourceError
from geoworks.model.works import Works
from geoworks.pipeline.intake import check_works
from geoworks.pipeline.reader import nearest, struct_type

Row = Mapping[str, Any]

_NEEDED = ("title", "schedule.start")
_LISTED = 30
# Values of a column that are remembered, and the most characters of each.
_REMEMBERED = 1024
_SHORT = 80


class _Rule(NamedTuple):
    path: tuple[str, ...]
    column: str
    field: str
    read: Callable[[Any], Any]


class WorksMapping:
    """A mapping made ready: checked once, applied to many records.

    Constants fill the fields that have no column, or whose column says nothing.
    """

    def __init__(self, source: str, table: MappingTable, *, time_zone: str) -> None:
        """Make the mapping of a source ready; `time_zone` is the town's.

        Raises:
            ConfigError: a field is unknown or missing; one problem for each fault.

        """
        self._where = f"sources.{source}.mapping"
        self._table = table
        self._dates = Dates(table, time_zone=table.time_zone or time_zone)
        problems = [*self._unknown_fields(), *self._missing_fields()]
        if problems:
            raise ConfigError(problems)
        self._columns = {field: column for field, column in table.fields.items() if column}
        self._rules = [
            _Rule(_path(field), column, field, _remembering(self._cell(field)))
            for field, column in self._columns.items()
        ]
        self._constants = [(_path(field), self._constant(field)) for field in table.constants]

    @property
    def fingerprint(self) -> bytes:
        """Return what changes when records must be mapped again."""
        return msgspec.json.encode((self._table, self._dates.time_zone))

    @property
    def columns(self) -> Collection[str]:
        """Return the columns that `map` looks into."""
        return set(self._columns.values())

    def check_columns(self, there: Collection[str]) -> None:
        """Refuse a source that lacks a column the mapping names.

        Raises:
            SourceError: with the columns there are, and the one probably meant.

        """
        named = [*self._table.key, *self._columns.values(), *self._table.where]
        missing = [column for column in dict.fromkeys(named) if column not in there]
        if missing:
            raise SourceError("; ".join(_no_column(column, there) for column in missing))

    def map(self, row: Row, geometry: BaseGeometry) -> Works | tuple[Problem, ...]:
        """Return the works of a record, or everything that is wrong with it; `geometry` in its final form."""
        fields: dict[str, Any] = {"geometry": geometry, "schedule": {"time_zone": self._dates.time_zone}}
        for path, value in self._constants:
            _set(fields, path, value)
        problems = [problem for rule in self._rules if (problem := _fill(fields, rule, row))]
        if problems:
            return tuple(problems)
        missing = tuple(
            self._told(Problem(name, "missing", "fill it in")) for name in _NEEDED if not _has(fields, name)
        )
        return missing or self._convert(fields)

    def _convert(self, fields: Row) -> Works | tuple[Problem, ...]:
        try:
            works = msgspec.convert(fields, Works)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$.")
            return (self._told(Problem(where.rstrip("`"), what, "correct it in the source or in the mapping")),)
        return tuple(map(self._told, check_works(works))) or works

    def _told(self, problem: Problem) -> Problem:
        """Name the column where the field's name is all that is known."""
        column = self._columns.get(problem.where)
        return problem._replace(where=f"{problem.where} (column {column})") if column else problem

    def _cell(self, field: str) -> Cell:
        table = self._table
        return make_cell(
            field,
            _KINDS[field],
            self._dates,
            separator=table.split.get(field, ""),
            values=table.values.get(field, {}),
        )

    def _constant(self, field: str) -> Any:  # noqa: ANN401 - what the field takes
        cell = make_cell(field, _KINDS[field], self._dates, separator=self._table.split.get(field, ""), values={})
        try:
            return cell.read(self._table.constants[field])
        except Invalid as error:
            where = f"{self._where}.constants.{field}"
            raise ConfigError([problem._replace(where=where) for problem in error.problems]) from error

    def _unknown_fields(self) -> Sequence[Problem]:
        table = self._table
        named: dict[str, Collection[str]] = {
            "fields": table.fields,
            "constants": table.constants,
            "values": table.values,
            "split": table.split,
        }
        return [
            Problem(f'{self._where}.{part}."{field}"', "is no field of a works", nearest(field, _KINDS))
            for part, fields in named.items()
            for field in fields
            if field not in _KINDS
        ] + [
            Problem(f'{self._where}.{part}."{field}"', "has no column", f'add fields."{field}"')
            for part in ("values", "split")
            for field in named[part]
            if field in _KINDS and field not in table.fields and field not in table.constants
        ]

    def _missing_fields(self) -> Sequence[Problem]:
        given = {*(field for field, column in self._table.fields.items() if column), *self._table.constants}
        return [
            Problem(
                f"{self._where}.fields", f"{field} is missing", f'add "{field}" = a column; `geoworks inspect` guesses'
            )
            for field in _NEEDED
            if field not in given
        ]


def _fields_of(kind: inspect.StructType, prefix: str = "") -> dict[str, inspect.Type]:
    """Return the fields that a column can fill, by dotted name."""
    found: dict[str, inspect.Type] = {}
    for field in kind.fields:
        type_ = _without_none(field.type)
        name = f"{prefix}{field.encode_name}"
        if isinstance(type_, inspect.StructType):
            found |= _fields_of(type_, f"{name}.")
        elif not isinstance(type_, inspect.CustomType):
            found[name] = type_
    return found


def _without_none(kind: inspect.Type) -> inspect.Type:
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next(type_ for type_ in kind.types if not isinstance(type_, inspect.NoneType))


_KINDS = _fields_of(struct_type(Works))


def _path(field: str) -> tuple[str, ...]:
    return tuple(field.split("."))


def _remembering(cell: Cell) -> Callable[[Any], Any]:
    """Return what reads a cell, and of the values that come again and again reads each once.

    Whoever takes what it returns must leave it as it is.
    """
    known = lru_cache(maxsize=_REMEMBERED)(cell.read)

    def read(value: object) -> Any:  # noqa: ANN401 - what the field takes
        short = value is None or (isinstance(value, str) and len(value) <= _SHORT)
        return known(value) if short else cell.read(value)

    return read


def _fill(fields: dict[str, Any], rule: _Rule, row: Row) -> Problem | None:
    try:
        value = rule.read(row[rule.column])
    except Invalid as error:
        return error.problems[0]._replace(where=f"{rule.field} (column {rule.column})")
    if value is not None:
        _set(fields, rule.path, value)
    return None


def _set(fields: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value


def _has(fields: Mapping[str, Any], name: str) -> bool:
    table, _, field = name.rpartition(".")
    return bool((fields[table] if table else fields).get(field))


def _no_column(column: str, there: Collection[str]) -> str:
    near = difflib.get_close_matches(column, there, 1)
    hint = f"did you mean {near[0]!r}?" if near else "set the mapping to columns it has"
    listed = ", ".join(sorted(there)[:_LISTED])
    return f"it has no column {column!r}; {hint} It has: {listed}"
