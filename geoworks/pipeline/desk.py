"""The one way in: edits are queued, joined, compared, made durable in one transaction, then told.

Edits that wait while a commit runs share the next one (group commit). Nothing in the state moves before its change
is durable, so a failed commit leaves nothing to undo: its submitters get the error, the state is what the store holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from geoworks.clock import Clock
from geoworks.errors import Overtaken, ServiceStopping, StoreBusy, StoreError
from geoworks.model.change import Key, Record
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.diff import changes_something, to_write
from geoworks.pipeline.draft import Draft, Wish
from geoworks.pipeline.ledger import Ledger, Told
from geoworks.ports import Batch, Reply, Write
from geoworks.state import Entry, Published, State

T = TypeVar("T")
Edit: TypeAlias = Callable[[Draft], T]
Follower: TypeAlias = Callable[[Sequence[Published]], Edit[None] | None]

_WAITING = 1000
_BATCH_EDITS = 256
_BATCH_WISHES = 500
_RETRY_S = 1.0
# So often edits run again after another node wrote the same features, before their submitters are sent away.
_ATTEMPTS = 20

_log = logging.getLogger(__name__)


class Job(Struct, eq=False):
    """One submitted edit and who waits for it."""

    edit: Edit[Any]
    answer: asyncio.Future[Any]
    reply: Callable[[Any], Reply] | None = None
    result: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        """Answer whoever waits, if anybody still does."""
        if self.answer.done():
            return
        if self.error is None:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(self.error)


class Desk:
    """Takes edits, writes them, moves the state on, and tells the followers.

    A follower is called with every durable batch, in order, and may return an edit of its own (zone levels, links);
    such an edit is tried again until the store takes it.
    """

    def __init__(self, state: State, ledger: Ledger, deriver: Deriver, *, clock: Clock) -> None:
        """Write to `ledger` and move `state` on; call `run` in a task."""
        self.followers: list[Follower] = []
        self._state = state
        self._ledger = ledger
        self._deriver = deriver
        self._clock = clock
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(_WAITING)
        self._follow_ups: deque[Edit[None]] = deque()
        self._work = asyncio.Event()
        self._stopping = False

    async def submit(self, edit: Edit[T], *, reply: Callable[[T], Reply] | None = None) -> T:
        """Run an edit and return its result once what it wrote is durable; `reply` is stored with the write.

        Raises:
            GeoworksError: what the edit raised; its writes are dropped, those of others stay.
            StoreError: the store could not write; nothing was written.
            ServiceStopping: the desk takes no more.

        """
        if self._stopping:
            msg = "the service is stopping; send this again when it is back"
            raise ServiceStopping(msg)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._jobs.put(Job(edit, answer, reply))
        self._work.set()
        return await answer

    def follow_up(self, edit: Edit[None]) -> None:
        """Queue an edit of the house itself; nobody waits for it and it is tried until it is written."""
        self._follow_ups.append(edit)
        self._work.set()

    def announce(self, told: Sequence[Told]) -> None:
        """Move the state on by what is durable, and tell the followers."""
        published: list[Published] = []
        for one in told:
            if isinstance(one, Entry):
                self._state.replace(one)
            else:
                self._state.apply(one)
                published.append(one)
        for follower in list(self.followers) if published else ():
            edit = follower(published)
            if edit is not None:
                self.follow_up(edit)

    async def run(self) -> None:
        """Write batch after batch until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self.settle()

    async def settle(self) -> None:
        """Write everything that is queued now, follow-ups of follow-ups included."""
        while self._follow_ups or not self._jobs.empty() or self._ledger.in_doubt:
            await self._write(self._waiting())

    async def stop(self) -> None:
        """Take no more edits; write those already taken. The task of `run` must have ended."""
        self._stopping = True
        await self.settle()

    def _waiting(self) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < _BATCH_EDITS and not self._jobs.empty():
            jobs.append(self._jobs.get_nowait())
        return jobs

    async def _write(self, jobs: list[Job]) -> None:
        """Write one batch: the house's own follow-ups first, then the jobs; answer whoever waits."""
        own = [self._follow_ups.popleft() for _ in range(min(len(self._follow_ups), _BATCH_EDITS))]
        try:
            self.announce(await self._ledger.settle())
            await self._write_once(own, jobs)
            for job in jobs:
                job.tell()
        except StoreError as error:
            _refuse(jobs, error)
            await self._wait_for_store(own, error)
        except BaseException:
            # Cancelled, or a fault of the house: whoever waits must not wait for ever.
            _refuse(jobs, ServiceStopping("the service stopped before this was written; send it again"))
            raise

    async def _write_once(self, own: list[Edit[None]], jobs: list[Job]) -> None:
        """Write what the edits want; run them again on what stands when another node was faster."""
        for attempt in range(_ATTEMPTS):
            now = self._clock.now()
            ran, wishes, refused = self._run_edits(own, jobs, now)
            # What refuses them here may have changed at another node. Once: whoever is refused again is refused.
            if attempt == 0 and any(job.error for job in jobs) and await self._ledger.come_current():
                continue
            for job in refused:
                job.tell()
            try:
                await self._commit(ran, wishes, now)
            except Overtaken:
                await self._ledger.catch_up()
            else:
                return
        raise StoreBusy("other nodes keep writing the same features; send this again")

    def _run_edits(
        self, own: list[Edit[None]], jobs: list[Job], now: datetime
    ) -> tuple[list[Job], list[Wish], list[Job]]:
        """Return the jobs that went well, what all want written, and the jobs that what is durable refused."""
        written: dict[Key, Record | None] = {}

        def lookup(key: Key) -> Record | None:
            if key in written:
                return written[key]
            entry = self._state.get(key)
            return entry.record if entry else None

        wishes: list[Wish] = []
        for edit in own:
            draft = Draft(lookup, now)
            edit(draft)
            written.update(draft)
            wishes += draft.wishes
        ran: list[Job] = []
        refused: list[Job] = []
        for job in jobs:
            draft = Draft(lookup, now)
            if _run(job, draft):
                written.update(draft)
                wishes += draft.wishes
                ran.append(job)
            elif not written:
                # A refusal for what this batch writes waits until that is durable, too.
                refused.append(job)
        return ran, wishes, refused

    async def _commit(self, ran: list[Job], wishes: list[Wish], now: datetime) -> None:
        zones_at = self._deriver.zones_at
        derived = await self._deriver.derive(wishes, now) if wishes else []
        writes = tuple(self._writes(derived))
        replies = tuple(job.reply(job.result) for job in ran if job.reply)
        if writes or replies:
            self.announce(await self._ledger.write(Batch(writes, now, replies, zones_at)))

    def _writes(self, wishes: Sequence[Wish]) -> Iterator[Write]:
        seen: set[Key] = set()
        for wish in wishes:
            entry = self._state.get(wish.key)
            first = wish.key not in seen
            seen.add(wish.key)
            if first and (entry.record if entry else None) is not wish.before:
                raise Overtaken("another node wrote this while it was joined; send it again")
            if changes_something(wish):
                # The state's keys are those of `before` unless this batch wrote the feature already.
                yield to_write(wish, entry, first=first)

    async def _wait_for_store(self, own: list[Edit[None]], error: StoreError) -> None:
        self._follow_ups.extendleft(reversed(own))
        if self._stopping:
            raise error
        if own or self._ledger.in_doubt:
            _log.warning("the store cannot write, trying again in %s s: %s", _RETRY_S, error)
            await asyncio.sleep(_RETRY_S)


def _run(job: Job, draft: Draft) -> bool:
    """Run one submitted edit; what it raises goes to its submitter alone."""
    if job.answer.done():
        return False
    job.error = None
    try:
        job.result = job.edit(draft)
    except Exception as error:  # noqa: BLE001 - handed to the submitter, who raises it; a fault of one edit stops no other
        job.error = error
        return False
    return True


def _refuse(jobs: list[Job], error: Exception) -> None:
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
