"""Live connections that ask exactly the same: their bytes are joined once and written to all."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from itertools import repeat
from typing import Generic, Protocol, TypeVar

from geoworks.hub.matcher import Matcher
from geoworks.hub.question import Question, Sieve


class Listener(Protocol):
    """A live connection."""

    @property
    def descriptor(self) -> int | None:
        """The file descriptor of a socket, to write to while nothing is unsent; None when there is no such way."""
        ...

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket, or keep them for it, without waiting."""
        ...

    def unsent(self) -> int:
        """Return how many bytes the socket has not taken yet."""
        ...


L = TypeVar("L", bound=Listener)


class Audience(Generic[L]):
    """Listeners with one set of questions, and the frames they are due; compared by identity."""

    __slots__ = ("_backed", "_descriptors", "_ready", "due", "questions")

    def __init__(self, questions: frozenset[Question]) -> None:
        """Begin with nobody."""
        self.questions = questions
        self._ready: dict[L, int] = {}
        # Those of `_ready` again, once written to: a thousand writes touch nothing of a thousand connections, whose
        # memory is cold each time.
        self._descriptors: array[int] | None = None
        self._backed: dict[L, None] = {}
        self.due: list[bytes] = []

    def flush(self, high_water: int) -> tuple[int, list[L]]:
        """Write what is due to all; return the number of deliveries and who has more unsent bytes than allowed."""
        deliveries = len(self.due) * len(self)
        data = self.due[0] if len(self.due) == 1 else b"".join(self.due)
        self.due = []
        refused = self._send(data)
        for listener in self._backed:
            listener.write(data)
        for listener, taken in refused:
            listener.write(data[taken:])
            self.hold(listener)
        return deliveries, self._sort_backed(high_water)

    def listeners(self) -> list[L]:
        """Return who listens."""
        return [*self._ready, *self._backed]

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._ready) + len(self._backed)

    def add(self, listener: L) -> None:
        """Have a listener written to."""
        if listener.descriptor is None or listener.unsent():
            self._backed[listener] = None
        else:
            self._make_ready(listener, listener.descriptor)

    def discard(self, listener: L) -> None:
        """Have a listener written to no more."""
        if not self._unready(listener):
            del self._backed[listener]

    def hold(self, listener: L) -> None:
        """Take note that a listener has unsent bytes: what follows must not overtake them."""
        if self._unready(listener):
            self._backed[listener] = None

    def _send(self, data: bytes) -> list[tuple[L, int]]:
        """Hand bytes to the sockets that are ready; return which took not all, and how much they took."""
        if self._descriptors is None:
            self._descriptors = array("i", self._ready.values())
        taken: list[int] = []
        writes = map(os.write, self._descriptors, repeat(data))
        while True:
            try:
                taken.extend(writes)
                break
            except OSError:
                # Whichever it is, the transport finds it out when it is handed the bytes.
                taken.append(0)
        if taken.count(len(data)) == len(taken):
            return []
        return [(listener, size) for listener, size in zip(self._ready, taken, strict=True) if size != len(data)]

    def _sort_backed(self, high_water: int) -> list[L]:
        """Return who has more unsent bytes than allowed; who has none any more is ready again."""
        behind = []
        for listener in list(self._backed):
            unsent = listener.unsent()
            if unsent > high_water:
                behind.append(listener)
            elif not unsent and listener.descriptor is not None:
                del self._backed[listener]
                self._make_ready(listener, listener.descriptor)
        return behind

    def _make_ready(self, listener: L, descriptor: int) -> None:
        self._ready[listener] = descriptor
        self._descriptors = None

    def _unready(self, listener: L) -> bool:
        """Let a listener be ready no more; tell whether it was."""
        self._descriptors = None
        return self._ready.pop(listener, None) is not None


class Audiences(Generic[L]):
    """All audiences, by what they ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self.matcher: Matcher[Audience[L]] = Matcher()
        self._by_questions: dict[frozenset[Question], Audience[L]] = {}

    def get(self, questions: frozenset[Question]) -> Audience[L] | None:
        """Return the audience of a set of questions, if anybody is in it."""
        return self._by_questions.get(questions)

    def join(self, listener: L, sieves: Iterable[Sieve], questions: frozenset[Question]) -> None:
        """Add a listener; nothing may be due to its audience, or it would hear the past twice."""
        audience = self._by_questions.get(questions)
        if audience is None:
            audience = self._by_questions[questions] = Audience(questions)
            for sieve in sieves:
                self.matcher.add(sieve, audience)
        audience.add(listener)

    def leave(self, listener: L, questions: frozenset[Question]) -> None:
        """Drop a listener; an audience left by all is forgotten."""
        audience = self._by_questions[questions]
        audience.discard(listener)
        if not len(audience):
            del self._by_questions[questions]
            for question in questions:
                self.matcher.discard(question, audience)
