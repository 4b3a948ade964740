"""`geoworks watch`: the live stream in the terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import click
import websockets
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from geoworks.cli.frame import command, err, out
from geoworks.errors import Invalid, Problem

_PROTOCOL = websockets.Subprotocol("geoworks.v1")
_SUBSCRIPTION = "watch"
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_MAX_FRAME = 16 * 1024 * 1024
_ROWS = 40


class View:
    """What the stream has told so far: features by kind and id, and the cursor to resume from."""

    def __init__(self, area: dict[str, Any]) -> None:
        """Ask about one area."""
        self.features: dict[tuple[str, str], dict[str, Any]] = {}
        self._subscription = {"id": _SUBSCRIPTION, "area": area}
        self._cursor: str | None = None
        self._filters: str | None = None
        self._arriving: dict[tuple[str, str], dict[str, Any]] = {}

    def greeting(self) -> dict[str, Any]:
        """Return the first message of a connection: subscribe, or resume where the last one broke."""
        if self._cursor and self._filters:
            asked = [self._subscription]
            return {"type": "resume", "since": self._cursor, "filters": self._filters, "subscriptions": asked}
        return {"type": "subscribe", **self._subscription}

    def take(self, message: dict[str, Any]) -> None:
        """Take in a message of the server."""
        kind = message["type"]
        if kind == "snapshot":
            self._take_snapshot(message)
        elif kind == "put":
            self.features[_key(message["feature"])] = message["feature"]
        elif kind == "remove":
            self.features.pop((message["kind"], message["id"]), None)
        elif kind == "caught_up":
            self._filters = message["filters"]
        elif kind == "resync":
            self._cursor = self._filters = None
        self._cursor = message.get("cursor") or self._cursor

    def _take_snapshot(self, message: dict[str, Any]) -> None:
        self._arriving.update((_key(feature), feature) for feature in message["features"])
        if message["last"]:
            self.features, self._arriving = self._arriving, {}


@click.command()
@click.argument("url", default="http://127.0.0.1:8080")
@click.option("--zone", "zones", multiple=True, help="Only this zone; may be given several times.")
@click.option("--bbox", default="", help="Only this box: west,south,east,north in degrees.")
@click.option("--json", "as_json", is_flag=True, help="Print every message as a line of JSON.")
@command
async def watch(*, url: str, zones: tuple[str, ...], bbox: str, as_json: bool) -> None:
    r"""Watch a town live: what is on now, and every change as it comes. Ctrl-C ends it.

    \b
    Examples:
      geoworks watch
      geoworks watch https://travaux.example.org --zone gare
      geoworks watch --bbox 2.30,48.62,2.32,48.64 --json
    """
    view = View(_area(zones, bbox))
    if as_json:
        async for message in _messages(url, view):
            click.echo(json.dumps(message, ensure_ascii=False))
        return
    with Live(_table(view), console=out, auto_refresh=False, vertical_overflow="ellipsis") as live:
        async for _ in _messages(url, view):
            live.update(_table(view), refresh=True)


async def _messages(url: str, view: View) -> AsyncIterator[dict[str, Any]]:
    """Yield what the server says, for ever: connect again when the connection breaks, and resume."""
    address = url.rstrip("/").replace("http", "ws", 1) + "/v1/stream"
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            async with websockets.connect(address, subprotocols=[_PROTOCOL], max_size=_MAX_FRAME) as connection:
                await connection.send(json.dumps(view.greeting()))
                async for text in connection:
                    message = json.loads(text)
                    _check(message)
                    view.take(message)
                    yield message
                    wait_s = _FIRST_WAIT_S
        except (OSError, websockets.WebSocketException) as error:
            err.print(f"not connected ({error}); trying again in {wait_s:.0f} s", markup=False)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _check(message: dict[str, Any]) -> None:
    """End on an error that trying again does not mend."""
    if message["type"] == "error" and not message.get("temporary"):
        raise Invalid(Problem("the server", message["message"], "mend the options of this command"))


def _area(zones: tuple[str, ...], bbox: str) -> dict[str, Any]:
    if bbox:
        try:
            west, south, east, north = map(float, bbox.split(","))
        except ValueError as error:
            raise Invalid(Problem("--bbox", f"{bbox!r} is no box", "give west,south,east,north")) from error
        return {"bbox": [west, south, east, north]}
    return {"zones": list(zones)} if zones else {"everywhere": True}


def _key(feature: dict[str, Any]) -> tuple[str, str]:
    return feature["properties"]["kind"], feature["id"]


def _table(view: View) -> Table:
    works = [feature["properties"] for (kind, _), feature in view.features.items() if kind == "works"]
    table = Table(title=f"{len(works)} works, {len(view.features) - len(works)} zones and reports")
    for heading in ("status", "severity", "where", "what", "until"):
        table.add_column(heading)
    for found in sorted(works, key=lambda one: (one["status"], one["title"]))[:_ROWS]:
        until = found["schedule"]["end"] or "open end"
        cells = (found["status"], found["severity"], ", ".join(found["road_names"]), found["title"], until[:16])
        # Titles come from outside: as plain text, never as markup.
        table.add_row(*map(escape, cells))
    return table
