"""`geoworks store`: what keeps the town, made ready and moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click
from msgspec import structs
from rich.progress import Progress, TextColumn

from geoworks.cli.frame import command, config_option, err, plain_command, say, settings_of
from geoworks.cli.help import Group
from geoworks.config.secrets import without_password
from geoworks.config.settings import Engine, Settings
from geoworks.errors import Invalid, Problem
from geoworks.store.copying import Holding, copy_town
from geoworks.store.postgis.holding import hold_database
from geoworks.store.postgis.migrate import read_script
from geoworks.store.sqlite.holding import hold_folder


@click.group(cls=Group)
def store() -> None:
    """Make a database ready, move a town into it or out."""


@store.command(name="setup-sql", examples=("geoworks store setup-sql > setup.sql",))
@plain_command
def setup_sql() -> None:
    """Print the SQL that makes roles with no more rights than they need: owner, writer, reader.

    Run it as a superuser in the town's database, before the tables are made.
    """
    click.echo(read_script("setup"), nl=False)


@store.command(examples=("GEOWORKS_STORE_DSN=postgresql://geoworks_owner@db.example.org/town geoworks store migrate",))
@config_option
@command
async def migrate(*, config: Path | None) -> None:
    """Make the tables of a PostgreSQL database, or bring them to this release, and give the roles their rights.

    Run it with the owner's address where the service logs in as a role that may not change tables. The service must be
    stopped.
    """
    settings = settings_of(config)
    if settings.store.engine is not Engine.POSTGRESQL:
        mend = 'set [store] engine = "postgresql"; an embedded town is migrated when it is opened'
        raise Invalid(Problem("store.engine", "is embedded", mend))
    async with hold_database(settings.store) as database:
        say(f"{database.name} is at this release")


@store.command(
    examples=(
        "geoworks store copy data postgresql://geoworks_owner@db.example.org/town",
        "geoworks store copy postgresql://geoworks_owner@db.example.org/town data",
    )
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@config_option
@command
async def copy(*, source: str, target: str, config: Path | None) -> None:
    """Move a town: everything in it, from a data folder to a PostgreSQL database or back.

    FROM and TO are folders, or addresses that begin with postgresql://; give a password by PGPASSWORD or ~/.pgpass. No
    service may run on either. TO must be empty. What was cut goes on when the same command is given again. The log
    keeps its name, so clients notice nothing; serve only one of the two afterwards.
    """
    settings = settings_of(config)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(_held(source, settings, make=False))
        there = await stack.enter_async_context(_held(target, settings, make=True))
        with Progress(*Progress.get_default_columns(), TextColumn("{task.completed:,}"), console=err) as bars:
            tasks = {}

            def show(section: str, done: int, total: int) -> None:
                if section not in tasks:
                    tasks[section] = bars.add_task(section, total=total or 1)
                bars.update(tasks[section], completed=done if total else 1)

            counts = await copy_town(here, there, progress=show)
    what = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    say(f"copied {without_password(source)} to {without_password(target)}, counted on both sides: {what}")


@asynccontextmanager
async def _held(place: str, settings: Settings, *, make: bool) -> AsyncIterator[Holding]:
    """Hold the town in a folder or database so that nobody else writes."""
    if "://" in place:
        async with hold_database(structs.replace(settings.store, dsn=place)) as database:
            yield database
    else:
        async with hold_folder(Path(place), make=make) as folder:
            yield folder
