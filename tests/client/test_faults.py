"""What a program is told when nobody is there, when it is refused, and when what is there is no town."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.server import ServerConnection

from geoworks.client import Ended, Lost, Snapshot, Subscription, Unintelligible, Unreachable, connect, everywhere
from tests.client.reading import listening, next_of
from tests.client.strangers import HELLO, refusal, saying, talking
from tests.web.driver import WAIT_S
from tests.web.house import House
from tests.web.writing import write

_ALL = Subscription(id="all", area=everywhere())
_QUIET = saying(HELLO % 25.0)


@pytest.mark.parametrize("url", ["", "ftp://example.org", "http://[::1", "http://", "http://example.org:port"])
def test_no_address(url: str) -> None:
    """What is no address is told before anything is tried."""
    with pytest.raises(Unreachable, match="is no address of a town"):
        connect(url)


async def test_nobody_there() -> None:
    """The first connection is not tried again: the program is told, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match=f"ws://127.0.0.1:{port}/v1/stream: .*refused"):
        await connect(f"127.0.0.1:{port}").__aenter__()


@pytest.mark.parametrize("status", [403, 404, 429, 503])
async def test_first_connection_refused(status: int) -> None:
    """So is what the server refused at first."""
    async with talking(_QUIET, refusal(status)) as url:
        with pytest.raises(Unreachable, match=f"HTTP status {status}"):
            await connect(url).__aenter__()


async def test_refused_for_good_later() -> None:
    """A server that does not let this client in any more ends the stream."""
    async with talking(_hang_up_once()) as url, connect(url, [_ALL]) as stream:
        await next_of(stream, Lost)
    async with talking(_hang_up_once(), *[]) as url:
        async with connect(url, [_ALL]) as stream:
            assert (await next_of(stream, Lost)).retry_s <= 0.5
