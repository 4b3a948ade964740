"""`geoworks watch`: the live stream in the terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich import live as rich_live

from geoworks.cli.frame import command, out, remark
from geoworks.cli.help import Command
from geoworks.cli.itinerary import Itinerary
from geoworks.cli.view import View, line_of
from geoworks.cli.wanted import Wanted
from geoworks.client import (
    Change,
    Ended,
    Live,
    Lost,
    Refused,
    Stream,
    Subscription,
    Unintelligible,
    Unreachable,
    connect,
)
from geoworks.clock import SystemClock
from geoworks.errors import Invalid, Problem
from geoworks.model.severity import Severity

_AREA_UNKNOWN = 110
_NOBODY = "give the address that `geoworks serve` printed, and see that it runs"
_STRANGE = "is it geoworks, and of this release?"


@click.command(
    cls=Command,
    examples=(
        "geoworks watch",
        "geoworks watch https://travaux.example.org --zone gare",
        "geoworks watch --bbox 2.30,48.62,2.32,48.64 --json",
        "geoworks watch --route to-work.gpx --depart 07:30 --speed 30",
        "geoworks watch --route round.geojson --vehicle hgv,height_m=3.9,weight_t=19 --horizon 12h",
    ),
)
@click.argument("url", default="http://127.0.0.1:8080")
@click.option("--zone", "zones", multiple=True, help="Only this zone, by its id; may be given several times.")
@click.option("--bbox", default="", help="Only this box: west,south,east,north in degrees.")
@click.option(
    "--route",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only what is on this route: a GPX file, or GeoJSON with one line.",
)
@click.option("--corridor", type=click.FloatRange(1, 500), help="How far beside the route counts, in metres: 50.")
@click.option("--depart", default="", help="When you leave (now, 07:30, 2026-11-27T07:30): only what you will meet.")
@click.option("--speed", type=click.FloatRange(1, 200), help="Your usual speed in km/h, with --depart: 50.")
@click.option("--vehicle", default="", help="Only what hinders it: class[,height_m=..][,width_m=..][,weight_t=..].")
@click.option(
    "--min-severity", type=click.Choice([one.value for one in Severity]), help="Only what hinders so much, or more."
)
@click.option("--horizon", default="", help="Only works in force now or within this time: 90min, 12h, 2d.")
@click.option("--json", "as_json", is_flag=True, help="Print every change as a line of JSON.")
@command
async def watch(*, url: str, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - what `Wanted` says
    """Watch a town live, every change as it comes.

    Ctrl-C ends it. When the connection breaks, it is made again and goes on where it was. Lines of JSON are also
    what is printed where the output is not a terminal. The town keeps a route
    in memory only.
    """
    wanted = Wanted(**options)
    wanted.check()
    watcher = Watcher(url, wanted)
    try:
        await watcher.watch(as_json=as_json or not out.is_terminal)
    except Unreachable as error:
        raise Invalid(Problem("", str(error), _NOBODY)) from error
    except (Ended, Unintelligible) as error:
        raise Invalid(Problem("the server", str(error), _STRANGE)) from error


class Watcher:
    """Follows a town and shows it."""

    def __init__(self, url: str, wanted: Wanted) -> None:
        """Ask a town what is wanted.

        Raises:
            Invalid: an option, or the file of the route, cannot be read.

        """
        self._url = url
        self._wanted = wanted
        self._question = wanted.subscription(wanted.area())
        self._itinerary = Itinerary(wanted.route, wanted.timing(SystemClock())) if wanted.route else None
        self._forgotten = False

    async def watch(self, *, as_json: bool) -> None:
        """Follow the town until somebody ends it.

        Raises:
            Invalid: the server refuses what is asked.
            GeoworksError: the first connection cannot be made, or it is no town.

        """
        stream = connect(self._url, [await self._ask()])
        async with stream:
            await (self._print(stream) if as_json else self._draw(stream))

    async def _print(self, stream: Stream) -> None:
        """Print each change as a line; what is no change is remarked beside."""
        view = View(stream)
        async for change in self._changes(stream, view, lambda: remark(view.state)):
            click.echo(msgspec.json.encode(line_of(change)))
            if isinstance(change, Lost):
                remark(view.state)

    async def _draw(self, stream: Stream) -> None:
        """Draw the table again with each change."""
        view = View(stream, asked=self._said())
        with rich_live.Live(view.table(), console=out, auto_refresh=False, vertical_overflow="ellipsis") as screen:

            def draw() -> None:
                screen.update(view.table(), refresh=True)

            async for _ in self._changes(stream, view, draw):
                draw()

    async def _changes(self, stream: Stream, view: View, tell: Callable[[], None]) -> AsyncIterator[Change]:
        """Yield what changes, after the view has taken note; ask again about a route that was forgotten."""

        def say(state: str) -> None:
            view.state = state
            tell()

        while True:
            try:
                change = await anext(stream)
            except Refused as refused:
                await self._ask_again(stream, refused, say)
                continue
            if isinstance(change, Live):
                self._forgotten = False
            view.take(change)
            yield change

    async def _ask(self) -> Subscription:
        """Return the question, once its route is left at the town."""
        if self._itinerary is None:
            return self._question
        return msgspec.structs.replace(self._question, area=await self._itinerary.post(self._url))

    async def _ask_again(self, stream: Stream, refused: Refused, say: Callable[[str], None]) -> None:
        """Leave a route at the town again, if it has forgotten that; once, for what it forgets at once is no use."""
        if refused.number != _AREA_UNKNOWN or self._itinerary is None or self._forgotten:
            raise Invalid(Problem("the server", str(refused), "mend the options of this command")) from refused
        self._forgotten = True
        area = await self._itinerary.post_again(self._url, say)
        await stream.subscribe(msgspec.structs.replace(self._question, area=area))

    def _said(self) -> str:
        """Say in words what of the town is asked."""
        if self._itinerary is None:
            return ""
        length_m = self._itinerary.length_m
        return f" on {self._itinerary.name}" + (f" ({length_m / 1000:.1f} km)" if length_m else "")
