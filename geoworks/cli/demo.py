"""`geoworks demo`: the sample town."""

from __future__ import annotations

from pathlib import Path

import click

from geoworks.cli.frame import command
from geoworks.cli.serve import start_logging, until_stopped
from geoworks.demo.run import run_demo


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/demo"),
    show_default=True,
    help="Folder of the sample town's data.",
)
@command
async def demo(*, port: int, data_dir: Path) -> None:
    r"""Serve a sample town with works, zones and reports, in which a few works begin, move and end.

    \b
    Examples:
      geoworks demo
      geoworks demo --port 9000
    """
    start_logging()
    await run_demo(port=port, data_dir=data_dir, until=until_stopped)
