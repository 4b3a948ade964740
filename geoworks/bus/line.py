"""One connection to a NATS server, ended without a trace.

The library's own reconnecting stays off: what it keeps for it, and what it forgets in it, is not ours to bound.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NamedTuple
from urllib.parse import unquote

import nats.errors
from nats.aio.client import Client

from geoworks.bus.faults import sentence, translated
from geoworks.errors import BusError

_CONNECT_S = 2
_END_S = 1.0
_SCHEMES = ("nats", "tls")


class Address(NamedTuple):
    """Where a server is; `place` may be shown, for name and password are kept apart."""

    place: str
    user: str | None
    password: str | None
    token: str | None


class Line:
    """A connection, and what broke it."""

    def __init__(self, address: Address) -> None:
        """Stand ready for `connect`."""
        self.client = Client()
        self.place = address.place
        self._address = address
        self._broken = asyncio.Event()
        self._error: Exception | None = None

    async def connect(self) -> None:
        """Connect and log in.

        Raises:
            BusError: that failed.

        """
        try:
            with self.heeding():
                # Tried twice at most, without a wait: the library takes 0 as "for ever".
                await self.client.connect(
                    self.place,
                    allow_reconnect=False,
                    connect_timeout=_CONNECT_S,
                    reconnect_time_wait=0,
                    max_reconnect_attempts=1,
                    user=self._hidden(self._address.user),
                    password=self._hidden(self._address.password),
                    token=self._hidden(self._address.token),
                    error_cb=self._note,
                    closed_cb=self._note_end,
                    name="geoworks",
                )
                self._require_tls()
        except BaseException:
            await self.end()
            raise

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Turn errors into `BusError`; what the server said in passing tells more than that an answer is missing."""
        try:
            with translated(self.place):
                yield
        except BusError:
            if self._error is not None:
                raise BusError(sentence(self.place, self._error)) from None
            raise

    async def until_broken(self) -> None:
        """Wait until the connection breaks.

        Raises:
            BusError: it did.

        """
        await self._broken.wait()
        raise BusError(sentence(self.place, self._error or nats.errors.ConnectionClosedError()))

    async def end(self) -> None:
        """Close it at once, whatever state it is in, and wait for its tasks."""
        client = self.client
        writer = getattr(client._transport, "_io_writer", None)  # noqa: SLF001 - no other way in nats-py 2.16
        if writer is None:
            return  # it never got so far
        tasks = _tasks(client)
        # The library writes what waits before it closes, for which a server that hangs would have it wait for ever.
        client._pending.clear()  # noqa: SLF001 - the same
        client._pending_data_size = 0  # noqa: SLF001 - the same
        # Python 3.11.2 forgets what a TLS transport that was closed twice had to abort.
        with suppress(AttributeError):
            writer.transport.abort()
        try:
            with suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(_END_S):
                    await client.close()
        finally:
            for task in tasks:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_S)

    def _hidden(self, secret: str | None) -> Callable[[], str] | None:
        """Give a name or password out only when the line is as secret as the address asks."""
        if secret is None:
            return None

        def give() -> str:
            self._require_tls()
            return secret

        return give

    def _require_tls(self) -> None:
        """Require TLS where the address does: the library would go on without it."""
        told = self.client._server_info  # noqa: SLF001 - as in `end`
        if self.place.startswith("tls://") and not told.get("tls_required"):
            raise nats.errors.SecureConnWantedError

    async def _note(self, error: Exception) -> None:
        """Take note of what went wrong; of messages that came too fast the gap in their numbers tells."""
        if isinstance(error, nats.errors.SlowConsumerError):
            return
        self._error = self._error or error
        self._broken.set()

    async def _note_end(self) -> None:
        """Take note that the library closed the connection."""
        await self._note(self.client.last_error or nats.errors.ConnectionClosedError())


@asynccontextmanager
async def connected(servers: Sequence[str]) -> AsyncIterator[Line]:
    """Connect to one of these servers, in random order, until the block ends.

    Raises:
        BusError: none lets us in; it tells what the last one said.

    """
    addresses = [read_address(server) for server in servers]
    random.shuffle(addresses)
    line = await _first(addresses)
    try:
        yield line
    finally:
        await line.end()


async def _first(addresses: Sequence[Address]) -> Line:
    *others, last = addresses
    for address in others:
        line = Line(address)
        with suppress(BusError):
            await line.connect()
            return line
    line = Line(last)
    await line.connect()
    return line


def read_address(server: str) -> Address:
    """Take name and password out of an address, such as `nats://town:secret@bus.example.org:4222`.

    >>> read_address("town:p%40ss@bus.example.org")
    Address(place='nats://bus.example.org', user='town', password='p@ss', token=None)
    >>> read_address("nats://a-token@bus.example.org:4223")
    Address(place='nats://bus.example.org:4223', user=None, password=None, token='a-token')

    Raises:
        BusError: it is no address of a NATS server.

    """
    scheme, _, rest = server.rpartition("://") if "://" in server else ("nats", "", server)
    login, _, host = rest.rpartition("@")
    host = host.rstrip("/")
    if scheme not in _SCHEMES or not host:
        raise BusError(
            "bus.nats_servers holds an address that is none of NATS: write nats://host:port or tls://host:port"
        )
    name, colon, password = map(unquote, login.partition(":"))
    place = f"{scheme}://{host}"
    if colon:
        return Address(place, name, password, None)
    return Address(place, None, None, name or None)


def _tasks(client: Client) -> list[asyncio.Task[None]]:
    """Return the tasks of a connection, which its close may forget when it fails half-way."""
    own = [client._reading_task, client._ping_interval_task, client._flusher_task]  # noqa: SLF001 - as in `end`
    own += [sub._wait_for_msgs_task for sub in client._subs.values()]  # noqa: SLF001 - the same
    return [task for task in own if task is not None and not task.done()]
