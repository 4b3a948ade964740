"""Live connections that ask exactly the same: their bytes are joined once and written to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from geoworks.hub.matcher import Matcher
from geoworks.hub.question import Question


class Listener(Protocol):
    """A live connection."""

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket, without waiting."""
        ...

    def unsent(self) -> int:
        """Return how many bytes the socket has not taken yet."""
        ...


L = TypeVar("L", bound=Listener)


class Audience(Generic[L]):
    """Listeners with one set of questions, and the frames they are due; compared by identity."""

    def __init__(self, questions: frozenset[Question]) -> None:
        """Begin with nobody."""
        self.questions = questions
        # The bound methods, so that a thousand writes touch a thousand sessions less.
        self._writes: dict[L, Callable[[bytes], None]] = {}
        self._unchecked = 0
        self.due: list[bytes] = []

    def flush(self, high_water: int) -> tuple[int, list[L]]:
        """Write what is due to all; return the number of deliveries and who has more unsent bytes than allowed.

        Nobody's unsent bytes grow by more than was written, so they are looked at only now and then: a listener may
        be a quarter above `high_water` before it is found.
        """
        deliveries = len(self.due) * len(self)
        data = self.due[0] if len(self.due) == 1 else b"".join(self.due)
        self.due = []
        for write in self._writes.values():
            write(data)
        self._unchecked += len(data)
        if self._unchecked <= high_water // 4:
            return deliveries, []
        self._unchecked = 0
        return deliveries, [listener for listener in self._writes if listener.unsent() > high_water]

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._writes)

    def add(self, listener: L) -> None:
        """Have a listener written to."""
        self._writes[listener] = listener.write

    def discard(self, listener: L) -> None:
        """Have a listener written to no more."""
        del self._writes[listener]


class Audiences(Generic[L]):
    """All audiences, by what they ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self.matcher: Matcher[Audience[L]] = Matcher()
        self._by_questions: dict[frozenset[Question], Audience[L]] = {}

    def get(self, questions: frozenset[Question]) -> Audience[L] | None:
        """Return the audience of a set of questions, if anybody is in it."""
        return self._by_questions.get(questions)

    def join(self, listener: L, questions: frozenset[Question]) -> None:
        """Add a listener; nothing may be due to its audience, or it would hear the past twice."""
        audience = self._by_questions.get(questions)
        if audience is None:
            audience = self._by_questions[questions] = Audience(questions)
            for question in questions:
                self.matcher.add(question, audience)
        audience.add(listener)

    def leave(self, listener: L, questions: frozenset[Question]) -> None:
        """Drop a listener; an audience left by all is forgotten."""
        audience = self._by_questions[questions]
        audience.discard(listener)
        if not len(audience):
            del self._by_questions[questions]
            for question in questions:
                self.matcher.discard(question, audience)
