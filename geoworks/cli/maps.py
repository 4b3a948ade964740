"""`geoworks map build`: the generated maps as a folder."""

from __future__ import annotations

from pathlib import Path

import click

from geoworks.cli.frame import command, config_option, err, say, settings_of, writing
from geoworks.cli.help import Group
from geoworks.cli.local import open_local
from geoworks.parts import build_maps


@click.group("map", cls=Group)
def map_() -> None:
    """Make the generated maps."""


@map_.command(examples=("geoworks map build --out maps-of-today",))
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write; it is made.",
)
@config_option
@command
async def build(*, folder: Path, config: Path | None) -> None:
    """Write the overview map and one map per zone, with all they need, as a folder that opens without a server.

    They show what the public may see.
    """
    settings = settings_of(config)
    with err.status("drawing the maps"):
        async with open_local(settings) as town:
            features = {kind: await town.read(f"/v1/{kind}") for kind in ("works", "zones", "reports")}
        with writing(folder):
            pages = await build_maps(settings, features, folder)
    say(f"wrote {len(pages)} maps; open {folder / 'overview.html'}")
