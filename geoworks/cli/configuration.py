"""`geoworks init` and `geoworks check`: the configuration file, written and examined."""

from __future__ import annotations

import os
from pathlib import Path

import click

from geoworks.cli.frame import config_option, out, plain_command, settings_of
from geoworks.config.document import config_toml
from geoworks.config.settings import Settings
from geoworks.errors import ConfigError, Problem


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=Path("config.toml"))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@plain_command
def init(*, path: Path, force: bool) -> None:
    r"""Write a configuration file with a comment for every setting.

    \b
    Examples:
      geoworks init
      geoworks init /etc/geoworks/config.toml
    """
    if path.exists() and not force:
        raise ConfigError(Problem(str(path), "is there already", "give another path, or --force to write over it"))
    try:
        path.write_text(config_toml(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be written: {error.strerror}", "give another path")) from error
    out.print(f"wrote {path}: set the town's name and its sources, then run: geoworks check --config {path}")


@click.command()
@config_option
@plain_command
def check(*, config: Path | None) -> None:
    r"""Examine the configuration: every fault is named with its table, key, value and mend.

    \b
    Examples:
      geoworks check
      geoworks check --config /etc/geoworks/config.toml
    """
    settings = settings_of(config)
    problems = [*_check_files(settings), *_check_data(Path(settings.data.dir))]
    if problems:
        raise ConfigError(problems)
    out.print(f"the configuration is good: {settings.town.name}, {len(settings.sources)} sources")


def _check_files(settings: Settings) -> list[Problem]:
    """Return the files that the settings name and that are not there."""
    named = {f"sources.{name}.url": source.url for name, source in settings.sources.items()}
    named |= {"zones.file": settings.zones.file, "town.logo": settings.town.logo}
    return [
        Problem(where, f"{path!r} does not exist", "relative paths are taken from the configuration's folder")
        for where, path in named.items()
        if path and "://" not in path and not Path(path).exists()
    ]


def _check_data(data_dir: Path) -> list[Problem]:
    """Return what is wrong with the data directory, or with the folder it will be made in."""
    there = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    if not there.is_dir():
        return [Problem("data.dir", f"{str(there)!r} is not a folder", "name a folder")]
    if not os.access(there, os.W_OK):
        return [Problem("data.dir", f"{str(there)!r} cannot be written", "give its owner the right, or name another")]
    return []
