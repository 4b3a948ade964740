"""Query strings in: typed, each parameter once, lists written with commas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct, inspect

from geoworks.errors import Invalid, Problem
from geoworks.web.bodies import explain

Q = TypeVar("Q", bound=Struct)
_LISTS = (inspect.TupleType, inspect.VarTupleType)


def read_query(request: web.Request, kind: type[Q]) -> Q:
    """Return the query string as a value of `kind`.

    Raises:
        Invalid: a parameter is unknown, given twice, or of the wrong type.

    """
    return parse(request.query.items(), kind)


def parse(pairs: Iterable[tuple[str, str]], kind: type[Q]) -> Q:
    """Return name and text pairs as a value of `kind`.

    Raises:
        Invalid: a parameter is unknown, given twice, or of the wrong type.

    """
    given: dict[str, str | list[str]] = {}
    for name, text in pairs:
        if name in given:
            raise Invalid(Problem(name, "is given twice", "give it once; lists are written with commas"))
        given[name] = text.split(",") if name in lists_of(kind) else text
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(explain(error)) from error


def parameters_of(kind: type[Struct]) -> Iterator[tuple[str, str]]:
    """Yield the names of the parameters, each with its meaning."""
    for field in _fields(kind):
        schema = (field.type.extra_json_schema or {}) if isinstance(field.type, inspect.Metadata) else {}
        yield field.encode_name, str(schema.get("description", ""))


@cache
def lists_of(kind: type[Struct]) -> frozenset[str]:
    """Return the names of the parameters that are lists."""
    return frozenset(
        field.encode_name for field in _fields(kind) if any(isinstance(type_, _LISTS) for type_ in _types(field.type))
    )


def _fields(kind: type[Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    return info.fields if isinstance(info, inspect.StructType) else ()


def _types(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    inner = kind.type if isinstance(kind, inspect.Metadata) else kind
    return inner.types if isinstance(inner, inspect.UnionType) else (inner,)
