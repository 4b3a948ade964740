"""Every way in which a field of a client's message can be wrong, found from the types of the messages themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

from msgspec import inspect

from geoworks.hub.codes import Code
from geoworks.hub.messages import CLIENT_MESSAGES, Area
from tests.hub.client import Message

UNHEARD_OF = "unheard_of"
# What GeoJSON is right says no type.
_GEOJSON: dict[str, Message] = {
    "polygon": {"type": "Polygon", "coordinates": [[[2.30, 48.63], [2.31, 48.63], [2.31, 48.64], [2.30, 48.63]]]},
    "line": {"type": "LineString", "coordinates": [[2.30, 48.63], [2.31, 48.64]]},
}
_JSON: dict[str, Any] = {"null": None, "bool": True, "number": 7, "string": "x", "array": [], "object": {}}


class Wrong(NamedTuple):
    """A wrong value: the fields on the way to what is wrong in it, and what the error has to name."""

    path: tuple[str, ...]
    value: Any
    named: str

    def within(self, field: str, value: object) -> Wrong:
        """Return the value around it that has it in a field."""
        return Wrong((field, *self.path), value, self.named)


class Fault(NamedTuple):
    """A message that is wrong in one field, and the error it has to be answered by."""

    message: Message
    field: str
    named: str
    code: Code

    @property
    def text(self) -> str:
        """Return the frame."""
        return json.dumps(self.message)


def faults() -> Iterator[Fault]:
    """Yield every fault of every field of every message, each once."""
    for message in CLIENT_MESSAGES:
        struct = inspect.type_info(message)
        assert isinstance(struct, inspect.StructType)
        found: dict[tuple[str, str], Fault] = {}
        for right in right_messages(struct):
            for wrong in _wrongs_of_fields(struct, right):
                fault = _fault({"type": struct.tag, **wrong.value}, wrong)
                # Of two messages that differ in a field which is right in both, the first will do.
                found.setdefault((fault.field, json.dumps(_at(wrong.path, wrong.value))), fault)
        yield from found.values()


def right_messages(struct: inspect.StructType) -> Sequence[Message]:
    """Return messages without a fault, with every field between them."""
    tag = {"type": struct.tag} if struct.tag else {}
    return [{**tag, **right} for right in _rights(struct, "")]


def _fault(message: Message, wrong: Wrong) -> Fault:
    field = ".".join([str(message["type"]), *wrong.path])
    if _is_no_json(_at(wrong.path, wrong.value)):
        return Fault(message, field, "NaN", Code.MALFORMED)
    return Fault(message, field, wrong.named, Code.AREA if "area" in wrong.path else Code.INVALID)


def _is_no_json(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, float) and not math.isfinite(one) for one in values)


def _at(path: Sequence[str], value: Any) -> Any:  # noqa: ANN401 - any JSON
    for field in path:
        value = value[0] if isinstance(value, list) else value
        value = value[field]
    return value


def _bare(type_: inspect.Type) -> inspect.Type:
    return _bare(type_.type) if isinstance(type_, inspect.Metadata) else type_


def _rights(type_: inspect.Type, name: str) -> Sequence[Any]:
    """Return right values, with every field between them."""
    type_ = _bare(type_)
    if not isinstance(type_, inspect.StructType):
        return [_right(type_, name)] if not _holds_struct(type_) else [[one] for one in _rights(_item(type_), name)]
    choices = {field.encode_name: _rights(field.type, field.encode_name) for field in type_.fields}
    if type_.cls is Area:
        return [{name: one} for name, values in choices.items() for one in values]
    whole = {name: values[0] for name, values in choices.items()}
    return [whole, *({**whole, name: one} for name, values in choices.items() for one in values[1:])]


def _holds_struct(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.VarTupleType) and isinstance(_bare(type_.item_type), inspect.StructType)


def _item(type_: inspect.Type) -> inspect.Type:
    assert isinstance(type_, inspect.VarTupleType)
    return type_.item_type


@singledispatch
def _right(type_: inspect.Type, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a right value of a type without fields."""
    message = f"a field {name!r} of type {type_} is new here: say what is right and wrong in it"
    raise NotImplementedError(message)


@singledispatch
def _wrongs(type_: inspect.Type, right: Any, name: str) -> Iterator[Wrong]:  # noqa: ANN401 - any JSON
    """Yield what is wrong of the right JSON type: range, size, what is inside."""
    raise NotImplementedError(str(type_), right, name)


def _all_wrongs(type_: inspect.Type, right: Any, name: str) -> Iterator[Wrong]:  # noqa: ANN401 - any JSON
    """Yield wrong values of a field: of another JSON type, then of its own."""
    for kind, other in _JSON.items():
        if kind != _kind(right):
            yield Wrong((), other, name)
    yield from _wrongs(_bare(type_), right, name)


def _kind(value: object) -> str:
    kinds = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def _wrongs_of_fields(struct: inspect.StructType, right: Message) -> Iterator[Wrong]:
    yield Wrong((), {**right, UNHEARD_OF: 1}, UNHEARD_OF)
    for field in struct.fields:
        name = field.encode_name
        if name not in right:
            continue
        if field.required:
            yield Wrong((), {key: value for key, value in right.items() if key != name}, name)
        for wrong in _all_wrongs(field.type, right[name], name):
            yield wrong.within(name, {**right, name: wrong.value})


@_wrongs.register
def _(type_: inspect.StructType, right: Message, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - its fields are named
    yield from _wrongs_of_fields(type_, right)


@_right.register
def _(type_: inspect.StrType, name: str) -> str:  # noqa: ARG001 - a name of any field
    return "x" * max(1, type_.min_length or 0)


@_wrongs.register
def _(type_: inspect.StrType, right: str, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - the type tells it all
    if type_.min_length:
        yield Wrong((), "x" * (type_.min_length - 1), name)
    if type_.max_length is not None:
        yield Wrong((), "x" * (type_.max_length + 1), name)


@_right.register
def _(type_: inspect.FloatType, name: str) -> float:  # noqa: ARG001 - a number of any field
    return float(type_.ge if type_.ge is not None else 1)


@_wrongs.register
def _(type_: inspect.FloatType, right: float, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - the type tells it all
    out = [math.nan, math.inf, 10**400]
    out += [bound for bound in (type_.gt, type_.lt) if bound is not None]
    out += [bound - 1e-6 for bound in (type_.gt, type_.ge) if bound is not None]
    out += [bound + 1e-6 for bound in (type_.lt, type_.le) if bound is not None]
    out += [-1e9] * (type_.ge is not None or type_.gt is not None) + [1e9] * (type_.le is not None)
    yield from (Wrong((), number, name) for number in out)


@_right.register
def _(type_: inspect.EnumType, name: str) -> str:  # noqa: ARG001 - a member of any field
    first: str = next(iter(type_.cls)).value
    return first


@_wrongs.register
def _(type_: inspect.EnumType, right: str, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - no member is like these
    yield from (Wrong((), text, name) for text in ("", "tram", right.upper(), f"{right} "))


@_right.register
def _(type_: inspect.LiteralType, name: str) -> Any:  # noqa: ARG001, ANN401 - any JSON
    return type_.values[0]


@_wrongs.register
def _(type_: inspect.LiteralType, right: bool, name: str) -> Iterator[Wrong]:  # noqa: ARG001, FBT001 - the only kind
    yield Wrong((), not right, name)


@_right.register
def _(type_: inspect.DateTimeType, name: str) -> str:  # noqa: ARG001 - a time of any field
    return "2026-11-24T12:00:00Z"


@_wrongs.register
def _(type_: inspect.DateTimeType, right: str, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - the type tells it all
    texts = ("", "soon", "2026-11-24", "2026-11-24T12:00:00", "2026-02-30T12:00:00Z", "2026-11-24T25:00:00Z", right * 2)
    yield from (Wrong((), text, name) for text in texts)


@_right.register
def _(type_: inspect.TimeDeltaType, name: str) -> str:  # noqa: ARG001 - a duration of any field
    return "PT12H"


@_wrongs.register
def _(type_: inspect.TimeDeltaType, right: str, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - the type tells it all
    yield from (Wrong((), text, name) for text in ("", "P", "12 h", "12", "P1Y", "PT-1H", "PT1e9H", right * 2))


@_right.register
def _(type_: inspect.DictType, name: str) -> Message:  # noqa: ARG001 - only its name tells what it is
    return _GEOJSON[name]


@_wrongs.register
def _(type_: inspect.DictType, right: Message, name: str) -> Iterator[Wrong]:  # noqa: ARG001 - there is no more to it
    # What is wrong inside is found when the geometry is read, not when the message is.
    yield from ()


@_right.register
def _(type_: inspect.VarTupleType, name: str) -> list[Any]:
    return [_right(_bare(type_.item_type), name)] * max(1, type_.min_length or 0)


@_wrongs.register
def _(type_: inspect.VarTupleType, right: list[Any], name: str) -> Iterator[Wrong]:
    if type_.min_length:
        yield Wrong((), right[: type_.min_length - 1], name)
    if type_.max_length is not None:
        yield Wrong((), right[:1] * (type_.max_length + 1), name)
    for wrong in _all_wrongs(type_.item_type, right[0], name):
        yield Wrong(wrong.path, [wrong.value, *right[1:]], wrong.named)


@_right.register
def _(type_: inspect.TupleType, name: str) -> list[Any]:
    return [_right(_bare(one), name) for one in type_.item_types]


@_wrongs.register
def _(type_: inspect.TupleType, right: list[Any], name: str) -> Iterator[Wrong]:
    yield from (Wrong((), wrong, name) for wrong in ([], right[:-1], [*right, right[0]]))
    for place, item in enumerate(type_.item_types):
        for wrong in _all_wrongs(item, right[place], name):
            yield Wrong((), [*right[:place], wrong.value, *right[place + 1 :]], name)
