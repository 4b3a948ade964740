"""What this release knows of a value that a later one wrote: everything but the fields that were added."""

from __future__ import annotations

from typing import Any

from msgspec import inspect


def without_added(kind: inspect.Type, value: Any) -> Any:  # noqa: ANN401 - whatever MessagePack holds
    """Return a decoded value of a type without the fields that its structs, at any depth, do not have."""
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        return _known_fields(kind, value)
    if isinstance(kind, inspect.VarTupleType | inspect.ListType) and isinstance(value, list):
        return [without_added(kind.item_type, item) for item in value]
    if isinstance(kind, inspect.NamedTupleType) and isinstance(value, list):
        pairs = zip(kind.fields, value, strict=False)
        return [without_added(field.type, item) for field, item in pairs] + value[len(kind.fields) :]
    if isinstance(kind, inspect.UnionType):
        chosen = next((one for one in kind.types if _is_meant(one, value)), None)
        return value if chosen is None else without_added(chosen, value)
    return value


def _known_fields(kind: inspect.StructType, value: dict[str, Any]) -> dict[str, Any]:
    known = {field.encode_name: field.type for field in kind.fields}
    kept = {name: without_added(known[name], inner) for name, inner in value.items() if name in known}
    return kept if kind.tag_field is None else {kind.tag_field: value.get(kind.tag_field), **kept}


def _is_meant(kind: inspect.Type, value: Any) -> bool:  # noqa: ANN401 - whatever MessagePack holds
    """Tell whether a value is of this one among the types of a union: a struct by its tag, else by its form."""
    if isinstance(kind, inspect.StructType):
        return isinstance(value, dict) and (kind.tag_field is None or value.get(kind.tag_field) == kind.tag)
    return isinstance(kind, inspect.VarTupleType | inspect.ListType) and isinstance(value, list)
