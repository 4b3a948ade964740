"""News between nodes through NATS JetStream (https://docs.nats.io/nats-concepts/jetstream).

Changes go through a stream, which tells each once; that something was written goes past it, for only the present
counts. Whoever may have missed a change is told to read the log: after every connection, gap and message that holds
none.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Coroutine, Sequence
from itertools import groupby
from typing import Any

from geoworks.bus.jetstream import Batch, Hearing, log_subject, make_stream, require_payload, written_subject
from geoworks.bus.line import Line, connected
from geoworks.bus.message import Heard, Message, read_message, write_change
from geoworks.bus.outbox import Outbox
from geoworks.bus.sender import Outgoing, Sender
from geoworks.config.nodes import BusTable
from geoworks.errors import BusError
from geoworks.nodes import Followed, News
from geoworks.tasks import Tasks, heed_cancelling

_MOST, _MOST_BYTES = 10_000, 16 * 1024 * 1024
_FIRST_WAIT_S, _LONGEST_WAIT_S, _MOST_DOUBLINGS = 0.1, 5.0, 6
_MOST_WARNINGS = 3  # until news passes again
_log = logging.getLogger(__name__)


class NatsBus:
    """The bus of a town on NATS; see `geoworks.nodes.Bus`.

    At most 10,000 changes of 16 MiB wait for the connection; one hint stands for more.
    """

    def __init__(self, settings: BusTable) -> None:
        """Stand ready for `run`."""
        self._settings = settings
        self._outgoing = Outgoing(Outbox(most=_MOST, most_bytes=_MOST_BYTES))
        self._epoch = ""
        self._away = "the bus is not connected yet"
        self._narrow = self._refused = ""
        self._warned: set[str] = set()
        self._failures = 0
        self._since = math.inf
        self._wrong = False

    @property
    def trouble(self) -> str:
        """Return what keeps news from passing, and how to mend it; empty while it passes."""
        return self._away or self._refused or self._narrow

    def tell_written(self) -> None:
        """Say that something waits to be numbered."""
        self._outgoing.put_written()

    def tell_numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Hand on changes that have just been numbered; none: let the others read the log."""
        self._epoch = epoch
        if not changes:
            self._outgoing.put(Message(epoch, 0))
        for change in changes:
            # A hint that waits stands for them too.
            if not self._outgoing.overflown:
                self._outgoing.put(write_change(epoch, change))

    async def run(self, news: News) -> None:
        """Connect, hand over what is heard, and connect again whenever it breaks, until cancelled."""
        while True:
            try:
                async with connected(self._settings.nats_servers) as line:
                    await self._serve(line, news)
            except BusError as error:
                self._lose(str(error))
            heed_cancelling()
            await asyncio.sleep(self._wait_s())

    async def _serve(self, line: Line, news: News) -> None:
        """Carry news until the connection breaks.

        Raises:
            BusError: it did.

        """
        await make_stream(line, self._settings)
        hearing = Hearing(line, self._settings)
        await hearing.begin()
        heed_cancelling()
        self._pass(line)
        self._hint(news)
        news.written()
        sender = Sender(line, self._outgoing)
        await _until_one_fails(
            line.until_broken(),
            self._hear(hearing, news),
            sender.send_written(written_subject(self._settings)),
            sender.send_changes(log_subject(self._settings), self._note_refusal),
        )

    async def _hear(self, hearing: Hearing, news: News) -> None:
        while True:
            batch = await hearing.next()
            if batch.written:
                news.written()
            self._tell(batch, news)

    def _tell(self, batch: Batch, news: News) -> None:
        """Hand over the changes of a batch, and say once if the log has to be read as well."""
        heard = [read_message(message.headers, message.data) for message in batch.messages]
        for epoch, told in groupby(heard, key=lambda one: one.epoch):
            changes = [one.change for one in told if one.change is not None]
            if changes:
                self._epoch = epoch
                news.numbered(epoch, changes)
        hints = [one for one in heard if one.change is None]
        self._note_wrong(hints)
        if hints or batch.gap:
            self._epoch = next((one.epoch for one in hints if one.epoch), self._epoch)
            self._hint(news)

    def _hint(self, news: News) -> None:
        news.numbered(self._epoch, ())

    def _pass(self, line: Line) -> None:
        """Take note that news passes."""
        if self._away:
            _log.info("news between nodes passes through %s", line.place)
        self._since = time.monotonic()
        self._away = self._refused = self._narrow = ""
        self._warned.clear()
        try:
            require_payload(line)
        except BusError as error:
            self._narrow = str(error)
            self._warn(self._narrow)

    def _lose(self, sentence: str) -> None:
        """Take note that no news passes; only a server that was well for a while is tried again at once."""
        if time.monotonic() - self._since > _LONGEST_WAIT_S:
            self._failures = 0
        self._since = math.inf
        self._away = sentence
        self._warn(f"no news passes between nodes, which look at the log instead: {sentence}")

    def _note_refusal(self, reason: str) -> None:
        """Take note that the stream did not take changes, or took them again."""
        self._refused = reason and f"JetStream takes no changes ({reason}): look at the NATS server's log and its disk"
        if reason:
            self._warn(self._refused)

    def _note_wrong(self, hints: Sequence[Heard]) -> None:
        reason = next((one.wrong for one in hints if one.wrong), "")
        if reason and not self._wrong:
            self._wrong = True
            subject = log_subject(self._settings)
            _log.warning("a message on %s cannot be read, told once: %s", subject, reason)

    def _warn(self, text: str) -> None:
        """Say what is wrong once, and not for ever something else."""
        if text not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(text)
            _log.warning("%s", text)

    def _wait_s(self) -> float:
        """Return how long to wait before connecting again: longer each time, and not all nodes at once."""
        longest_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * (1 << self._failures))
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return random.uniform(0.5, 1) * longest_s  # noqa: S311 - no secret hangs on it


async def _until_one_fails(*works: Coroutine[Any, Any, None]) -> None:
    """Do all of these until one fails.

    Not left to the group of tasks: it ends by a cancellation of its own, and forgets one that comes at that moment.

    Raises:
        BusError: one did.

    """
    failed: asyncio.Future[BusError] = asyncio.get_running_loop().create_future()

    async def reported(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except BusError as error:
            if not failed.done():
                failed.set_result(error)

    async with Tasks() as group:
        tasks = [group.create_task(reported(work)) for work in works]
        error = await failed
        for task in tasks:
            task.cancel()
    raise error
