"""The standing questions of one connection."""

from __future__ import annotations

from collections.abc import ItemsView, Sequence

from geoworks.hub.codes import Code
from geoworks.hub.messages import Refused, Wanted
from geoworks.hub.question import Question, Test, compile_test, filters_hash, read_question
from geoworks.model.change import Key, MatchKeys


class Subscriptions:
    """Questions by the id the client gave them, each with its test."""

    def __init__(self) -> None:
        """Begin with none."""
        self._questions: dict[str, Question] = {}
        self._tests: dict[Question, Test] = {}

    def __len__(self) -> int:
        return len(self._questions)

    def get(self, id_: str) -> Question | None:
        """Return the question of an id, or None."""
        return self._questions.get(id_)

    def items(self) -> ItemsView[str, Question]:
        """Return ids and questions."""
        return self._questions.items()

    def questions(self) -> frozenset[Question]:
        """Return what is asked, each once."""
        return frozenset(self._questions.values())

    def hash(self) -> str:
        """Return the hash of the set."""
        return filters_hash(self._questions)

    def test(self, key: Key, keys: MatchKeys) -> bool:
        """Tell whether a version of a feature answers any of the questions."""
        return any(test(key, keys) for test in self._tests.values())

    def test_of(self, question: Question) -> Test:
        """Return the test of a question that is asked."""
        return self._tests[question]

    def add(self, wanted: Wanted, *, most: int) -> Question:
        """Take in a question, in the place of the one with its id.

        Raises:
            Refused: its area is none, or there are too many.

        """
        if wanted.id not in self._questions:
            _check_room(len(self) + 1, most, wanted.id)
        question = read_question(wanted)
        self._questions[wanted.id] = question
        self._compile()
        return question

    def drop(self, id_: str) -> Question:
        """Ask a question no more and return it.

        Raises:
            Refused: no question has this id.

        """
        question = self._questions.pop(id_, None)
        if question is None:
            raise Refused(Code.UNKNOWN_SUBSCRIPTION, f"no subscription is called {id_!r}", id=id_)
        self._compile()
        return question

    def set_all(self, wanted: Sequence[Wanted], *, most: int) -> None:
        """Take in all questions of a resume, or none of them.

        Raises:
            Refused: one of them cannot be taken.

        """
        _check_room(len(wanted), most, wanted[-1].id)
        questions = {one.id: read_question(one) for one in wanted}
        if len(questions) < len(wanted):
            raise Refused(Code.INVALID, "two of the subscriptions have the same id; give each its own")
        self._questions = questions
        self._compile()

    def _compile(self) -> None:
        asked = self.questions()
        self._tests = {question: self._tests.get(question) or compile_test(question) for question in asked}


def _check_room(count: int, most: int, id_: str) -> None:
    if count > most:
        fault = f"a connection may hold {most} subscriptions; unsubscribe from some, or ask for larger areas"
        raise Refused(Code.TOO_MANY_SUBSCRIPTIONS, fault, id=id_)
