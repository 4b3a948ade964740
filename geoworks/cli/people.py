"""`geoworks key` and `geoworks report`: who may write, and what the public may read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import click

from geoworks.cli.frame import command, config_option, remark, say, settings_of
from geoworks.cli.help import Group
from geoworks.cli.local import open_local
from geoworks.pipeline.keys import Role


@click.group(cls=Group)
def key() -> None:
    """Manage the keys of the API.

    Make one for each person or program, so that each can be taken away alone.
    """


@key.command(
    examples=('geoworks key create "Service voirie"', 'geoworks key create "Accueil" --role moderator > accueil.key')
)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role if role is not Role.PUBLIC]),
    default=Role.STAFF.value,
    show_default=True,
    help="What its holder may do: works (staff), reports (moderator), all (admin).",
)
@config_option
@command
async def create(*, name: str, role: str, config: Path | None) -> None:
    """Make a key and print it; it is shown this once and kept only as a hash."""
    async with open_local(settings_of(config)) as town:
        made = await town.post("/v1/keys", {"name": name, "role": role})
    remark(f"key of {name}, role {role}; keep it now, it is not shown again")
    say(made["key"])


@click.group(cls=Group)
def report() -> None:
    """Look after the reports of citizens."""


@report.command(examples=("geoworks report release 7f3k2m9x01ab", "geoworks report release 7f3k2m9x01ab --hide"))
@click.argument("id_", metavar="ID")
@click.option("--hide", is_flag=True, help="Hide it again.")
@config_option
@command
async def release(*, id_: str, hide: bool, config: Path | None) -> None:
    """Let the public read the text and see the photos of a report."""
    async with open_local(settings_of(config)) as town:
        await town.post(f"/v1/reports/{quote(id_, safe='')}/release", {"released": not hide})
    say(f"{id_} is {'hidden' if hide else 'released'}")
