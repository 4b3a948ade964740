"""The hub: every durable change is encoded once and the same bytes go to all whom it concerns."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count

from msgspec import Raw

from geoworks.clock import Clock
from geoworks.config.settings import Stream
from geoworks.errors import StoreError
from geoworks.hub import messages, say
from geoworks.hub.areas import Area
from geoworks.hub.attendant import Attendant
from geoworks.hub.audience import Audience, Audiences
from geoworks.hub.clockwork import Brought
from geoworks.hub.counters import Counters
from geoworks.hub.farewell import Farewell
from geoworks.hub.feed import Outlet
from geoworks.hub.frames import PING, frame
from geoworks.hub.question import Question, Sieve
from geoworks.hub.recent import Recent
from geoworks.hub.replay import Due, Log, Replay, reason_of_removal
from geoworks.hub.session import Phase, Session
from geoworks.hub.shelf import Shelf
from geoworks.hub.snapshots import Snapshots
from geoworks.hub.subscriptions import Subscriptions
from geoworks.hub.timekeeper import Timekeeper
from geoworks.model.change import Cursor
from geoworks.state import Entry, Published, State
from geoworks.tasks import Tasks

# Changes that come within this time of a write are joined into the next one.
_JOIN_S = 0.003
_TAIL = 10_000
_TOLD_RETRY_S = 5.0

_log = logging.getLogger(__name__)


class Hub:
    """Connects sessions with the log; belongs to the event loop's thread. `run` must be running."""

    def __init__(self, state: State, log: Log, *, settings: Stream, clock: Clock, tail: int = _TAIL) -> None:
        """Begin at the state's cursor, with at most `tail` changes kept in memory."""
        self._counters = Counters()
        self.settings = settings
        self.stopping = False
        self._state = state
        self._log = log
        self._clock = clock
        self._head = state.cursor
        self._replay = Replay(log, state.cursor.offset, tail=tail)
        self._attendant = Attendant(self._replay, self._counters)
        self._recent = Recent(state, self._replay)
        self._snapshots = Snapshots(state)
        self.shelf = Shelf(clock)
        self._audiences: Audiences[Session] = Audiences()
        self._time = Timekeeper(
            clock, self._audiences.matcher, self._snapshots, lead_s=settings.notice_lead_s, tell=self._bring
        )
        self._due: dict[Audience[Session], None] = {}
        self._unwritten: list[float] = []
        self._pause: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._sessions: dict[Session, int] = {}
        self._numbers = count()
        self._news = asyncio.Event()
        self._farewell = Farewell(self._sessions.keys())

    @property
    def counters(self) -> Counters:
        """Return what is counted."""
        return self._counters

    @property
    def state(self) -> State:
        """Return the town as it stands at the head."""
        return self._state

    @property
    def head(self) -> Cursor:
        """Return the last place of the log that was told."""
        return self._head

    @property
    def moment(self) -> datetime:
        """Return what time it is to the hub: that of its last look at the clock."""
        return self._time.moment

    @property
    def questions(self) -> int:
        """Return how many different questions the live connections ask."""
        return len(self._audiences.matcher)

    async def recall(self) -> None:
        """Take the newest changes into memory, before anything is published.

        Raises:
            StoreError: the store cannot be read.

        """
        await self._replay.recall()

    async def run(self) -> None:
        """Keep time for the connections and note what was told, until cancelled."""
        async with Tasks() as tasks:
            tasks.create_task(self._keep_time())
            tasks.create_task(self._keep_told())

    def connect(self, outlet: Outlet) -> Session:
        """Greet a new connection; hand its frames to the session and call `disconnect` when it is over."""
        session = Session(self, outlet, settings=self.settings, now=self.time())
        self._sessions[session] = next(self._numbers)
        self.counters.connected += 1
        self._news.set()
        if self.stopping:
            # Its handshake had begun before nobody was let in any more.
            self._farewell.take_of(session)
        return session

    def disconnect(self, session: Session) -> None:
        """Forget a connection that is over."""
        session.end()
        if session in self._sessions:
            del self._sessions[session]
            self.counters.connected -= 1
            self.counters.ended += 1
            self._farewell.note_leaving()

    def publish(self, published: Sequence[Published]) -> None:
        """Tell durable changes, which the state has just taken, to all whom they concern.

        Nothing may run between `state.apply` of the last of them and this, so that head and state are one.
        """
        for one in published:
            self._replay.tail.append(one.change)
            self._head = Cursor(self._head.epoch, one.change.offset)
            self._address(one)
        self.counters.published += len(published)
        self._unwritten += [one.durable_s for one in published if one.durable_s is not None]
        self._news.set()
        # At once when idle; joined with what comes next when the last write was a moment ago.
        loop = asyncio.get_running_loop()
        if loop.time() >= self._quiet_until:
            self.flush()
        elif self._pause is None:
            self._pause = loop.call_at(self._quiet_until, self.flush)

    def flush(self) -> None:
        """Write everything due, then let what comes in the next moment gather."""
        due, self._due = self._due, {}
        for audience in due:
            self._write_to(audience)
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        # Counted from the end of the writing: with many sockets that takes longer than the pause.
        self._quiet_until = asyncio.get_running_loop().time() + _JOIN_S
        now = time.monotonic()
        for durable_s in self._unwritten:
            self.counters.note_delay(now - durable_s)
        self._unwritten = []

    async def follow_clock(self) -> None:
        """Look at the clock, and tell what it brought; with many questions others have their turn in between."""
        for _ in self._time.advance():
            await asyncio.sleep(0)
        self.flush()

    async def drain(self, within_s: float) -> None:
        """Let nobody in any more and take leave of all connections."""
        self.stopping = True
        self.flush()
        await self._farewell.take(within_s)

    def time(self) -> float:
        """Return the seconds of a steady clock."""
        return asyncio.get_running_loop().time()

    def due(self, after: int, subscriptions: Subscriptions) -> Sequence[Due] | None:
        """Return what those who ask this are due after an offset, when it is near; None: the log has to be read."""
        return self._recent.due(after, subscriptions, self.moment)

    def area(self, id_: str) -> Area | None:
        """Return the area that was posted under an id, if it is still kept."""
        return self.shelf.get(id_)

    def snapshot(self, sieve: Sieve) -> Sequence[Entry]:
        """Return what answers a question at the head."""
        return self._snapshots.take(sieve, self.moment)

    def moved(self, before: Sieve, after: Sieve) -> tuple[Sequence[Entry], Sequence[Entry]]:
        """Return what only the later of two questions matches, and what only the earlier one does."""
        return self._snapshots.moved(before, after, self.moment)

    def brought(self, sieve: Sieve, since: datetime) -> Brought:
        """Return what the clock brought to a question since a moment."""
        return self._time.brought(sieve, since)

    def begin_soon(self, sieve: Sieve, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return which of the entries that answer a question begin soon on its route."""
        return self._time.begin_soon(sieve, entries)

    def join(self, session: Session) -> None:
        """Write to a session whatever comes after the head."""
        questions = session.subscriptions.questions()
        self._settle(questions)
        self._audiences.join(session, session.subscriptions.sieves(), questions)
        self._time.joined(questions)

    def leave(self, session: Session) -> None:
        """Write to a session no more; everything up to the head has been written."""
        questions = session.subscriptions.questions()
        self._settle(questions)
        self._audiences.leave(session, questions)
        self._time.left(questions)

    def hold(self, session: Session) -> None:
        """Take note that a live session has unsent bytes, which nothing may overtake."""
        audience = self._audiences.get(session.subscriptions.questions())
        if audience is not None:
            audience.hold(session)

    def attend(self, session: Session) -> None:
        """See to it that a session gets on once its socket has drained, or the log has been read."""
        self._attendant.attend(session)

    def _address(self, one: Published) -> None:
        """Put the frames of a change among those due to the audiences it concerns, by its version before and after."""
        key, entry = one.change.key, one.entry
        before = self._audiences.matcher.matching(key, one.change.before, self.moment)
        after = self._audiences.matcher.matching(key, entry.keys if entry else None, self.moment)
        if entry is not None and after:
            self._hand(after, messages.Put(str(self._head), Raw(entry.body)))
        if gone := before - after:
            reason = reason_of_removal(one.change.reason, one.change.op, entry)
            self._hand(gone, messages.Remove(str(self._head), key.kind, key.id, reason))

        if entry is not None:
            self._time.expect(entry, one.change.before)

    def _settle(self, questions: frozenset[Question]) -> None:
        """Tell those who ask this everything there is up to now."""
        self._time.settle(questions)
        self._write_to(self._audiences.get(questions))

    def _bring(self, question: Question, brought: Brought) -> None:
        """Tell those who ask a question what the clock brought."""
        members = self._audiences.matcher.members(question)
        for _, data in say.come(brought.seen):
            self._hand_bytes(members, data)
        if brought.soon:
            sieve = self._audiences.matcher.sieve(question)
            for audience in members:
                self._write_to(audience)
                for session in audience.listeners():
                    session.tell_soon(sieve, brought.soon)

    def _hand(self, audiences: Iterable[Audience[Session]], message: messages.ServerMessage) -> None:
        self._hand_bytes(audiences, frame(message))

    def _hand_bytes(self, audiences: Iterable[Audience[Session]], data: bytes) -> None:
        for audience in audiences:
            audience.due.append(data)
            self._due[audience] = None

    def _write_to(self, audience: Audience[Session] | None) -> None:
        if audience is None or not audience.due:
            return
        sent, behind = audience.flush(self.settings.high_water_bytes)
        self.counters.sent += sent
        for session in behind:
            # One of them may be leaving just now: that is why its audience is flushed.
            if session.phase is Phase.LIVE:
                session.lag()

    async def _keep_time(self) -> None:
        settings = self.settings
        shortest = min(settings.heartbeat_s / 2, settings.pong_s, settings.stuck_s, settings.first_message_s)
        period_s = min(1.0, shortest / 4)
        turns = round(settings.heartbeat_s / period_s)
        for turn in count():
            await asyncio.sleep(period_s)
            self._tick(turn % turns, turns)
            await self.follow_clock()

    def _tick(self, turn: int, turns: int) -> None:
        """Look after every connection; those whose turn it is get a heartbeat, so that not all do at once."""
        self.flush()
        now = self.time()
        heartbeat = frame(messages.Heartbeat(str(self._head))) + PING
        for session, number in list(self._sessions.items()):
            session.tick(now)
            if number % turns == turn:
                session.beat(heartbeat, now=now)

    async def _keep_told(self) -> None:
        """Note the head in the store whenever it may have been told to somebody."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._log.told(self._head.offset)
            except StoreError as error:
                _log.warning("the store cannot note what was told, trying again in %s s: %s", _TOLD_RETRY_S, error)
                await asyncio.sleep(_TOLD_RETRY_S)
                self._news.set()
