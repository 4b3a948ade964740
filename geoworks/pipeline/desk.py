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
from geoworks.errors import ServiceStopping, StoreError, StoreUncertain
from geoworks.model.change import Key, Record
from geoworks.pipeline.derive import Deriver
from geoworks.pipeline.diff import changes_something, to_write
from geoworks.pipeline.draft import Draft, Wish
from geoworks.ports import Batch, Committed, Reply, Store, Write
from geoworks.state import Published, State, make_entry

T = TypeVar("T")
Edit: TypeAlias = Callable[[Draft], T]
Follower: TypeAlias = Callable[[Sequence[Published]], Edit[None] | None]

_WAITING = 1000
_BATCH_EDITS = 256
_BATCH_WISHES = 500
_RETRY_S = 1.0

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

    def __init__(self, state: State, store: Store, deriver: Deriver, *, clock: Clock) -> None:
        """Write to `store` and move `state` on; call `run` in a task."""
        self.followers: list[Follower] = []
        self._state = state
        self._store = store
        self._deriver = deriver
        self._clock = clock
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(_WAITING)
        self._follow_ups: deque[Edit[None]] = deque()
        self._stopping = False
        # What was being written when the way to the store broke, until it is known whether it went through.
        self._doubtful: tuple[Write, ...] | None = None

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
        return await answer

    def follow_up(self, edit: Edit[None]) -> None:
        """Queue an edit of the house itself; nobody waits for it and it is tried until it is written."""
        self._follow_ups.append(edit)

    async def run(self) -> None:
        """Write batch after batch until cancelled."""
        while True:
            if not self._follow_ups and self._doubtful is None:
                await self._write([await self._jobs.get(), *self._waiting()])
            else:
                await self._write(self._waiting())

    async def settle(self) -> None:
        """Write everything that is queued now, follow-ups of follow-ups included; for start-up and shutdown."""
        while self._follow_ups or not self._jobs.empty() or self._doubtful is not None:
            await self._write(self._waiting())

    async def stop(self) -> None:
        """Take no more edits; write those already taken. The task of `run` must have ended."""
        self._stopping = True
        await self.settle()

    def _waiting(self) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < _BATCH_EDITS - 1 and not self._jobs.empty():
            jobs.append(self._jobs.get_nowait())
        return jobs

    async def _write(self, jobs: list[Job]) -> None:
        """Write one batch: the house's own follow-ups first, then the jobs; answer whoever waits."""
        own = [self._follow_ups.popleft() for _ in range(min(len(self._follow_ups), _BATCH_EDITS))]
        now = self._clock.now()
        try:
            await self._settle()
            ran, wishes = self._run_edits(own, jobs, now)
            await self._commit(ran, wishes, now)
            for job in jobs:
                job.tell()
        except StoreError as error:
            _refuse(jobs, error)
            await self._wait_for_store(own, error)
        except BaseException:
            # Cancelled, or a fault of the house: whoever waits must not wait for ever.
            _refuse(jobs, ServiceStopping("the service stopped before this was written; send it again"))
            raise

    def _run_edits(self, own: list[Edit[None]], jobs: list[Job], now: datetime) -> tuple[list[Job], list[Wish]]:
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
        for job in jobs:
            draft = Draft(lookup, now)
            if _run(job, draft):
                written.update(draft)
                wishes += draft.wishes
                ran.append(job)
            elif not written:
                # What refused it is durable. A refusal for what this batch writes waits until that is, too.
                job.tell()
        return ran, wishes

    async def _commit(self, ran: list[Job], wishes: list[Wish], now: datetime) -> None:
        derived = await self._deriver.derive(wishes, now) if wishes else []
        writes = tuple(self._writes(filter(changes_something, derived)))
        replies = tuple(job.reply(job.result) for job in ran if job.reply)
        if writes or replies:
            try:
                changes = await self._store.commit(Batch(writes, now, replies))
            except StoreUncertain:
                self._doubtful = writes
                raise
            self._publish(writes, changes)

    async def _settle(self) -> None:
        """Take in the commit that was in doubt, if it went through: edits must see all that is durable.

        Its submitters were told to send it again; an `Idempotency-Key` then finds its answer.
        """
        if self._doubtful is not None:
            changes = await self._store.settle()
            writes, self._doubtful = self._doubtful, None
            if changes is not None:
                self._publish(writes, changes)

    def _writes(self, wishes: Iterator[Wish]) -> Iterator[Write]:
        for wish in wishes:
            entry = self._state.get(wish.key)
            # The state's keys are those of `before` unless this batch wrote the feature already.
            known = entry is not None and entry.record is wish.before
            yield to_write(wish, entry.keys if entry is not None and known else None)

    def _publish(self, writes: Sequence[Write], changes: Committed) -> None:
        numbered = iter(changes)
        published: list[Published] = []
        for write in writes:
            entry = make_entry(write.record) if write.record else None
            if write.silent and entry is not None:
                self._state.replace(entry)
                continue
            published.append(Published(next(numbered), entry, changes.durable_s))
            self._state.apply(published[-1])
        for follower in self.followers if published else ():
            edit = follower(published)
            if edit is not None:
                self._follow_ups.append(edit)

    async def _wait_for_store(self, own: list[Edit[None]], error: StoreError) -> None:
        self._follow_ups.extendleft(reversed(own))
        if self._stopping:
            raise error
        if own or self._doubtful is not None:
            _log.warning("the store cannot write, trying again in %s s: %s", _RETRY_S, error)
            await asyncio.sleep(_RETRY_S)


def _run(job: Job, draft: Draft) -> bool:
    """Run one submitted edit; what it raises goes to its submitter alone."""
    if job.answer.cancelled():
        return False
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
