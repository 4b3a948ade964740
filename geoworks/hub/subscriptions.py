"""The standing questions of one connection."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Sequence
from datetime import datetime

from msgspec import structs

from geoworks.hub.areas import Kept, nothing_kept
from geoworks.hub.codes import Code
from geoworks.hub.ground import Place
from geoworks.hub.messages import Position, Refused, Wanted
from geoworks.hub.places import AroundPlace, WayPlace
from geoworks.hub.question import Question, Sieve, filters_hash, read_question, sieve_of
from geoworks.model.change import Key, MatchKeys


class Subscriptions:
    """Questions by the id the client gave them, each with its sieve."""

    __slots__ = ("_kept", "_questions", "_sieves")

    def __init__(self, kept: Kept = nothing_kept) -> None:
        """Begin with none; `kept` finds areas that were posted."""
        self._kept = kept
        self._questions: dict[str, Question] = {}
        self._sieves: dict[Question, Sieve] = {}

    def __len__(self) -> int:
        return len(self._questions)

    @property
    def is_moving(self) -> bool:
        """Tell whether what one of them matches depends on more than the log."""
        return any(question.is_moving for question in self._sieves)

    @property
    def heeds_clock(self) -> bool:
        """Tell whether the clock alone may give reason to tell something."""
        return any(question.heeds_clock for question in self._sieves)

    def items(self) -> ItemsView[str, Question]:
        """Return ids and questions."""
        return self._questions.items()

    def questions(self) -> frozenset[Question]:
        """Return what is asked, each once."""
        return frozenset(self._sieves)

    def sieves(self) -> Iterable[Sieve]:
        """Return what is asked, each once, ready to be asked of features."""
        return self._sieves.values()

    def hash(self) -> str:
        """Return the hash of the set."""
        return filters_hash(self._questions)

    def test(self, key: Key, keys: MatchKeys, moment: datetime) -> bool:
        """Tell whether a version of a feature answers any of the questions at a moment."""
        return any(sieve(key, keys, moment) for sieve in self._sieves.values())

    def get(self, id_: str) -> Sieve | None:
        """Return the question of an id, or None."""
        question = self._questions.get(id_)
        return None if question is None else self._sieves[question]

    def add(self, wanted: Wanted, *, most: int) -> Sieve:
        """Take in a question, in the place of the one with its id.

        Raises:
            Refused: its area is none, or there are too many.

        """
        if wanted.id not in self._questions:
            _check_room(len(self) + 1, most, wanted.id)
        return self._set(wanted.id, read_question(wanted, self._kept))

    def drop(self, id_: str) -> Sieve:
        """Ask a question no more and return it.

        Raises:
            Refused: no question has this id.

        """
        dropped = self._known(id_)
        del self._questions[id_]
        self._compile()
        return dropped

    def move(self, position: Position, moment: datetime) -> tuple[Sieve, Sieve]:
        """Take note of where a driver is; return the question before and after.

        Raises:
            Refused: no question has this id, or it is not about a driver, or the place is none.

        """
        before = self._known(position.id)
        _check_place(position)
        place = before.place
        if isinstance(place, AroundPlace):
            around = place.moved(position.at)
            return before, self._set(position.id, structs.replace(before.question, area=around))
        if isinstance(place, WayPlace):
            way = place.moved(position.at, moment)
            return before, self._set(position.id, structs.replace(before.question, area=way), place.again(way))
        fault = "positions are taken for subscriptions with around_me or route only"
        raise Refused(Code.INVALID, fault, id=position.id)

    def set_all(self, wanted: Sequence[Wanted], *, most: int) -> None:
        """Take in all questions of a resume, or none of them.

        Raises:
            Refused: one of them cannot be taken.

        """
        _check_room(len(wanted), most, wanted[-1].id)
        questions = {one.id: read_question(one, self._kept) for one in wanted}
        if len(questions) < len(wanted):
            raise Refused(Code.INVALID, "two of the subscriptions have the same id; give each its own")
        self._questions = questions
        self._compile()

    def _known(self, id_: str) -> Sieve:
        sieve = self.get(id_)
        if sieve is None:
            raise Refused(Code.UNKNOWN_SUBSCRIPTION, f"no subscription is called {id_!r}", id=id_)
        return sieve

    def _set(self, id_: str, question: Question, place: Place | None = None) -> Sieve:
        self._questions[id_] = question
        if place is not None:
            self._sieves[question] = Sieve(question, place)
        self._compile()
        return self._sieves[question]

    def _compile(self) -> None:
        asked = dict.fromkeys(self._questions.values())
        self._sieves = {question: self._sieves.get(question) or sieve_of(question) for question in asked}


def _check_room(count: int, most: int, id_: str) -> None:
    if count > most:
        fault = f"a connection may hold {most} subscriptions; unsubscribe from some, or ask for larger areas"
        raise Refused(Code.TOO_MANY_SUBSCRIPTIONS, fault, id=id_)


def _check_place(position: Position) -> None:
    lon, lat = position.at
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - degrees
        fault = "at: no place on earth; give lon, lat in degrees (EPSG:4326)"
        raise Refused(Code.INVALID, fault, id=position.id)
