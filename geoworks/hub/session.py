"""One connection of the stream, without I/O: frames and events in, bytes and closing out.

There is no queue of changes for a connection: the log is the queue, and the session remembers its place in it, the
cursor. It works in *rounds*, each planned at the head of the log and sent as fast as the socket takes it. When one is
over and nothing has happened meanwhile, the session is live: it joins an audience, which writes to it without asking
it anything. When unsent bytes pass the high-water mark it leaves, and is in a round again once the socket has drained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from geoworks.config.settings import Stream
from geoworks.hub import messages, say
from geoworks.hub.answers import Answers
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
from geoworks.hub.rounds import Rounds
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


class Session:
    """The conversation with one client."""

    def __init__(self, feed: Feed[Session], outlet: Outlet, *, settings: Stream, now: float) -> None:
        """Greet the client; `now` in seconds of any steady clock."""
        self.outlet = outlet
        self.descriptor = outlet.descriptor
        self.unsent = outlet.unsent
        self.subscriptions = Subscriptions(feed.area)
        self.phase = Phase.FIRST
        self.attended = False
        self._feed = feed
        self._settings = settings
        self._inbox = Inbox(settings)
        self._pace = Pace(settings, now)
        self._answers = Answers(self.subscriptions, feed, most=settings.subscriptions)
        self._rounds = Rounds(feed, self.subscriptions, self._answers, most_bytes=settings.high_water_bytes)
        self._begun = False
        self._pulse = Pulse(settings, now)
        head = feed.head
        self._tell(messages.Hello(messages.PROTOCOL, head.epoch, str(head), settings.heartbeat_s))

    @property
    def cursor(self) -> int:
        """Return the offset up to which the client has been sent everything, unless it is live."""
        return self._rounds.cursor

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
            elif piece := self._rounds.next_piece():
                self.write(piece)
            else:
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
        self._rounds.drop()
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
        self._rounds.skip()

    def _wait(self, phase: Phase) -> None:
        self.phase = phase
        self._feed.attend(self)

    def _go_on(self) -> None:
        """Plan the next round, or go live when there is nothing to plan."""
        is_current = self._rounds.finish()
        if resume := self._inbox.next_resume():
            self._resume(resume)
        elif not self._inbox and is_current:
            self.phase = Phase.LIVE
            self._feed.join(self)
        else:
            self._read_near()

    def _matches(self, key: Key, keys: MatchKeys) -> bool:
        return self.subscriptions.test(key, keys, self._feed.moment)

    def _read_near(self) -> None:
        due = self._rounds.near()
        if due is None:
            self._wait(Phase.LOG)
            return
        self._plan(due)

    def _plan(self, missed: Iterable[Due]) -> None:
        """Plan a round that answers the next message of the client."""
        message = self._inbox.take() if self._inbox else None
        try:
            self._rounds.plan(missed, message)
        except Refused as error:
            self._refuse(error)
        else:
            self._begun = self._begun or message is not None

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
        self._rounds.resume(since.offset)
        self._read_near()

    def _read_resume(self, message: messages.Resume) -> Cursor:
        if self._begun:
            raise Refused(Code.RESUME_LATE, say.RESUME_LATE)
        since = read_cursor(message.since)
        self.subscriptions.set_all(message.subscriptions, most=self._settings.subscriptions)
        return since

    def _resync(self, reason: messages.ResyncReason) -> None:
        self._feed.counters.resynced += 1
        self._rounds.plan_anew(reason)

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
