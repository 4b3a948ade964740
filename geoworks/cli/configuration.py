"""`geoworks init` and `geoworks check`: the configuration file, written and examined."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import click
from msgspec import structs

from geoworks.bus import jetstream
from geoworks.cli.frame import command, config_option, plain_command, say, settings_of, writing
from geoworks.cli.help import Command
from geoworks.config.document import config_toml
from geoworks.config.nodes import BusKind
from geoworks.config.settings import Engine, Settings
from geoworks.errors import BusError, ConfigError, Problem, StoreError
from geoworks.mqtt import examine as mqtt
from geoworks.parts import make_sources
from geoworks.store.postgis.examine import examine
from geoworks.web.listen import is_served, tcp_fault


@click.command(cls=Command, examples=("geoworks init", "geoworks init /etc/geoworks/config.toml"))
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=Path("config.toml"))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@plain_command
def init(*, path: Path, force: bool) -> None:
    """Write a configuration file with a comment for every setting."""
    with writing(path):
        if path.exists() and not force:
            raise ConfigError(Problem(str(path), "is there already", "give another path, or --force to write over it"))
        path.write_text(config_toml(), encoding="utf-8")
    say(f"wrote {path}: set the town's name and its sources, then run: geoworks check --config {path}")


@click.command(cls=Command, examples=("geoworks check", "geoworks check --config /etc/geoworks/config.toml"))
@config_option
@command
async def check(*, config: Path | None) -> None:
    """Examine the configuration and name every fault with its mend.

    A fault is told with its table, key and value. Where the town is on PostgreSQL, the server, its clock, PostGIS, the
    rights and the tables are looked at; NATS and the MQTT broker are asked where they are set. Sources are not read: a
    dry run of `geoworks sync` does that.
    """
    settings = settings_of(config)
    served = is_served(Path(settings.data.dir))
    problems = [*_check_sources(settings), *_check_files(settings), *_check_data(Path(settings.data.dir))]
    if not served:
        problems += _check_address(settings)
    others = [asked async for asked in _ask_others(settings)]
    problems += [problem for asked in others if not isinstance(asked, str) for problem in asked]
    if problems:
        raise ConfigError(problems)
    state = "and the service runs" if served else "and its address is free"
    count = len(settings.sources)
    sources = f"{count} source" if count == 1 else f"{count} sources"
    say(f"the configuration is good: {settings.town.name}, {sources}, {state}")
    for asked in others:
        if isinstance(asked, str):
            say(asked)


async def _ask_others(settings: Settings) -> AsyncIterator[str | Sequence[Problem]]:
    """Yield, for each server that the settings name, what it is, or what is wrong with it."""
    if settings.store.engine is Engine.POSTGRESQL:
        try:
            yield await examine(settings.store, clock_alarm_s=settings.node.clock_alarm_s)
        except StoreError as error:
            yield [Problem("store", str(error))]
    if settings.bus.kind is BusKind.NATS:
        try:
            yield await jetstream.examine(settings.bus)
        except BusError as error:
            yield [Problem("bus", str(error))]
    if settings.mqtt.url:
        try:
            yield await mqtt.examine(settings.mqtt)
        except ConfigError as error:
            yield error.problems


def _check_sources(settings: Settings) -> Iterator[Problem]:
    """Yield what is wrong with each source, by the very way in which the service makes them."""
    for name, table in settings.sources.items():
        try:
            make_sources(structs.replace(settings, sources={name: table}))
        except ConfigError as error:
            yield from error.problems


def _check_files(settings: Settings) -> Iterator[Problem]:
    """Yield the files that the settings name and that cannot be read, or are larger than what is read."""
    named = {f"sources.{name}.url": source.url for name, source in settings.sources.items()}
    named |= {"zones.file": settings.zones.file, "town.logo": settings.town.logo}
    mend = "mend the path or its rights; relative paths are taken from the configuration's folder"
    most = settings.limits.upload_bytes
    for where, path in named.items():
        if not path or "://" in path:
            continue
        if not os.access(path, os.R_OK):
            yield Problem(where, f"{path!r} does not exist or cannot be read", mend)
        elif (size := Path(path).stat().st_size) > most:
            yield Problem(where, f"{path!r} has {size} bytes", f"raise limits.upload_bytes from {most}, or split it")


def _check_data(data_dir: Path) -> Iterator[Problem]:
    """Yield what is wrong with the data directory, or with the folder it will be made in."""
    there = next(folder for folder in (data_dir, *data_dir.absolute().parents) if os.access(folder, os.F_OK))
    if not there.is_dir():
        yield Problem("data.dir", f"{str(there)!r} is not a folder", "name a folder")
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Problem("data.dir", f"{str(there)!r} cannot be written", "give its owner the right, or name another")


def _check_address(settings: Settings) -> list[Problem]:
    fault = tcp_fault(settings.server.host, settings.server.port)
    return [fault] if fault else []
