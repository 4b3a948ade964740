"""The settings as documents: the commented `config.toml` and `docs/settings.md`, made from `settings` alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, structs

from geoworks.config.settings import Settings

_WIDTH = 110
_LONGEST_DEFAULT = 90
_SETTINGS_INTRODUCTION = (
    "Made from `geoworks/config/` by `make docs`. Set them in `config.toml`, or override a key of a table "
    "by `GEOWORKS_<TABLE>_<KEY>` in the environment. `geoworks init` writes a commented file, `geoworks check` names "
    "every fault."
)
# A key without a default is shown commented out, by an example.
_EXAMPLES = {"start": "2018-06-15T10:00:00+02:00", "url": '"https://sig.example.org/travaux.gpkg"'}


class Setting(Struct, frozen=True):
    """One setting as documents show it; `default` is msgspec.NODEFAULT where it must be given."""

    table: str
    key: str
    type: str
    default: Any
    description: str
    repeated: bool = False


def all_settings() -> list[Setting]:
    """Return every setting in the order of `config.toml`; a repeated table has a placeholder in its name."""
    return list(_walk(Settings, "", repeated=False))


def config_toml(settings: Settings | None = None) -> str:
    """Write a `config.toml` with a comment for every setting.

    What has its default is written out too, so that the file shows what there is to set; the tables that may be
    repeated are shown commented out.
    """
    lines = [
        "# Settings of geoworks. Every setting is here with its meaning; what is left out has the value shown.",
        "# GEOWORKS_<TABLE>_<KEY> in the environment overrides a key: GEOWORKS_SERVER_PORT=9000.",
        "# `geoworks check` names every fault.",
    ]
    table = ""
    for setting in all_settings():
        if setting.table != table:
            table = setting.table
            mark = "# " if setting.repeated else ""
            lines += ["", f"{mark}[{table}]  # {_doc(table)}"]
        lines += _toml_lines(setting, settings or Settings())
    return "\n".join(lines) + "\n"


def settings_markdown() -> str:
    """Write `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        _SETTINGS_INTRODUCTION,
    ]
    table = ""
    for setting in all_settings():
        if setting.table != table:
            table = setting.table
            lines += [
                "",
                f"## `[{table}]`",
                "",
                _doc(table),
                "",
                "| key | type | default | meaning |",
                "|---|---|---|---|",
            ]
        lines.append(f"| `{setting.key}` | {setting.type} | {_default_text(setting.default)} | {setting.description} |")
    return "\n".join(lines) + "\n"


def _default_text(default: Any) -> str:  # noqa: ANN401 - any value of a setting
    if default is msgspec.NODEFAULT:
        return "required"
    text = "none" if default is None else f"`{_toml(default)}`"
    return text if len(text) <= _LONGEST_DEFAULT else "see `config.toml`"


def _walk(table: type[Struct], name: str, *, repeated: bool) -> Iterator[Setting]:
    below: list[tuple[type[Struct], str, bool]] = []
    for field in structs.fields(table):
        kind, meta = _parts(field.type)
        inner = get_args(kind)[1] if get_origin(kind) is dict else None
        path = f"{name}.{field.encode_name}" if name else field.encode_name
        if isinstance(kind, type) and issubclass(kind, Struct):
            below.append((kind, path, repeated))
        elif isinstance(inner, type) and issubclass(inner, Struct):
            below.append((inner, f"{path}.NAME", True))
        else:
            text = (meta.description if meta else "") or ""
            yield Setting(name, field.encode_name, _type_name(kind, meta), _default(field), text, repeated)
    for inner_table, path, inner_repeated in below:
        yield from _walk(inner_table, path, repeated=inner_repeated)


def _parts(kind: Any) -> tuple[Any, Meta | None]:  # noqa: ANN401 - a type expression
    """Return the plain type and the bounds with the description, from all `Annotated` around it."""
    metas = [meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, Meta)]
    described = next((meta for meta in metas if meta.description), metas[0] if metas else None)
    return (get_args(kind)[0] if metas else kind), described


def _default(field: structs.FieldInfo) -> Any:  # noqa: ANN401 - any value of a setting
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


_TYPE_NAMES = {str: "text", int: "number", float: "number", bool: "yes or no", datetime: "moment"}


def _type_name(kind: Any, meta: Meta | None) -> str:  # noqa: ANN401 - a type expression
    options = [arg for arg in get_args(kind) if arg is not type(None)]
    if get_origin(kind) is dict:
        return "table"
    if get_origin(kind) is tuple:
        return "list"
    plain = options[0] if options else kind
    if isinstance(plain, type) and issubclass(plain, Enum):
        return " or ".join(f"`{member.value}`" for member in plain)
    return _TYPE_NAMES.get(plain, "text") + _bounds(meta)


def _bounds(meta: Meta | None) -> str:
    low = meta.ge if meta and meta.ge is not None else (meta.gt if meta else None)
    high = meta.le if meta else None
    if low is None and high is None:
        return ""
    return f", {low if low is not None else ''} to {high}" if high is not None else f", from {low}"


def _doc(table: str) -> str:
    """Return the first line of a table's docstring."""
    kind: Any = Settings
    for name in table.split("."):
        if name == "NAME":
            continue
        field = next(field for field in structs.fields(kind) if field.encode_name == name)
        kind, _ = _parts(field.type)
        kind = get_args(kind)[1] if get_origin(kind) is dict else kind
    return (kind.__doc__ or "").strip().splitlines()[0]


def _toml_lines(setting: Setting, settings: Settings) -> Iterator[str]:
    for line in textwrap.wrap(setting.description, _WIDTH):
        yield f"# {line}"
    value = setting.default if setting.repeated else _current(setting, settings)
    hidden = setting.repeated or value is None
    text = _EXAMPLES[setting.key] if value is None or value is msgspec.NODEFAULT else _toml(value)
    for line in f"{setting.key} = {text}".splitlines():
        yield f"# {line}" if hidden else line


def _current(setting: Setting, settings: Settings) -> Any:  # noqa: ANN401 - any value of a setting
    value: Any = settings
    for name in [*setting.table.split("."), setting.key]:
        value = getattr(value, name)
    return value


def _toml(value: Any) -> str:  # noqa: ANN401 - any value of a setting
    """Write a value as TOML."""
    plain = msgspec.to_builtins(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str):
        return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(plain, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in plain.items()) + " }" if plain else "{}"
    if isinstance(plain, list | tuple):
        return _toml_list(list(plain))
    return str(plain)


def _toml_list(items: list[Any]) -> str:
    if items and isinstance(items[0], dict):
        return "[\n" + "".join(f"  {_toml(item)},\n" for item in items) + "]"
    return "[" + ", ".join(map(_toml, items)) + "]"
