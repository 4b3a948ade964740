"""`geoworks watch`: the live stream in the terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import click
import websockets
from rich.live import Live

from geoworks.cli.frame import command, out, remark
from geoworks.cli.help import Command
from geoworks.cli.view import View
from geoworks.errors import Invalid, Problem

_PROTOCOL = websockets.Subprotocol("geoworks.v1")
_SCHEMES = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_MAX_FRAME = 16 * 1024 * 1024


@click.command(
    cls=Command,
    examples=(
        "geoworks watch",
        "geoworks watch https://travaux.example.org --zone gare",
        "geoworks watch --bbox 2.30,48.62,2.32,48.64 --json",
    ),
)
@click.argument("url", default="http://127.0.0.1:8080")
@click.option("--zone", "zones", multiple=True, help="Only this zone, by its id; may be given several times.")
@click.option("--bbox", default="", help="Only this box: west,south,east,north in degrees.")
@click.option("--json", "as_json", is_flag=True, help="Print every message as a line of JSON.")
@command
async def watch(*, url: str, zones: tuple[str, ...], bbox: str, as_json: bool) -> None:
    """Watch a town live, every change as it comes.

    Ctrl-C ends it. When the connection breaks, it is made again and goes on where it was. Lines of JSON are also
    what is printed where the output is not a terminal.
    """
    address, view = _stream_address(url), View(_area(zones, bbox))
    if as_json or not out.is_terminal:
        async for message in _messages(address, view, tell=lambda: remark(view.state)):
            click.echo(json.dumps(message, ensure_ascii=False))
        return
    with Live(view.table(), console=out, auto_refresh=False, vertical_overflow="ellipsis") as live:

        def draw() -> None:
            live.update(view.table(), refresh=True)

        async for _ in _messages(address, view, tell=draw):
            draw()


async def _messages(address: str, view: View, *, tell: Callable[[], None]) -> AsyncIterator[dict[str, Any]]:
    """Yield what the server says, for ever; connect again when the connection breaks, and `tell` of it.

    Raises:
        Invalid: the first connection cannot be made, or the server refuses what is asked.

    """
    wait_s, before = _FIRST_WAIT_S, False
    while True:
        fault = "the server closed the connection"
        try:
            async for message in _listen(address, view):
                wait_s, before = _FIRST_WAIT_S, True
                yield message
        except (OSError, websockets.WebSocketException) as error:
            fault = str(error) or type(error).__name__
        if not before:
            mend = "give the address that `geoworks serve` printed, and see that it runs"
            raise Invalid(Problem(address, fault, mend))
        view.state = f"{fault}; trying again in {wait_s:.0f} s"
        tell()
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


async def _listen(address: str, view: View) -> AsyncIterator[dict[str, Any]]:
    """Yield what is said on one connection, after the view has taken it in."""
    async with websockets.connect(address, subprotocols=[_PROTOCOL], max_size=_MAX_FRAME) as connection:
        await connection.send(json.dumps(view.greet()))
        async for text in connection:
            message = _decode(text)
            _check(message)
            view.take(message)
            yield message


def _decode(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise Invalid(Problem("the server", "does not speak the stream's language", "is it geoworks?")) from error
    found: dict[str, Any] = message if isinstance(message, dict) else {"type": "unknown"}
    return found


def _check(message: dict[str, Any]) -> None:
    """End on an error that trying again does not mend."""
    if message["type"] == "error" and not message.get("temporary"):
        raise Invalid(Problem("the server", message["message"], "mend the options of this command"))


def _stream_address(url: str) -> str:
    """Return the address of the stream of a town whose pages are at a URL.

    >>> _stream_address("https://example.org/travaux/"), _stream_address("localhost:9000")
    ('wss://example.org/travaux/v1/stream', 'ws://localhost:9000/v1/stream')
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        scheme, host = _SCHEMES.get(parts.scheme), parts.hostname
    except ValueError:
        scheme = host = None
    if not scheme or not host:
        raise Invalid(Problem("URL", f"{url!r} is no address of a town", "give one such as http://127.0.0.1:8080"))
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/stream"


def _area(zones: tuple[str, ...], bbox: str) -> dict[str, Any]:
    if bbox and zones:
        raise click.UsageError("--bbox and --zone do not go together")
    if bbox:
        try:
            west, south, east, north = map(float, bbox.split(","))
        except ValueError as error:
            raise Invalid(Problem("--bbox", f"{bbox!r} is no box", "give west,south,east,north")) from error
        return {"bbox": [west, south, east, north]}
    return {"zones": list(zones)} if zones else {"everywhere": True}
