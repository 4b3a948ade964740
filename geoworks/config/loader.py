"""From a file and the environment to settings; every fault is told with its table, key, value and mend."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin
from zoneinfo import available_timezones

import msgspec
from msgspec import Struct, structs

from geoworks.config.nodes import BusKind, NodeRole
from geoworks.config.secrets import without_password
from geoworks.config.settings import Engine, Settings
from geoworks.config.sources import Mapping as MappingTable
from geoworks.errors import ConfigError, Invalid, Problem
from geoworks.ids import check_source_name

_PREFIX = "GEOWORKS_"
_MAX_FILE_BYTES = 1_048_576


def load_settings(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; `GEOWORKS_<TABLE>_<KEY>` in the environment overrides `key` of `[table]`.

    Relative paths in the file are taken from the file's folder. Without a path all settings have their defaults.

    Raises:
        ConfigError: the file cannot be read or a setting is wrong; one problem for each fault.

    """
    data = read_toml(path) if path else {}
    conversion = _Conversion()
    conversion.problems += _override(data, environment)
    settings = conversion.table(Settings, data, "")
    problems = conversion.problems or list(_check(settings))
    if problems:
        raise ConfigError(problems)
    return _anchor(settings, path.parent if path else Path())


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: it is absent, too large, or no TOML.

    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(Problem(str(path), "is larger than 1 MiB", "is it the right file?"))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        mend = "give another with --config, or make one with: geoworks init"
        raise ConfigError(Problem(str(path), f"cannot be read: {error.strerror}", mend)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(Problem(str(path), f"is not TOML: {error}", "mend the line it names")) from error


def _override(data: dict[str, Any], environment: Mapping[str, str]) -> Iterator[Problem]:
    """Lay the environment over the data, in place; yield what names no setting."""
    for name, text in sorted(environment.items()):
        if not name.startswith(_PREFIX) or name == "GEOWORKS_CONFIG":
            continue
        table, _, key = name.removeprefix(_PREFIX).lower().partition("_")
        kind = _field_types(Settings).get(table)
        if not (isinstance(kind, type) and issubclass(kind, Struct) and key in _field_types(kind)):
            yield Problem(name, "names no setting", "the form is GEOWORKS_<TABLE>_<KEY>, such as GEOWORKS_SERVER_PORT")
            continue
        data.setdefault(table, {})[key] = _read_value(text)


def _read_value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    """Read a value of the environment as TOML, else as the text it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _field_types(table: type[Struct]) -> dict[str, Any]:
    return {field.encode_name: _bare(field.type) for field in structs.fields(table)}


def _bare(kind: Any) -> Any:  # noqa: ANN401 - a type expression
    """Return the type below `Annotated`."""
    return get_args(kind)[0] if hasattr(kind, "__metadata__") else kind


class _Conversion:
    """Converts tables field by field, so that every fault is told and not only the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def table(self, table: type[Struct], data: Any, where: str) -> Any:  # noqa: ANN401 - any TOML value in, a table out
        if not isinstance(data, dict):
            self.problems.append(Problem(f"[{where}]", f"is {_shown(data)}, not a table", f"write it as [{where}]"))
            return None
        before = len(self.problems)
        self.problems += _unknown_keys(table, data, where)
        values = {}
        for field in structs.fields(table):
            path = _join(where, field.encode_name)
            if field.encode_name in data:
                values[field.name] = self._field(field, data[field.encode_name], path)
            elif field.required:
                self.problems.append(Problem(path, "is missing", "it has no default"))
        return None if len(self.problems) > before else table(**values)

    def _field(self, field: structs.FieldInfo, value: Any, where: str) -> Any:  # noqa: ANN401 - any TOML value
        kind = _bare(field.type)
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self.table(kind, value, where)
        inner = get_args(kind)[1] if get_origin(kind) is dict and isinstance(value, dict) else None
        if isinstance(inner, type) and issubclass(inner, Struct):
            return {name: self.table(inner, item, _join(where, name)) for name, item in value.items()}
        try:
            return msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            self.problems.append(Problem(where, f"is {_shown(value)}: {_plain(error)}", _default_hint(field)))
            return None


def _shown(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """Return a value as a message may show it: an address without its password."""
    return without_password(repr(value))


def _plain(error: msgspec.ValidationError) -> str:
    return str(error).replace("`", "").replace(" - at $", "")


def _default_hint(field: structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return "see docs/settings.md"
    return f"the default is {msgspec.to_builtins(field.default)!r}"


def _unknown_keys(table: type[Struct], data: Mapping[str, Any], where: str) -> Iterator[Problem]:
    known = list(_field_types(table))
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            mend = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            yield Problem(_join(where, key), f"is no setting (its value is {_shown(data[key])})"[:200], mend)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _check(settings: Settings) -> Iterator[Problem]:
    """Yield what types cannot say."""
    yield from _check_time_zone("town.time_zone", settings.town.time_zone)
    levels = settings.levels
    if not levels.light < levels.disturbed < levels.heavy < levels.blocked:
        yield Problem("levels", "do not rise", "light < disturbed < heavy < blocked")
    if settings.clock.start and settings.clock.start.tzinfo is None:
        yield Problem("clock.start", "has no offset", "write it as 2018-06-15T10:00:00+02:00")
    if settings.store.engine is Engine.POSTGRESQL and not settings.store.dsn:
        mend = "name the database, such as postgresql://role@host/database; GEOWORKS_STORE_DSN does too"
        yield Problem("store.dsn", "is empty", mend)
    if settings.store.engine is Engine.EMBEDDED:
        yield from _check_alone(settings)
    if settings.bus.kind is BusKind.NATS and settings.mqtt.url and settings.bus.stream == settings.mqtt.topic:
        what = (
            "is mqtt.topic too: vehicles on the same NATS server would hear what nodes tell each other, drafts as well"
        )
        yield Problem("bus.stream", what, f"name another, such as {settings.bus.stream}-nodes")
    for name, source in settings.sources.items():
        yield from _check_source(name, source.mapping)


def _check_alone(settings: Settings) -> Iterator[Problem]:
    """Yield what asks for other nodes in a town whose store belongs to one process."""
    what = "and the embedded store serves one process, which does everything itself"
    postgresql = 'or move the town to PostgreSQL (docs/postgresql.md) and set store.engine = "postgresql"'
    if settings.node.role is not NodeRole.ALL:
        yield Problem("node.role", f"is {settings.node.role.value} {what}", f'set it to "all", {postgresql}')
    if settings.bus.kind is not BusKind.POSTGRESQL:
        yield Problem("bus.kind", f"is {settings.bus.kind.value} {what}", f"take it out, {postgresql}")


def _check_source(name: str, mapping: MappingTable) -> Iterator[Problem]:
    try:
        check_source_name(name)
    except Invalid as error:
        yield from error.problems
    if mapping.time_zone:
        yield from _check_time_zone(f"sources.{name}.mapping.time_zone", mapping.time_zone)


def _check_time_zone(where: str, name: str) -> Iterator[Problem]:
    if name not in available_timezones():
        near = difflib.get_close_matches(name, available_timezones(), 1)
        mend = f"did you mean {near[0]}?" if near else "use an IANA name such as Europe/Paris"
        yield Problem(where, f"{name!r} is no time zone", mend)


def _anchor(settings: Settings, folder: Path) -> Settings:
    """Take relative paths from the folder of the configuration file."""

    def at(path: str) -> str:
        return path if not path or "://" in path else str(folder / path)

    sources = {name: structs.replace(source, url=at(source.url)) for name, source in settings.sources.items()}
    return structs.replace(
        settings,
        data=structs.replace(settings.data, dir=at(settings.data.dir)),
        town=structs.replace(settings.town, logo=at(settings.town.logo)),
        zones=structs.replace(settings.zones, file=at(settings.zones.file)),
        maps=structs.replace(settings.maps, dir=at(settings.maps.dir)),
        sources=sources,
    )
