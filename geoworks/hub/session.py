"""One connection of the stream, without I/O: frames and events in, bytes and closing out.

There is no queue of changes for a connection: the log is the queue, and the session remembers its place in it, the
cursor. It works in *rounds*. A round is planned at the head of the log: what changed since the cursor by the
catch-up rule, then the answer to one message of the client (a snapshot, the removals of an unsubscription), all
frozen at that moment, then `caught_up`. It is sent as fast as the socket takes it. When it is over and nothing has
happened meanwhile, the session is live: it joins an audience, which writes to it without asking it anything. When
unsent bytes pass the high-water mark it leaves, and is in a round again once the socket has drained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import chain

from geoworks.config.settings import Stream
from geoworks.hub import messages, say
from geoworks.hub.answers import Answers, Frames
from geoworks.hub.codes import Code
from geoworks.hub.feed import Feed, Outlet
from geoworks.hub.frames import frame, pong
from geoworks.hub.inbox import Inbox
from geoworks.hub.messages import Refused
from geoworks.hub.pace import Pace
from geoworks.hub.pulse import Pulse, Verdict
from geoworks.hub.question import Sieve
from geoworks.hub.replay import CatchUp, Due
from geoworks.hub.resumption import read_cursor, why_not
from geoworks.hub.subscriptions import Subscriptions
from geoworks.model.change import Cursor, Key, MatchKeys
from geoworks.state import Entry


class Phase(Enum):
    """What a session waits for."""

    FIRST = auto()  # the client's first message
    LOG = auto()  # changes that are in memory no more
    SOCKET = auto()  # a socket with too many unsent bytes
    NOTHING = auto()  # it is in the middle of sending
    LIVE = auto()  # the next change
    OVER = auto()  # the end of the connection


# What is due is written in pieces of about this size: each write costs as much as making several frames.
_JOINED_BYTES = 16_384


class Session:
    """The conversation with one client."""

    def __init__(self, feed: Feed[Session], outlet: Outlet, *, settings: Stream, now: float) -> None:
        """Greet the client; `now` in seconds of any steady clock."""
        self.outlet = outlet
        self.descriptor = outlet.descriptor
        self.unsent = outlet.unsent
        self.subscriptions = Subscriptions(feed.area)
        self.phase = Phase.FIRST
        self.cursor = feed.head.offset
        self.attended = False
        self._feed = feed
        self._settings = settings
        self._joined_bytes = min(_JOINED_BYTES, settings.high_water_bytes)
        self._inbox = Inbox(settings)
        self._pace = Pace(settings, now)
        self._answers = Answers(self.subscriptions, feed, most=settings.subscriptions)
        self._flow: Iterator[tuple[int | None, bytes]] = iter(())
        self._goal = self.cursor
        self._moment = feed.moment
        self._begun = False
        self._owes = False
        self._pulse = Pulse(settings, now)
        head = feed.head
        self._tell(messages.Hello(messages.PROTOCOL, head.epoch, str(head), settings.heartbeat_s))

    @property
    def waiting(self) -> bool:
        """Tell whether somebody has to wait for the socket or the log on its behalf."""
        return self.phase in {Phase.LOG, Phase.SOCKET}

    def receive(self, text: str) -> None:
        """Take a text frame of the client."""
        self.hear()
        if self.phase is Phase.OVER:
            return
        try:
            self._take(text)
        except Refused as error:
            self._refuse(error)
        else:
            self.pump()

    def receive_binary(self) -> None:
        """Take a binary frame, which nobody may send."""
        self._refuse(Refused(Code.BINARY, say.BINARY))

    def receive_ping(self, payload: bytes) -> None:
        """Take a ping frame and answer it, unless the client does not read, or is being closed."""
        self.hear()
        if self.phase is not Phase.OVER and self.unsent() <= self._settings.high_water_bytes:
            self.write(pong(payload))

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket, without waiting."""
        self.outlet.write(data)
        if self.phase is Phase.LIVE and self.unsent():
            self._feed.hold(self)

    def hear(self) -> None:
        """Note a sign of life of the client."""
        self._pulse.hear()

    def pump(self) -> None:
        """Send what is due as far as the socket takes it; call it when the socket has drained."""
        if self.phase is Phase.SOCKET:
            self.phase = Phase.NOTHING
        elif self.phase is Phase.LIVE and self._inbox:
            self._leave()
        while self.phase is Phase.NOTHING:
            if self.unsent() > self._settings.high_water_bytes:
                self._wait(Phase.SOCKET)
            elif not self._send_next():
                self._go_on()

    def lag(self) -> None:
        """Take note that the socket has too many unsent bytes; called while live."""
        self._leave()
        self._wait(Phase.SOCKET)

    def read(self) -> CatchUp:
        """Begin to read the log after the cursor; hand the result to `catch_up`."""
        return CatchUp(self._matches)

    def catch_up(self, read: CatchUp) -> None:
        """Send what the log after the cursor, now read up to the head, led to."""
        if self.phase is Phase.LOG:
            self.phase = Phase.NOTHING
            self._plan(read.due(self._feed.state))
            self.pump()

    def begin_anew(self, reason: messages.ResyncReason) -> None:
        """Send snapshots of everything, as the log after the cursor cannot be read."""
        if self.phase is Phase.LOG:
            self.phase = Phase.NOTHING
            self._resync(reason)
            self.pump()

    def tell_soon(self, sieve: Sieve, entries: Sequence[Entry]) -> None:
        """Tell a client that is up to date that works on its route begin soon."""
        if self.phase is Phase.LIVE:
            for _, notice in self._answers.begins_soon(sieve, entries):
                self.write(notice)

    def beat(self, heartbeat: bytes, *, now: float) -> None:
        """Give a sign of life to a client that is up to date, and ask for one; everything due has been written."""
        if self.phase is Phase.LIVE:
            self.write(heartbeat)
            self._pulse.ping(now)

    def tick(self, now: float) -> None:
        """Look at the time: end what is silent, dead or stuck, and heed positions that came too fast."""
        verdict = self._pulse.look(now, unsent=self.unsent())
        if verdict is Verdict.SILENT:
            self.close(Code.SILENT, say.SILENT)
        elif verdict is Verdict.GONE:
            self.abort()
        else:
            self._heed_late(now)

    def close(self, code: Code, reason: str) -> None:
        """Close politely."""
        if self.end():
            self.outlet.close(code.number, reason)

    def abort(self) -> None:
        """Cut the connection."""
        if self.end():
            self._feed.counters.aborted += 1
            self.outlet.abort()

    def end(self) -> bool:
        """Take note that the connection is over; tell whether it was not yet."""
        if self.phase is Phase.OVER:
            return False
        if self.phase is Phase.LIVE:
            self._leave()
        self.phase = Phase.OVER
        self._flow = iter(())
        self._inbox.clear()
        return True

    def _take(self, text: str) -> None:
        """Read a frame and answer it, or let it wait for its turn.

        Raises:
            Refused: it cannot be taken.

        """
        size = len(text.encode())
        if size > self._settings.frame_bytes:
            raise Refused(Code.FRAME_TOO_LARGE, say.frame_too_large(self._settings.frame_bytes))
        message = messages.decode(text)
        self._pulse.speak()
        if self.phase is Phase.FIRST:
            self.phase = Phase.NOTHING
        if not self._pace.admit(message, self._feed.time()):
            return
        if isinstance(message, messages.Ping):
            self._answer(messages.Pong())
        else:
            self._inbox.put(message, size)

    def _heed_late(self, now: float) -> None:
        while not self._inbox and (position := self._pace.next_late(now)):
            self._inbox.put(position, 0)
            self.pump()

    def _leave(self) -> None:
        # First: leaving has the audience written to, which may find this very socket too slow.
        self.phase = Phase.NOTHING
        self._feed.leave(self)
        self.cursor = self._goal = self._feed.head.offset
        self._moment = self._feed.moment

    def _wait(self, phase: Phase) -> None:
        self.phase = phase
        self._feed.attend(self)

    def _send_next(self) -> bool:
        """Send the next frames of the round, joined into one write; tell whether there were any."""
        joined: list[bytes] = []
        size, cursor = 0, self.cursor
        for offset, data in self._flow:
            joined.append(data)
            size += len(data)
            if offset is not None:
                cursor = offset
            if size >= self._joined_bytes:
                break
        if not joined:
            return False
        self.write(b"".join(joined))
        self.cursor = cursor
        return True

    def _go_on(self) -> None:
        """Plan the next round, or go live when there is nothing to plan."""
        self.cursor = self._feed.head.offset if not self.subscriptions else max(self.cursor, self._goal)
        if resume := self._inbox.next_resume():
            self._resume(resume)
        elif not self._inbox and self.cursor == self._feed.head.offset and self._is_on_time():
            self.phase = Phase.LIVE
            self._feed.join(self)
        else:
            self._read_near()

    def _is_on_time(self) -> bool:
        """Tell whether the clock has brought nothing since the last round."""
        return self._moment == self._feed.moment or not self.subscriptions.heeds_clock

    def _matches(self, key: Key, keys: MatchKeys) -> bool:
        return self.subscriptions.test(key, keys, self._feed.moment)

    def _read_near(self) -> None:
        due = self._feed.due(self.cursor, self.subscriptions) if self.subscriptions else ()
        if due is None:
            self._wait(Phase.LOG)
            return
        self._plan(due)

    def _plan(self, missed: Iterable[Due]) -> None:
        """Freeze a round at the head: the catch-up, what the clock brought, the answer to one message, `caught_up`."""
        head = self._feed.head
        due = say.due(missed, head.epoch)
        brought = self._answers.brought(self._moment) if not self._is_on_time() else []
        behind = self.cursor != head.offset
        self._goal, self._moment = head.offset, self._feed.moment
        answered: str | None = None
        answer: Frames = ()
        if self._inbox:
            try:
                answered, answer = self._answers.obey(self._inbox.take(), head)
                self._begun = True
            except Refused as error:
                self._refuse(error)
        self._flow = chain(due, brought, answer)
        if behind or self._owes or answered is not None:
            self._owes = False
            self._flow = chain(self._flow, self._caught_up(answered))

    def _caught_up(self, answered: str | None) -> Iterable[tuple[int, bytes]]:
        goal = Cursor(self._feed.head.epoch, self._goal)
        told = messages.CaughtUp(answered, self.subscriptions.hash(), str(goal))
        return ((self._goal, frame(told)),)

    def _resume(self, message: messages.Resume) -> None:
        try:
            since = self._read_resume(message)
        except Refused as error:
            self._refuse(error)
            return
        self._begun = True
        same = message.filters == self.subscriptions.hash()
        reason = why_not(since, self._feed.head, same_filters=same, moving=self.subscriptions.is_moving)
        if reason is not None:
            self._resync(reason)
            return
        self._feed.counters.resumed += 1
        self.cursor = self._goal = since.offset
        self._owes = True
        self._read_near()

    def _read_resume(self, message: messages.Resume) -> Cursor:
        if self._begun:
            raise Refused(Code.RESUME_LATE, say.RESUME_LATE)
        since = read_cursor(message.since)
        self.subscriptions.set_all(message.subscriptions, most=self._settings.subscriptions)
        return since

    def _resync(self, reason: messages.ResyncReason) -> None:
        self._feed.counters.resynced += 1
        self.cursor = self._goal = self._feed.head.offset
        self._moment = self._feed.moment
        self._flow = chain(self._answers.anew(reason, self._feed.head), self._caught_up(None))

    def _answer(self, message: messages.ServerMessage) -> None:
        """Send a message out of turn, unless the client does not read: it gets none of these then."""
        if self.unsent() <= self._settings.high_water_bytes:
            self._tell(message)

    def _tell(self, message: messages.ServerMessage) -> None:
        self.write(frame(message))

    def _refuse(self, error: Refused) -> None:
        if self.phase is Phase.OVER:
            return
        self._answer(error.as_message())
        if error.fault.closes:
            self.close(error.fault, str(error))
        elif not self._pace.forgive(self._feed.time()):
            self.close(Code.TOO_MANY_ERRORS, say.TOO_MANY_ERRORS)
