"""Moves the state on with the log that many nodes share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from msgspec.structs import replace

from geoworks.clock import SystemClock
from geoworks.errors import StoreError, StoreUnusable
from geoworks.model.change import Change, Key, Op
from geoworks.nodes import Followed, Outlook, SharedStore
from geoworks.pipeline.chunk import chunks
from geoworks.state import Entry, Published, State, make_entry

Announce: TypeAlias = Callable[[Sequence[Published]], None]
Refresh: TypeAlias = Callable[[], Awaitable[None]]

_PAGE = 500
# Changes heard and not yet taken; when there are more, the log is read.
_HEARD = 5_000
# Revisions that came lately: who waits for one may ask after it came.
_CAME = 10_000

_log = logging.getLogger(__name__)


class LogFollower:
    """Takes numbered changes, by the bus or from the log, in order and each once; hears as `geoworks.nodes.News`.

    The log is the truth: what the bus brings is taken where it fits behind the state, else the log is read, and every
    `poll_s` it is looked at whatever was heard.
    """

    def __init__(self, state: State, store: SharedStore, *, poll_s: float) -> None:
        """Follow the log of `store`; set `announce`, which moves the state, before anything is heard."""
        self.announce: Announce = _nobody
        self.on_written: Callable[[], None] = _nothing
        self.outlook: Outlook | None = None
        self.moves = 0
        self._state = state
        self._store = store
        self._poll_s = poll_s
        # The database's clock knows nothing of a town that runs on another day.
        self._clock = SystemClock()
        self._heard: list[Followed] = []
        self._unread = True
        self._news = asyncio.Event()
        self._move = asyncio.Event()
        self._turn = asyncio.Lock()
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._came: OrderedDict[int, None] = OrderedDict()
        self._kept: dict[str, Refresh] = {}
        self._writings: Mapping[str, int] = {}
        self._away = False
        self._readings = 0

    def keep(self, collection: str, refresh: Refresh) -> None:
        """Have what is kept in memory of a collection of documents read again when some node wrote it."""
        self._kept[collection] = refresh

    def written(self) -> None:
        """Hear that something waits to be numbered."""
        self.on_written()

    def numbered(self, epoch: str, changes: Sequence[Followed]) -> None:
        """Hear of numbered changes; none, or of another log: the log has to be read."""
        if changes and epoch == self._state.cursor.epoch and len(self._heard) + len(changes) <= _HEARD:
            self._heard += changes
        else:
            self._unread = True
        self._news.set()

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            StoreUnusable: history was lost, or this node was away for too long: it has to begin anew.

        """
        loop = asyncio.get_running_loop()
        poll = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(poll):
                    await self._news.wait()
            self._news.clear()
            await self._try(self.take)
            if loop.time() >= poll:
                await self._try(self.survey)
                poll = loop.time() + self._poll_s

    async def take(self) -> None:
        """Take what was heard, and read the log if that leaves a gap."""
        async with self._turn:
            await self._take_heard()
            if self._unread:
                await self._read()

    async def caught_up(self) -> None:
        """Come as far as the log stands now; all who ask at once share one reading."""
        begun = self._readings
        async with self._turn:
            if self._readings == begun:
                await self._read()

    async def survey(self) -> None:
        """Look how the store stands; catch up with the log and with the documents others wrote."""
        outlook = await self._store.look()
        self.outlook = outlook
        if outlook.head.epoch != self._state.cursor.epoch or outlook.head.offset != self._state.cursor.offset:
            await self.caught_up()
        for collection, refresh in self._kept.items():
            if outlook.collections.get(collection) != self._writings.get(collection):
                await refresh()
        self._writings = outlook.collections

    async def reached(self, revision: int, *, within_s: float) -> bool:
        """Wait until the writing of a revision came back numbered; false when it did not in time."""
        if revision in self._came:
            return True
        awaited = self._awaited.setdefault(revision, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(within_s):
                await asyncio.shield(awaited)
        except TimeoutError:
            self._awaited.pop(revision, None)
            return False
        return True

    async def moved(self, *, within_s: float) -> None:
        """Wait until the state moves, or some time has passed."""
        self._move.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._move.wait()

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do what needs the store; while that is away, what is missed is read later."""
        try:
            await step()
        except StoreUnusable:
            raise
        except StoreError as error:
            self._unread = True
            if not self._away:
                _log.warning("the log cannot be read, trying again every %s s: %s", self._poll_s, error)
            self._away = True
        else:
            if self._away:
                _log.info("the log can be read again")
            self._away = False

    async def _take_heard(self) -> None:
        heard, self._heard = sorted(self._heard, key=_offset), []
        fitting: list[Followed] = []
        expected = self._state.cursor.offset + 1
        for one in heard:
            if one.change.offset == expected:
                fitting.append(one)
                expected += 1
            elif one.change.offset > expected:
                self._unread = True
                break
        await self._apply(fitting)

    async def _read(self) -> None:
        self._unread = False
        self._readings += 1
        try:
            while page := await self._store.log(self._state.cursor, limit=_PAGE):
                await self._apply(page)
                if len(page) < _PAGE:
                    break
        except BaseException:
            self._unread = True
            raise

    async def _apply(self, changes: Sequence[Followed]) -> None:
        for some in chunks(changes):
            # Noted before anybody can be told.
            await self._store.told(some[-1].change.offset)
            self.announce(self._published(some))
            self.moves += len(some)
            self._move.set()
            for one in some:
                self._note(one.revision)

    def _note(self, revision: int) -> None:
        self._came[revision] = None
        if len(self._came) > _CAME:
            self._came.popitem(last=False)
        if (awaited := self._awaited.pop(revision, None)) and not awaited.done():
            awaited.set_result(None)

    def _published(self, changes: Sequence[Followed]) -> list[Published]:
        fresh: dict[Key, Entry | None] = {}
        published = []
        for one in changes:
            key = one.change.key
            standing = fresh[key] if key in fresh else self._state.get(key)
            fresh[key] = entry = _entry(one, standing)
            published.append(Published(_with_terms(one, standing), entry, self._durable_s(one)))
        return published

    def _durable_s(self, one: Followed) -> float:
        ahead_s = self.outlook.clock_ahead_s if self.outlook else 0.0
        ago_s = (self._clock.now() - one.at).total_seconds() - ahead_s
        return time.monotonic() - max(ago_s, 0.0)


def _entry(one: Followed, standing: Entry | None) -> Entry | None:
    """Return the feature after a change; as it was before, where somebody took back what this change said."""
    if one.record is not None:
        return make_entry(one.record, one.revision)
    return standing if one.change.op is Op.PUT else None


def _with_terms(one: Followed, standing: Entry | None) -> Change:
    """Return the change with what the log does not keep of the version before: the terms, which the state has.

    A node that has just begun may be ahead of the log: then what it has is no version before.
    """
    if standing is None or one.change.before is None or standing.revision >= one.revision:
        return one.change
    return replace(one.change, before=standing.keys)


def _offset(one: Followed) -> int:
    return one.change.offset


def _nobody(_: Sequence[Published]) -> None:
    """Announce nothing."""


def _nothing() -> None:
    """Wake nobody."""
