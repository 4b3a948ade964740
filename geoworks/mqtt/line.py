"""One connection to the broker: what aiomqtt does, made to end in time and to leave nothing open."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import ceil
from types import TracebackType
from typing import Any

import aiomqtt
from aiomqtt import MqttError
from aiomqtt.types import PahoSocket

from geoworks.mqtt.address import Address
from geoworks.mqtt.board import mark_of

IN_FLIGHT = 16
MOST_RETAINED = 250_000
_FAREWELL_S = 1.0
_KEEPALIVE_S = (5, 60)

# Lost connections are told by the publisher, once.
_log = logging.getLogger(f"{__name__}.library")
_log.setLevel(logging.ERROR)


class _TlsSocket(ssl.SSLSocket):
    """A socket that is closed when the two do not come to terms; the library leaves it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as the standard library has it
        """Come to terms, or close."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context() -> ssl.SSLContext:
    """Return what believes brokers whose certificate this machine trusts, and no others."""
    context = ssl.create_default_context()
    context.sslsocket_class = _TlsSocket
    return context


class Marks(asyncio.Queue[aiomqtt.Message]):
    """What comes from the broker, of each payload its mark alone: all that is retained may be large."""

    def _put(self, item: aiomqtt.Message) -> None:
        item.payload = mark_of(item.payload) if item.payload else b""
        super()._put(item)


class Line(aiomqtt.Client):
    """A connection that can be given up in the middle of anything."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None, *, timeout_s: float) -> None:
        """Stand ready; `timeout_s` is for each step of connecting and each message."""
        super().__init__(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            tls_context=tls,
            timeout=timeout_s,
            keepalive=min(max(ceil(timeout_s), _KEEPALIVE_S[0]), _KEEPALIVE_S[1]),
            queue_type=Marks,
            max_queued_incoming_messages=MOST_RETAINED,
            max_inflight_messages=IN_FLIGHT,
            clean_session=True,
            logger=_log,
        )
        self.pending_calls_threshold = IN_FLIGHT
        self._client.connect_timeout = timeout_s

    async def open(self) -> None:
        """Open the socket, in a thread; it is waited for, whatever happens, since it cannot be stopped.

        Raises:
            MqttError: the broker cannot be reached.

        """
        opening = self._loop.run_in_executor(None, super()._client_connect)
        try:
            await asyncio.shield(opening)
        except (OSError, ValueError) as error:
            # A host that cannot be written in DNS is a ValueError.
            raise MqttError(str(error)) from None
        finally:
            await asyncio.wait([opening])

    def _client_connect(self) -> None:
        """Do nothing: `open` has done it by the time the library connects."""

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Say goodbye, but not for long."""
        self.timeout = min(self.timeout, _FAREWELL_S)
        with suppress(MqttError):
            await super().__aexit__(exc_type, exc, tb)

    async def abandon(self) -> None:
        """Close the socket if it is still open, and end what the library runs for it."""
        self._client._sock_close()  # noqa: SLF001 - paho has no public way to end a connection without the broker
        if self._misc_task is not None:
            self._misc_task.cancel()
            await asyncio.wait([self._misc_task])

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: PahoSocket) -> None:  # noqa: ANN401, ARG002
        """Write when the socket takes something, unless it was closed in between and its number is another's."""
        self._loop.call_soon_threadsafe(self._begin_to_write, sock)

    def _begin_to_write(self, sock: PahoSocket) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._write)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits on the connection, as the library does
            if not self._disconnected.done():
                self._disconnected.set_exception(error)


@asynccontextmanager
async def connected(address: Address, tls: ssl.SSLContext | None, *, timeout_s: float) -> AsyncIterator[Line]:
    """Be connected while the block lasts.

    Raises:
        MqttError: the broker cannot be reached or does not let us in.

    """
    line = Line(address, tls, timeout_s=timeout_s)
    try:
        await line.open()
        async with line:
            yield line
    finally:
        await line.abandon()
