"""One connection: a WebSocket whose every wait has a limit, and whose faults are told in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from geoworks.client.faults import why_not

_PROTOCOL = Subprotocol("geoworks.v1")
_OPEN_S = 10.0
_SEND_S = 20.0
_CLOSE_S = 5.0
# A feature of a GIS may have 50 000 vertices; a snapshot comes in parts of about 64 KiB.
_MOST_BYTES = 16 * 1024 * 1024
_LOST = 1006
_FIRST_REFUSAL, _FIRST_SERVER_FAULT = 400, 500
# Refusals that are about now: too slow, too early, too many.
_FOR_NOW = frozenset({408, 425, 429})

_ENCODER = msgspec.json.Encoder()


class Cut(Exception):
    """A connection is over, or did not come about."""

    def __init__(self, why: str, *, code: int = _LOST, retry_after_s: float = 0.0) -> None:
        """Keep the closing code, or the status of a handshake that was refused for good."""
        super().__init__(why)
        self.code = code
        self.retry_after_s = retry_after_s


class Line:
    """An open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        """Speak over an open socket."""
        self._socket = socket

    async def send(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Send messages; when the connection is over meanwhile, `receive` tells."""
        try:
            async with asyncio.timeout(_SEND_S):
                for message in messages:
                    await self._socket.send(_ENCODER.encode(message), text=True)
        except TimeoutError:
            self.abort()
        except asyncio.CancelledError:
            # Nobody knows how much of it was sent; the next connection begins with what has to be said.
            self.abort()
            raise
        except ConnectionClosed:
            pass

    async def receive(self, within_s: float) -> bytes:
        """Return the next frame; a frame that was on its way when this is cancelled comes the next time.

        Raises:
            Cut: there is none, or not in time.

        """
        try:
            async with asyncio.timeout(within_s):
                return await self._socket.recv(decode=False)
        except TimeoutError as error:
            self.abort()
            raise Cut(f"the server was silent for {within_s:.0f} s") from error
        except ConnectionClosed as error:
            raise _cut(error) from error

    async def close(self) -> None:
        """Take leave; never waits long."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self._socket.transport.abort()


async def open_line(address: str) -> Line:
    """Connect.

    Raises:
        Cut: no connection came about.

    """
    try:
        socket = await open_socket(
            address,
            subprotocols=[_PROTOCOL],
            compression=None,
            open_timeout=_OPEN_S,
            close_timeout=_CLOSE_S,
            # The server's heartbeats are watched.
            ping_interval=None,
            max_size=_MOST_BYTES,
        )
    except InvalidStatus as error:
        raise _turned_away(error) from error
    except (OSError, WebSocketException) as error:
        raise Cut(why_not(error)) from error
    return Line(socket)


def _cut(closed: ConnectionClosed) -> Cut:
    said = closed.rcvd or closed.sent
    code = said.code if said else _LOST
    return Cut((said and said.reason) or "the connection broke", code=code)


def _turned_away(error: InvalidStatus) -> Cut:
    response = error.response
    status = response.status_code
    for_good = _FIRST_REFUSAL <= status < _FIRST_SERVER_FAULT and status not in _FOR_NOW
    asked = response.headers.get("Retry-After", "")
    why = f"the server answered with HTTP status {status}"
    return Cut(why, code=status if for_good else _LOST, retry_after_s=float(asked) if asked.isdecimal() else 0.0)
