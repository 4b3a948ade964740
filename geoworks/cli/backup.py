"""`geoworks backup` and `geoworks restore`."""

from __future__ import annotations

from pathlib import Path

import click

from geoworks.cli.frame import config_option, err, out, plain_command, settings_of
from geoworks.clock import SystemClock
from geoworks.store.backup import DATABASE_NAME, back_up
from geoworks.store.backup import restore as restore_database


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@plain_command
def backup(*, target: Path, config: Path | None) -> None:
    r"""Copy everything into one file, while the service runs or not; the copy is checked.

    \b
    Examples:
      geoworks backup town-2026-11-24.db
    """
    database = Path(settings_of(config).data.dir) / DATABASE_NAME
    with err.status(f"copying {database}"):
        back_up(database, target)
    out.print(f"wrote {target} ({target.stat().st_size:,} bytes), checked")


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@plain_command
def restore(*, source: Path, config: Path | None) -> None:
    r"""Put a backup in the place of the town's data; the service must be stopped.

    What was there is kept aside. Clients will be told to take a new snapshot, for the log they knew is gone.

    \b
    Examples:
      geoworks restore town-2026-11-24.db
    """
    data_dir = Path(settings_of(config).data.dir)
    now = SystemClock().now()
    with err.status(f"restoring {source}"):
        aside = restore_database(source, data_dir, at=now)
    out.print(f"restored {source} into {data_dir}")
    if aside:
        out.print(f"what was there is in {aside}")
