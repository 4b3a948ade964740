"""The stream in JetStream that keeps changes for a while, and how a node hears what comes into it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NotFoundError

from geoworks.bus.line import Line, connected
from geoworks.config.nodes import BusTable
from geoworks.errors import BusError

HEARTBEAT_S = 0.5
"""A consumer with nothing to tell says so that often."""

LEAST_PAYLOAD = 64 * 1024
"""With less in a message most changes would have to be read from the log."""

_SILENT = 5  # heartbeats that may be missing
_API_S = 2.0
_DUPLICATES_S = 120.0
_SAME_NAME = 10058
_PARTS = 9
_DIGITS = 19
_PENDING_BYTES = 32 * 1024 * 1024


def log_subject(settings: BusTable) -> str:
    """Return the subject of changes, the only one that the stream takes."""
    return f"{settings.stream}.log"


def written_subject(settings: BusTable) -> str:
    """Return the subject that tells that something waits to be numbered; nothing of it is kept."""
    return f"{settings.stream}.written"


async def examine(settings: BusTable) -> str:
    """Look whether a server can carry our news, without changing anything there; say what was found.

    Raises:
        BusError: it cannot; the message tells how to mend that.

    """
    async with connected(settings.nats_servers) as line:
        found = await find_stream(line, settings)
        require_payload(line)
        with line.heeding():
            version = line.client.connected_server_version
            server = f"NATS {version.major}.{version.minor}.{version.patch} at {line.place} with JetStream"
    return f"{server}; the stream {settings.stream} {'is there' if found else 'will be made'}"


def require_payload(line: Line) -> None:
    """Require that a server takes messages in which most changes fit.

    Raises:
        BusError: it takes smaller ones only.

    """
    if line.client.max_payload < LEAST_PAYLOAD:
        raise BusError(
            f"{line.place} takes messages up to {line.client.max_payload} bytes, so that most changes have to be read "
            f"from the log: set max_payload in its configuration to 1MB, or at least {LEAST_PAYLOAD}"
        )


async def find_stream(line: Line, settings: BusTable) -> api.StreamInfo | None:
    """Return the stream; None when it has to be made.

    Raises:
        BusError: there is no JetStream, or the stream of this name is not ours.

    """
    jetstream = _context(line)
    with line.heeding():
        await jetstream.account_info()
        try:
            found = await jetstream.stream_info(settings.stream)
        except NotFoundError:
            return None
    subjects = found.config.subjects or []
    if subjects != [log_subject(settings)]:
        raise BusError(
            f"the stream {settings.stream} at {line.place} has other subjects ({', '.join(subjects)[:200]}): name "
            f"another in bus.stream, or remove it: nats stream rm {settings.stream}"
        )
    return found


async def make_stream(line: Line, settings: BusTable) -> None:
    """Make the stream if it is missing, with the limits of the settings.

    Raises:
        BusError: that failed.

    """
    found = await find_stream(line, settings)
    wanted = _configuration(settings)
    jetstream = _context(line)
    if found is None:
        with line.heeding():
            try:
                await jetstream.add_stream(wanted)
            except BadRequestError as error:
                # Another node with other limits was faster: the stream is there, and may stay as it is.
                if error.err_code != _SAME_NAME:
                    raise
    elif (found.config.max_age, found.config.max_bytes) != (wanted.max_age, wanted.max_bytes):
        with line.heeding():
            await jetstream.update_stream(
                found.config,
                max_age=wanted.max_age,
                max_bytes=wanted.max_bytes,
                duplicate_window=wanted.duplicate_window,
            )


class Batch(NamedTuple):
    """What was heard together; `gap` is true when changes went missing before or among these."""

    messages: Sequence[Msg]
    gap: bool
    written: bool


class Hearing:
    """What comes into the stream from now on, in order, and who wrote; gaps in the numbers are told.

    The consumer lives as long as the connection and acknowledges nothing: what was lost is not worth asking for again,
    for the log has it.
    """

    def __init__(self, line: Line, settings: BusTable) -> None:
        """Stand ready for `begin`."""
        self._line = line
        self._settings = settings
        self._messages: list[Msg] = []
        self._written = False
        self._gap = False
        self._last = 0
        self._news = asyncio.Event()

    async def begin(self) -> None:
        """Hear from now on.

        Raises:
            BusError: that failed.

        """
        client = self._line.client
        inbox = client.new_inbox()
        consumer = api.ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=api.DeliverPolicy.NEW,
            ack_policy=api.AckPolicy.NONE,
            max_deliver=1,
            idle_heartbeat=HEARTBEAT_S,
            mem_storage=True,
            num_replicas=1,
        )
        with self._line.heeding():
            await client.subscribe(written_subject(self._settings), cb=self._keep_written)
            await client.subscribe(inbox, cb=self._keep, pending_bytes_limit=_PENDING_BYTES)
            await _context(self._line).add_consumer(self._settings.stream, consumer)

    async def next(self) -> Batch:
        """Return what has come since the last call, when anything has.

        Raises:
            BusError: not even a heartbeat came: the stream is gone, or the server hangs.

        """
        while not (self._messages or self._gap or self._written):
            try:
                async with asyncio.timeout(_SILENT * HEARTBEAT_S):
                    await self._news.wait()
            except TimeoutError:
                raise BusError(
                    f"{self._line.place} has gone silent, or somebody removed the stream {self._settings.stream}, "
                    "which is then made anew: see that the server is not overloaded"
                ) from None
            self._news.clear()
        batch = Batch(tuple(self._messages), self._gap, self._written)
        self._messages.clear()
        self._gap = self._written = False
        return batch

    async def _keep(self, message: Msg) -> None:
        """Keep a change; a status tells the number of the last one that was sent to us."""
        headers = message.headers or {}
        if "Status" in headers:
            number = _number(headers.get("Nats-Last-Consumer", ""))
            self._gap |= number is not None and number != self._last
        else:
            number = _number_in(message.reply)
            self._gap |= number != self._last + 1
            self._messages.append(message)
        self._last = self._last if number is None else number
        self._news.set()

    async def _keep_written(self, _: Msg) -> None:
        self._written = True
        self._news.set()


def _number_in(reply: str) -> int | None:
    """Return the number that the consumer gave a message, as its reply subject tells (ADR-15 of NATS)."""
    parts = reply.split(".")
    if parts[:2] != ["$JS", "ACK"] or len(parts) < _PARTS:
        return None
    # With the names of domain and account in front, it has two parts more.
    return _number(parts[6] if len(parts) == _PARTS else parts[8])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _context(line: Line) -> JetStreamContext:
    return line.client.jetstream(timeout=_API_S)


def _configuration(settings: BusTable) -> api.StreamConfig:
    return api.StreamConfig(
        name=settings.stream,
        description="changes of a town, between the nodes of geoworks",
        subjects=[log_subject(settings)],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.OLD,
        storage=api.StorageType.FILE,
        max_age=settings.keep_s,
        max_bytes=settings.keep_bytes,
        duplicate_window=min(_DUPLICATES_S, settings.keep_s),
    )
