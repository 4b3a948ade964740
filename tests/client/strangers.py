"""Servers that are no town, or one that refuses, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Talk: TypeAlias = Callable[[ServerConnection], Awaitable[None]]
HELLO = '{"type":"hello","protocol":"geoworks.v1","epoch":"e","cursor":"e.1","heartbeat_s":%s}'


def refusal(status: int, **headers: str) -> Response:
    """Return an answer that refuses."""
    given = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, HTTPStatus(status).phrase, given, b"no")


@asynccontextmanager
async def talking(talk: Talk, *answers: Response | None) -> AsyncIterator[str]:
    """Serve a stream that says what `talk` says; the first connections are refused thus, or let in where it is None."""
    left = list(answers)

    def turn_away(_connection: ServerConnection, _request: Request) -> Response | None:
        return left.pop(0) if left else None

    async with serve(
        talk,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("geoworks.v1")],
        process_request=turn_away,
        max_size=None,
        close_timeout=1,
    ) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def saying(*messages: str) -> Talk:
    """Return a talk that says so and then listens."""

    async def talk(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.wait_closed()

    return talk


@asynccontextmanager
async def answering(answers: Sequence[bytes]) -> AsyncIterator[str]:
    """Serve plain HTTP that gives these answers, one a connection, whatever is asked."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
