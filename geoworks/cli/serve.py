"""`geoworks serve`: the service."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

import click

from geoworks.app import keep_current, open_doors, open_town
from geoworks.cli.frame import command, config_option, out, settings_of
from geoworks.config.settings import Settings


@click.command()
@config_option
@command
async def serve(*, config: Path | None) -> None:
    r"""Start the service and keep it going until it is stopped.

    SIGTERM and SIGINT stop it gently: clients are told, writes already taken are finished.

    \b
    Examples:
      geoworks serve
      geoworks serve --config /etc/geoworks/config.toml
      GEOWORKS_SERVER_PORT=9000 geoworks serve
    """
    await run_service(settings_of(config))


async def run_service(settings: Settings) -> None:
    """Serve a town until a signal comes; print its address once it listens."""
    start_logging()
    async with open_town(settings) as town, open_doors(town) as address, keep_current(town):
        out.print(f"geoworks serves {settings.town.name} on {address}")
        await until_stopped()
        out.print("stopping: telling the clients, finishing what was taken")
        await town.hub.drain(settings.server.drain_s)


async def until_stopped() -> None:
    """Wait for SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def start_logging() -> None:
    """Write warnings and errors to standard error, our own messages too."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("geoworks").setLevel(logging.INFO)
