"""Carries to one receiver what its webhook asks for, in order, each delivery until it is taken."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import ClientSession
from msgspec import structs

from geoworks.clock import Clock
from geoworks.config.settings import WebhooksTable
from geoworks.errors import StoreError
from geoworks.hub.hub import Hub
from geoworks.hub.webhook import Progress, Webhook, WebhookState, resume_text
from geoworks.hub.webhooks import Webhooks
from geoworks.ids import new_id
from geoworks.model.change import Cursor
from geoworks.webhooks.batch import Batch, NotAsked, Place, body_of, gather
from geoworks.webhooks.mailbox import Mailbox, mailbox
from geoworks.webhooks.post import NotTaken, ReceiverGone, post
from geoworks.webhooks.retry_after import asked_wait_s
from geoworks.webhooks.signature import message_id, sign

# A webhook that nothing concerns notes now and then how far the log was looked through for it.
_QUIET = 500
# 2 to this power times any first wait is longer than any longest.
_MOST_DOUBLINGS = 30

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Round:
    """What all couriers work with."""

    book: Webhooks
    hub: Hub
    client: ClientSession
    settings: WebhooksTable
    clock: Clock
    is_revoked: Callable[[str], bool]


class Courier:
    """Goes to one receiver."""

    def __init__(self, webhook: Webhook, round_: Round) -> None:
        """Begin where the book says the receiver is."""
        self._webhook = webhook
        self._round = round_
        self._progress = round_.book.progress(webhook.id)

    async def run(self) -> None:
        """Carry until the webhook is over or the service stops."""
        hub = self._round.hub
        while not self._progress.is_over and not hub.stopping:
            async with mailbox(hub, resume_text(self._webhook.wanted, self._progress)) as box:
                await self._carry(box)

    async def _carry(self, box: Mailbox) -> None:
        """Carry what one connection with the hub brings."""
        place = Place(self._progress.cursor, self._progress.filters)
        told = place
        telling = new_id()
        while not self._progress.is_over and await box.filled():
            try:
                batch = gather(box.next, place, self._round.settings)
            except NotAsked as error:
                await self._end(WebhookState.REFUSED, str(error))
                return
            place = batch.place
            # Without changes, when it can tell the receiver at last where it is: at the end of a snapshot.
            if batch.changes or (told.cursor is None and place.cursor is not None):
                is_part = told.cursor is None or place.cursor is None
                await self._deliver(batch, telling=telling if is_part else "")
                told = place
            elif self._is_far(place):
                await self._note(_at(self._progress, place))

    async def _deliver(self, batch: Batch, *, telling: str) -> None:
        """Try until the batch is taken or the webhook is over; it stays the same, under the same id.

        `telling` is the one time a snapshot is told, when the batch is a part of one.
        """
        body = body_of(self._webhook.id, batch)
        id_ = message_id(self._webhook.id, body, telling=telling)
        while not self._progress.is_over:
            if self._round.is_revoked(self._webhook.owner):
                await self._end(WebhookState.KEY_REVOKED, "the key it was registered with was revoked")
            elif await self._attempt(id_, body):
                taken = _at(self._progress, batch.place)
                await self._note(_well(taken, self._round.clock))
                return

    async def _attempt(self, id_: str, body: bytes) -> bool:
        """Try once; wait after a failure. Tell whether the receiver took it."""
        headers = sign(self._webhook.secret, id_, body, at=self._round.clock.now())
        timeout_s = self._round.settings.timeout_s
        try:
            await post(self._round.client, self._webhook.url, body, headers, timeout_s=timeout_s)
        except ReceiverGone as error:
            await self._end(WebhookState.GONE, str(error))
        except NotTaken as error:
            await self._fail(error)
        else:
            return True
        return False

    async def _fail(self, error: NotTaken) -> None:
        now, progress = self._round.clock.now(), self._progress
        since = progress.failing_since or now
        failures = progress.failures + 1
        asked_s = asked_wait_s(error.retry_after, now=now)
        next_s = wait_s(failures, self._round.settings, asked_s=asked_s)
        is_late = now - since > timedelta(days=self._round.settings.give_up_days)
        told = f"{error} and asks to wait; the next attempt comes {next_s:.0f} s later" if asked_s else str(error)
        state = WebhookState.GIVEN_UP if is_late else WebhookState.FAILING
        await self._note(
            structs.replace(progress, state=state, failures=failures, failing_since=since, last_error=told)
        )
        if is_late:
            _log.warning("webhook %s is given up after %s failures since %s", self._webhook.id, failures, since)
        else:
            await asyncio.sleep(next_s)

    async def _end(self, state: WebhookState, error: str) -> None:
        _log.info("webhook %s is over: %s", self._webhook.id, state)
        await self._note(structs.replace(self._progress, state=state, last_error=error))

    def _is_far(self, place: Place) -> bool:
        """Tell whether the receiver is so much further than what is noted that it is worth a write."""
        if place.cursor is None:
            return False
        noted, now = Cursor.parse(self._progress.cursor), Cursor.parse(place.cursor)
        return noted.epoch != now.epoch or now.offset - noted.offset >= _QUIET

    async def _note(self, progress: Progress) -> None:
        """Note where the receiver is; when the store cannot, it will hear some of it twice after a crash."""
        self._progress = progress
        try:
            await self._round.book.note(self._webhook.id, progress)
        except StoreError as error:
            _log.warning("webhook %s: the store cannot note what was taken: %s", self._webhook.id, error)


def wait_s(failures: int, settings: WebhooksTable, *, asked_s: float = 0.0) -> float:
    """Return how long to wait after so many failures in a row: doubling, bounded, up to half less by chance.

    What the receiver asks for makes it longer, up to the same bound, and never shorter: one that always says "in a
    second" is spared all the same.
    """
    doubled: float = settings.first_retry_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - no secret hangs on it
    own_s = min(doubled, settings.longest_retry_s) * spread
    # A little later than asked, by chance too: not everybody who was told the same time comes at once.
    heeded_s = min(asked_s + settings.first_retry_s * spread, settings.longest_retry_s) if asked_s else 0.0
    return max(own_s, heeded_s)


def _at(progress: Progress, place: Place) -> Progress:
    """Return the progress of a receiver that is at a place; in the middle of a snapshot it has to begin anew."""
    return structs.replace(progress, cursor=place.cursor or progress.cursor, filters=place.filters)


def _well(progress: Progress, clock: Clock) -> Progress:
    """Return the progress of a receiver that has just taken a delivery."""
    return structs.replace(
        progress, state=WebhookState.WORKING, failures=0, failing_since=None, last_delivery=clock.now()
    )
