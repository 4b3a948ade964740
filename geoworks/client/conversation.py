"""The client's side of the stream without I/O: frames in, changes and frames out (docs/stream.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import SystemRandom
from typing import Any

from geoworks.client import heard
from geoworks.client.asked import Asked, Message
from geoworks.client.asking import Subscription
from geoworks.client.changes import Live, Notice, Rejected, Resync, Told
from geoworks.client.faults import is_for_good
from geoworks.client.held import Held
from geoworks.client.patience import Patience

_LOST = 1006
_UNKNOWN_SUBSCRIPTION = 106


class Conversation:
    """What is said over any number of connections, and what is held thanks to it."""

    def __init__(self, subscriptions: Iterable[Subscription], *, random: Callable[[], float] | None = None) -> None:
        """Begin with some questions; `random` draws between 0 and 1."""
        self.held = Held()
        self.heartbeat_s = 25.0
        self.patience = Patience(random or SystemRandom().random)
        self._asked = Asked(subscriptions)
        self._due: list[Message] = []
        self._positions: dict[str, Message] = {}
        self._is_open = False
        self._resuming = False

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Return what is asked."""
        return self._asked.subscriptions

    @property
    def resumes(self) -> tuple[str, str] | None:
        """Return the cursor and filters to resume with, or None when everything has to be asked anew."""
        cursor, filters = self.held.cursor, self._asked.filters
        return (cursor, filters) if cursor and filters else None

    def open(self) -> None:
        """Take note that a connection is open; what is to be said first is due."""
        self._is_open, self._due = True, []
        place = self.resumes
        self._resuming = place is not None
        if place is None:
            self._ask_all()
        else:
            asked = [one.id for one in self._asked.subscriptions]
            self._due = [self._asked.resume(place[0]), *self._positions_of(asked, resumed=True)]

    def take_due(self) -> Sequence[Message]:
        """Return the messages to be sent now, each once."""
        due, self._due = self._due, []
        return due

    def cut(self, code: int = _LOST) -> float | None:
        """Take note that the connection is over; return how long to wait before the next, or None for good."""
        self._is_open, self._due = False, []
        return None if is_for_good(code) else self.patience.wait_s()

    def subscribe(self, subscription: Subscription) -> None:
        """Ask a question, in the place of the one with its id."""
        self._asked.want(subscription)
        self._reconcile()

    def unsubscribe(self, id_: str) -> None:
        """Ask a question no more."""
        self._asked.want_no_more(id_)
        self._positions.pop(id_, None)
        self._reconcile()

    def position(self, fields: dict[str, Any]) -> None:
        """Tell where the driver is, by `id`, `at` and what else is known; again after every new connection."""
        id_ = fields["id"]
        self._positions[id_] = {"type": "position", **fields}
        if self._is_open:
            self._due += self._positions_of([id_])

    def hear(self, frame: str | bytes) -> Sequence[Told]:
        """Take in a frame of the server; return what the program is to be told.

        Raises:
            Unintelligible: it is no message.

        """
        return tuple(self._hear(frame))

    def _hear(self, frame: str | bytes) -> Iterator[Told]:
        match heard.decode(frame):
            case heard.Snapshot() as message:
                yield self.held.take_snapshot(message)
            case heard.Put() as message:
                yield self.held.put(message)
            case heard.Remove() as message:
                yield from self.held.remove(message)
            case heard.CaughtUp() as message:
                yield from self._catch_up(message)
            case message:
                yield from self._hear_rest(message, frame)

    def _hear_rest(self, message: heard.Heard | None, frame: str | bytes) -> Iterator[Told]:
        match message:
            case heard.Hello():
                self.heartbeat_s = message.heartbeat_s
            case heard.Heartbeat():
                self.held.reach(message.cursor)
                self._reconcile()
            case heard.Resync():
                yield from self._resync(message)
            case heard.Notice():
                self.patience.heed(message.retry_after_s)
                yield Notice(message.code, message.message, heard.fields(frame))
            case heard.Error():
                yield from self._refuse(message)
            case _:
                pass

    def _catch_up(self, message: heard.CaughtUp) -> Iterator[Told]:
        self._resuming = False
        self._asked.take_answer(message)
        self.held.reach(message.cursor)
        self.patience.reset()
        self._reconcile()
        if self._asked.is_answered:
            yield from self.held.settle()
        yield Live(message.id, message.cursor)

    def _resync(self, message: heard.Resync) -> Iterator[Told]:
        self.held.begin_anew()
        # Nobody can tell which features were held because of one of several subscriptions alone.
        if message.id is not None and len(self.subscriptions) > 1:
            self._asked.forget_others(message.id)
            self._reconcile()
        yield Resync(message.id, message.reason)

    def _refuse(self, message: heard.Error) -> Iterator[Told]:
        if message.temporary:
            self._asked.drop(message.id)
        elif message.code == _UNKNOWN_SUBSCRIPTION and message.id is not None:
            # It answers a position, or an `unsubscribe`, that crossed a refusal.
            self._asked.take_absence(message.id)
        elif self._resuming:
            yield from self._refuse_resume(message)
        else:
            if message.id is not None and not self._asked.refuse(message.id):
                self._positions.pop(message.id, None)
            yield Rejected(message.code, message.message, message.id)
        if self._asked.filters:
            yield from self.held.settle()

    def _refuse_resume(self, message: heard.Error) -> Iterator[Told]:
        """Ask anew on the same connection, without the question that was refused if it was one."""
        self._resuming = False
        if message.id is not None:
            self._asked.want_no_more(message.id)
            yield Rejected(message.code, message.message, message.id)
        self._ask_all()

    def _ask_all(self) -> None:
        self.held.begin_anew()
        self._asked.forget()
        self._reconcile()

    def _reconcile(self) -> None:
        """Ask what has to be asked, also again."""
        if self._is_open and not self._resuming:
            questions = list(self._asked.reconcile())
            self._due += [*questions, *self._positions_of([question["id"] for question in questions])]

    def _positions_of(self, ids: Iterable[str], *, resumed: bool = False) -> Iterator[Message]:
        """Yield where the driver is, for questions that the server has been asked."""
        for id_ in ids:
            if id_ in self._positions and (resumed or self._asked.has(id_)):
                yield self._positions[id_]
