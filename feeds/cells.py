"""One cell of a source to one value of the model, by what the field is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, inspect

from feeds.dates import Dates
from geoworks.errors import Invalid, Problem
from geoworks.model.text import clean_text
from geoworks.pipeline.checks import MAX_ITEMS, max_length
from geoworks.pipeline.reader import nearest

Convert = Callable[[Any], Any]

# Far above any field; longer texts are cut to their field's length, not refused: the works still blocks the road.
_CELL_LENGTH = 1_000_000
_LONG_TEXTS = {"description"}
_ENDS = {"schedule.end", "schedule.actual_end"}
# Of an item that is plain text, the field that takes it.
_PLAIN_ITEM = {"impact.restrictions": "type", "impact.detours": "text"}
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_TRUE = frozenset({"1", "true", "vrai", "oui", "yes", "o", "y", "t", "v"})
_FALSE = frozenset({"0", "false", "faux", "non", "no", "n", "f"})


def as_text(value: object) -> str:
    """Return a cell as people would write it: whole numbers without decimals, true and false in small letters.

    >>> as_text(7905.0), as_text("7905.0"), as_text(True), as_text(None)
    ('7905', '7905', 'true', '')
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return f"{value:.0f}"
        case list():
            return ", ".join(map(as_text, value))
        case bytes():
            return value.hex()
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


class Cell(Struct, frozen=True):
    """How one field is filled from a cell: split it, look each part up, convert.

    A text that is in no table stays as it is; any other value must be in the table, or the table have `*`.
    """

    field: str
    convert: Convert
    many: bool = False
    is_text: bool = False
    separator: str = ""
    values: Mapping[str, str] = {}

    def read(self, value: object) -> Any:  # noqa: ANN401 - what the field takes
        """Return the field's value, or None when the cell says nothing.

        Raises:
            Invalid: the cell cannot be understood; the problem's place is left to the caller.

        """
        parts = self._parts(value)
        if self.values:
            parts = self._look_up(parts)
        if self.many:
            return [self.convert(part) for part in parts[:MAX_ITEMS]] or None
        return self.convert(parts[0]) if parts else None

    def _parts(self, value: object) -> Sequence[Any]:
        if isinstance(value, list):
            return [part for part in value if as_text(part)]
        if self.separator:
            return [part.strip() for part in as_text(value).split(self.separator) if part.strip()]
        return [value] if as_text(value) else []

    def _look_up(self, parts: Sequence[Any]) -> Sequence[str]:
        """Return our values for the parts: each once, those that stand first in the table first; `*` is the last."""
        texts = {as_text(part) for part in parts} or {""}
        if self.is_text and "*" not in self.values:
            return [ours for part in parts if (ours := self.values.get(as_text(part), as_text(part)))]
        found = [ours for theirs, ours in self.values.items() if theirs in texts]
        if not found and "*" in self.values:
            found = [self.values["*"]]
        elif not found and texts != {""}:
            raise Invalid(self._unknown(next(iter(texts))))
        return [ours for ours in dict.fromkeys(found) if ours]

    def _unknown(self, text: str) -> Problem:
        return Problem(
            "",
            f"{text[:40]!r} is in no table",
            f'add it, or "*" for all others, to values."{self.field}" of the mapping',
        )


def make_cell(field: str, kind: inspect.Type, dates: Dates, *, separator: str, values: Mapping[str, str]) -> Cell:
    """Return how a field of this type is filled."""
    many = False
    if isinstance(kind, inspect.VarTupleType):
        kind, many = kind.item_type, True
    convert = _item(field) if isinstance(kind, inspect.StructType) else _one(field, kind, dates)
    is_text = isinstance(kind, inspect.StrType)
    return Cell(field, convert, many=many, is_text=is_text, separator=separator, values=values)


def _one(field: str, kind: inspect.Type, dates: Dates) -> Convert:
    match kind:
        case inspect.EnumType():
            return _enum(field, [str(member.value) for member in kind.cls])
        case inspect.DateTimeType():
            return dates.read_end if field in _ENDS else dates.read_start
        case inspect.BoolType():
            return _truth
        case inspect.IntType():
            return lambda value: round(_number(value))
        case inspect.FloatType():
            return _number
    return _text(field)


def _text(field: str) -> Convert:
    longest = max_length(field)
    one_line = field not in _LONG_TEXTS

    def convert(value: object) -> str:
        text = clean_text(as_text(value), max_length=_CELL_LENGTH, one_line=one_line)
        return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"

    return convert


def _enum(field: str, allowed: Sequence[str]) -> Convert:
    def convert(value: object) -> str:
        text = as_text(value)
        if text not in allowed:
            raise Invalid(
                Problem("", f"{text[:40]!r} is no {field}", f'{nearest(text, allowed)}, or add values."{field}"')
            )
        return text

    return convert


def _item(field: str) -> Convert:
    """Convert an item with fields of its own: JSON, or plain text where one field of it is enough."""

    def convert(value: object) -> object:
        text = as_text(value)
        if not text.startswith("{") and field in _PLAIN_ITEM:
            return {_PLAIN_ITEM[field]: clean_text(text, max_length=_CELL_LENGTH, one_line=True)}
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Invalid(Problem("", f"{text[:40]!r} is no JSON ({error})", "write each item as {...}")) from error

    return convert


def _truth(value: object) -> bool:
    text = as_text(value).casefold()
    if text not in _TRUE | _FALSE:
        raise Invalid(Problem("", f"{text[:40]!r} is neither yes nor no", "write oui or non, or true or false"))
    return text in _TRUE


def _number(value: object) -> float:
    match = _NUMBER.match(as_text(value))
    if not match:
        raise Invalid(Problem("", f"{as_text(value)[:40]!r} is no number", "begin it with a number, such as 30"))
    return float(match[0].replace(",", "."))
