"""What questions ask besides the place: many ask the same, so that it is looked at once for all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from msgspec import structs

from geoworks.geo.types import Flags, Places
from geoworks.hub.areas import Area, Everywhere, Way
from geoworks.hub.ground import ANYTIME
from geoworks.hub.question import Question
from geoworks.model.change import Kind, MatchKeys

_NOWHERE = Everywhere()
_UNTIMED = Way(b"", 0.0, None, 0.0)
_TIMED = Way(b"", 0.0, datetime.min.replace(tzinfo=UTC), 0.0)
# So few are all looked at, for most changes pass all of them.
_FEW = 8


class Filters:
    """The filters of the questions asked, by small numbers."""

    def __init__(self) -> None:
        """Begin with none."""
        self._number: dict[Question, int] = {}
        self._samples: list[Question] = []
        self._asked: list[int] = []
        self._free: list[int] = []

    def add(self, question: Question) -> int:
        """Return the number of a question's filter."""
        sample = _sample_of(question)
        number = self._number.get(sample)
        if number is None:
            number = self._number[sample] = self._take(sample)
        self._asked[number] += 1
        return number

    def discard(self, number: int) -> None:
        """Take note that a filter is asked once less."""
        self._asked[number] -= 1
        if not self._asked[number]:
            del self._number[self._samples[number]]
            self._free.append(number)

    def all_pass(self, kind: Kind, keys: MatchKeys, moment: datetime) -> bool:
        """Tell whether a version of a feature passes every filter; when there are many, it is not looked at."""
        return len(self._samples) <= _FEW and all(_passes(one, kind, keys, moment) for one in self._samples)

    def passing(self, numbers: Places, kind: Kind, keys: MatchKeys, moment: datetime) -> Flags:
        """Tell for each of some filters whether a version of a feature passes it, if it is met at its place.

        Where it matters when a driver gets there, it may pass.
        """
        passes = np.zeros(len(self._samples), dtype=np.bool_)
        for number in np.flatnonzero(np.bincount(numbers)).tolist():
            passes[number] = _passes(self._samples[number], kind, keys, moment)
        found: Flags = passes[numbers]
        return found

    def _take(self, sample: Question) -> int:
        if self._free:
            number = self._free.pop()
            self._samples[number] = sample
            return number
        self._samples.append(sample)
        self._asked.append(0)
        return len(self._samples) - 1


def _sample_of(question: Question) -> Question:
    """Return a question with the same filter about no place; of what is asked only the way it is asked is kept."""
    area = question.area
    about: Area = _NOWHERE if not isinstance(area, Way) else _UNTIMED if area.depart is None else _TIMED
    return structs.replace(question, area=about)


def _passes(sample: Question, kind: Kind, keys: MatchKeys, moment: datetime) -> bool:
    return sample.wants(kind, keys, moment) and (_is_timed(sample) or sample.heeds(keys, ANYTIME))


def _is_timed(question: Question) -> bool:
    return isinstance(question.area, Way) and question.area.depart is not None
