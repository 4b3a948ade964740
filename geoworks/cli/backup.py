"""`geoworks backup` and `geoworks restore`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from geoworks.cli.frame import config_option, err, harmless, plain_command, say, settings_of
from geoworks.cli.help import Command
from geoworks.clock import SystemClock
from geoworks.config.settings import Engine
from geoworks.errors import Invalid, Problem
from geoworks.store.postgis.backup import back_up as back_up_server
from geoworks.store.postgis.backup import restore as restore_server
from geoworks.store.sqlite.backup import DATABASE_NAME, back_up
from geoworks.store.sqlite.backup import restore as restore_database


@click.command(
    cls=Command, examples=("geoworks backup town-2026-11-24.db", "geoworks backup --force /var/backups/geoworks.db")
)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@config_option
@plain_command
def backup(*, target: Path, force: bool, config: Path | None) -> None:
    """Copy everything into one file, while the service runs or not.

    The copy is checked; the file appears, or is replaced, only when it is whole. Of a town on PostgreSQL too it is one
    moment, as a file that the embedded store could serve; for a large town use the server's own backups besides.
    """
    if target.exists() and not force:
        raise Invalid(Problem(str(target), "is there already", "give another name, or --force to write over it"))
    settings = settings_of(config)
    if settings.store.engine is Engine.POSTGRESQL:
        with err.status("copying the database"):
            counts = asyncio.run(back_up_server(settings.store, target))
        what = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        say(f"wrote {target} ({target.stat().st_size:,} bytes), checked: {what}")
        return
    database = Path(settings.data.dir) / DATABASE_NAME
    if not database.exists():
        mend = "there is nothing to copy yet: name the right --config, or start the service once"
        raise Invalid(Problem(str(database), "does not exist", mend))
    with err.status(f"copying {harmless(str(database))}"):
        back_up(database, target)
    say(f"wrote {target} ({target.stat().st_size:,} bytes), checked")


@click.command(cls=Command, examples=("geoworks restore town-2026-11-24.db",))
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@plain_command
def restore(*, source: Path, config: Path | None) -> None:
    """Put a backup in the place of the town's data.

    The service must be stopped. What was there is kept aside: as a file, or on PostgreSQL as a schema, for which the
    address must be that of the owner of the tables. Clients will be told to take a new snapshot, for the log they knew
    is gone.
    """
    settings = settings_of(config)
    now = SystemClock().now()
    with err.status(f"restoring {harmless(str(source))}"):
        if settings.store.engine is Engine.POSTGRESQL:
            aside: Path | str | None = asyncio.run(restore_server(source, settings.store, at=now))
            place = "the database of store.dsn"
        else:
            data_dir = Path(settings.data.dir)
            aside = restore_database(source, data_dir, at=now)
            place = str(data_dir)
    say(f"restored {source} into {place}")
    if aside:
        say(f"what was there is in {aside}")
