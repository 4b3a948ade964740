"""Decoded JSON to the structs of the model, telling every fault at once: where it is, what is wrong, how to mend it.

msgspec stops at the first fault; people who post a works want to know all of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, inspect

from geoworks.errors import Invalid, Problem, TooLarge
from geoworks.geo.geojson import parse_geometry
from geoworks.geo.validate import ALL_KINDS, check_geometry
from geoworks.model.text import clean_text
from geoworks.pipeline.checks import MAX_DAYS, MAX_ITEMS, max_length, path

_LONG_TEXTS = {"description", "text"}
_LINES = frozenset({"LineString", "MultiLineString"})
_MAX_PROBLEMS = 100
_SHOWN = 40
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# Stands for a value that could not be read; why is among the problems.
FAILED = object()

# Looks at a struct that was read and at its path, and returns it or another in its place; may raise Invalid.
Finish = Callable[[Struct, str], Struct]


class Reader:
    """Reads values and collects the problems; one reader reads one body.

    `finish` has the last word on every struct once all its fields are read, the inner ones first.
    """

    def __init__(self, *, max_vertices: int, finish: Finish) -> None:
        """Begin without problems."""
        self.problems: list[Problem] = []
        self._max_vertices = max_vertices
        self._finish = finish
        self._readers: dict[type[inspect.Type], Callable[[Any, object, str], Any]] = {
            inspect.StructType: self._struct,
            inspect.VarTupleType: self._items,
            inspect.UnionType: self._optional,
            inspect.EnumType: self._enum,
            inspect.StrType: self._text,
            inspect.IntType: self._whole_number,
            inspect.FloatType: self._number,
            inspect.BoolType: self._truth,
            inspect.DateTimeType: self._moment,
            inspect.DateType: self._day,
            inspect.CustomType: self._geometry,
        }

    def refuse(self, where: str, what: str, mend: str) -> Any:  # noqa: ANN401 - stands for any value
        """Note a problem and return what stands for the value; beyond the hundredth fault nobody reads on."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(where, what, mend))
        return FAILED

    def read(self, kind: inspect.Type, value: object, where: str) -> Any:  # noqa: ANN401 - what `kind` says
        """Return the value as `kind` says, or `FAILED`.

        Moments come back as they were written, aware (UTC) or naive.

        Raises:
            TooLarge: a geometry has too many vertices.

        """
        return self._readers[type(kind)](kind, value, where)

    def known(self, value: object, names: Collection[str], where: str) -> dict[str, object] | None:
        """Return the known members of an object; None when it is none. Unknown ones are refused."""
        if not isinstance(value, dict):
            self.refuse(where, f"{shown(value)} is no object", "send {...}")
            return None
        for name in value.keys() - names:
            self.refuse(path(where, _named(name)), "unknown field", nearest(name, names))
        return {name: member for name, member in value.items() if name in names}

    def _struct(self, kind: inspect.StructType, value: object, where: str) -> Any:  # noqa: ANN401 - any struct
        members = self.known(value, {field.encode_name for field in kind.fields}, where)
        if members is None:
            return FAILED
        arguments = {}
        for field in kind.fields:
            member = members.get(field.encode_name)
            if member is not None:
                arguments[field.name] = self.read(field.type, member, path(where, field.encode_name))
            elif field.required:
                arguments[field.name] = self.refuse(path(where, field.encode_name), "missing", "it is required")
        if FAILED in arguments.values():
            return FAILED
        return self._finished(kind.cls(**arguments), where)

    def _finished(self, value: Struct, where: str) -> object:
        try:
            return self._finish(value, where)
        except Invalid as error:
            for problem in error.problems:
                self.refuse(*problem)
            return FAILED

    def _items(self, kind: inspect.VarTupleType, value: object, where: str) -> Any:  # noqa: ANN401 - any tuple
        most = MAX_DAYS if isinstance(kind.item_type, inspect.DateType) else MAX_ITEMS
        if not isinstance(value, list):
            return self.refuse(where, f"{shown(value)} is no array", "send [...]")
        if len(value) > most:
            return self.refuse(where, f"{len(value)} items", f"send at most {most}")
        items = tuple(self.read(kind.item_type, item, f"{where}[{number}]") for number, item in enumerate(value))
        return FAILED if FAILED in items else items

    def _optional(self, kind: inspect.UnionType, value: object, where: str) -> Any:  # noqa: ANN401 - any value
        if value is None:
            return None
        return self.read(next(type_ for type_ in kind.types if not isinstance(type_, inspect.NoneType)), value, where)

    def _enum(self, kind: inspect.EnumType, value: object, where: str) -> Any:  # noqa: ANN401 - a member
        values = [str(member.value) for member in kind.cls]
        if isinstance(value, str) and value in values:
            return kind.cls(value)
        return self.refuse(where, f"{shown(value)} is none of its values", nearest(str(value), values))

    def _text(self, _: inspect.StrType, value: object, where: str) -> Any:  # noqa: ANN401 - a str
        if not isinstance(value, str):
            return self.refuse(where, f"{shown(value)} is no text", 'send "..."')
        name = where.rpartition(".")[2]
        try:
            return clean_text(value, max_length=max_length(where), one_line=name not in _LONG_TEXTS, where=where)
        except Invalid as error:
            return self.refuse(*error.problems[0])

    def _whole_number(self, _: inspect.IntType, value: object, where: str) -> Any:  # noqa: ANN401 - an int
        # `type` and not `isinstance`: true and false are no numbers.
        if type(value) is int:
            return value
        return self.refuse(where, f"{shown(value)} is no whole number", "send a number such as 30")

    def _number(self, _: inspect.FloatType, value: object, where: str) -> Any:  # noqa: ANN401 - a float
        if type(value) in {int, float} and isinstance(value, (int, float)):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        return self.refuse(where, f"{shown(value)} is no number", "send a number such as 2.5")

    def _truth(self, _: inspect.BoolType, value: object, where: str) -> Any:  # noqa: ANN401 - a bool
        return (
            value
            if isinstance(value, bool)
            else self.refuse(where, f"{shown(value)} is no truth", "send true or false")
        )

    def _moment(self, _: inspect.DateTimeType, value: object, where: str) -> Any:  # noqa: ANN401 - a datetime
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value.upper())
                return moment if moment.tzinfo is None else moment.astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        mend = "send a moment such as 2026-11-24T07:00:00+01:00, or 2026-11-24T07:00 in the schedule's time zone"
        return self.refuse(where, f"{shown(value)} is no moment", mend)

    def _day(self, _: inspect.DateType, value: object, where: str) -> Any:  # noqa: ANN401 - a date
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        return self.refuse(where, f"{shown(value)} is no day", "send a day such as 2026-12-25")

    def _geometry(self, _: inspect.CustomType, value: object, where: str) -> Any:  # noqa: ANN401 - a geometry
        kinds = ALL_KINDS if where == "geometry" else _LINES
        try:
            geometry = parse_geometry(value, max_vertices=self._max_vertices, where=where)
            return check_geometry(geometry, max_vertices=self._max_vertices, kinds=kinds)
        except TooLarge:
            raise
        except Invalid as error:
            problem = error.problems[0]
            return self.refuse(where if problem.where == "geometry" else problem.where, problem.what, problem.mend)


def struct_type(kind: type[Struct]) -> inspect.StructType:
    """Return the fields of a struct as a `Reader` wants them."""
    found = inspect.type_info(kind)
    if not isinstance(found, inspect.StructType):
        raise TypeError(kind)
    return found


def nearest(name: str, names: Collection[str]) -> str:
    """Return the mend for a word that is none of the known: the nearest one, or all of them.

    >>> nearest("titel", ["title", "schedule"])
    "did you mean 'title'?"
    """
    close = get_close_matches(name[:_SHOWN].casefold(), names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(sorted(names))}"


def _named(name: str) -> str:
    return name if name.isidentifier() and len(name) <= _SHOWN else shown(name)


def shown(value: object) -> str:
    """Name a value in a message: itself, or its kind when it is long or nested."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    # `repr` escapes what cannot be seen, so a message never holds what a text smuggled in.
    text = _CONSTANTS[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_CONSTANTS = {None: "null", True: "true", False: "false"}
