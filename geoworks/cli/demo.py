"""`geoworks demo`: the sample town."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from geoworks.cli.frame import command, writing
from geoworks.cli.help import Command
from geoworks.cli.serve import start_logging, stop_signal
from geoworks.demo.run import run_demo


@click.command(cls=Command, examples=("geoworks demo", "geoworks demo --port 9000 --data-dir /tmp/sample-town"))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/demo"),
    show_default=True,
    help="Folder of the sample town's data; one that holds anything else is left alone.",
)
@command
async def demo(*, port: int, data_dir: Path) -> None:
    """Serve a sample town in which a few works begin, move and end.

    It has zones, works by day and by night, a detour and reports. Ctrl-C ends it; started again on the same folder,
    it goes on from there.
    """
    start_logging(logging.WARNING)
    stopped = stop_signal()
    with writing(data_dir):
        await run_demo(port=port, data_dir=data_dir, until=stopped.wait)
