"""`geoworks serve`: the service."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

import click

from geoworks.app import keep_current, open_doors, open_town
from geoworks.cli.frame import command, config_option, say, settings_of
from geoworks.cli.help import Command
from geoworks.config.settings import Settings
from geoworks.memory import rarely_collected

_STOPPING = (signal.SIGTERM, signal.SIGINT)


@click.command(
    cls=Command,
    examples=(
        "geoworks serve",
        "geoworks serve --config /etc/geoworks/config.toml",
        "GEOWORKS_SERVER_PORT=9000 geoworks serve",
    ),
)
@config_option
@command
async def serve(*, config: Path | None) -> None:
    """Start the service and keep it going until it is stopped.

    SIGTERM and SIGINT (Ctrl-C) stop it gently: clients are told, writes already taken are finished.
    """
    await run_service(settings_of(config))


async def run_service(settings: Settings) -> None:
    """Serve a town until a signal comes; print its address once it listens."""
    start_logging()
    # Before anything is opened, so that a signal that comes meanwhile is not lost.
    stopped = stop_signal()
    async with (
        open_town(settings) as town,
        open_doors(town) as address,
        keep_current(town),
        rarely_collected(town.hub.counters),
    ):
        say(f"geoworks serves {settings.town.name} on {address}")
        await stopped.wait()
        say("stopping: telling the clients, finishing what was taken")
        await town.hub.drain(settings.server.drain_s)


def stop_signal() -> asyncio.Event:
    """Return what the first SIGTERM or SIGINT sets in place of ending the process; those after it change nothing."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(*_: object) -> None:
        # The loop's own handlers are gone before the process is; a second signal must not cut the end short.
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        loop.call_soon_threadsafe(stopped.set)

    for number in _STOPPING:
        signal.signal(number, stop)
    return stopped


def start_logging(level: int = logging.INFO) -> None:
    """Write warnings and errors to standard error, our own messages from a level on."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("geoworks").setLevel(level)
