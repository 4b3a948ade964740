"""What the clock alone gives reason to tell: works that come within a horizon, works that begin soon on a route.

A works' next beginning is part of its version, so what a question has to be told by the clock is known beforehand:
the earliest moment of each question is kept, and only questions whose moment has come are looked at.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from msgspec import Struct

from geoworks.hub.areas import Way
from geoworks.hub.question import Question, Sieve
from geoworks.model.change import MatchKeys
from geoworks.state import Entry

_NEVER = datetime.max.replace(tzinfo=UTC)


class Brought(Struct, frozen=True):
    """What the clock brought to a question: works in sight now, and works that begin soon."""

    seen: Sequence[Entry]
    soon: Sequence[Entry]


class Clockwork:
    """The rules of the clock; works on a route are told `lead` before they begin."""

    def __init__(self, lead: timedelta) -> None:
        """Tell of beginnings so long before."""
        self._lead = lead

    def bring(self, sieve: Sieve, entries: Iterable[Entry], *, since: datetime, until: datetime) -> Brought:
        """Return what came to a question from one moment to a later one, of some entries."""
        seen, soon = [], []
        for entry in sieve.among(entries, until):
            begins = _begins(entry.keys)
            if begins is None or begins <= since:
                continue
            if sieve.question.horizon is not None and since + sieve.question.horizon < begins:
                seen.append(entry)
            if isinstance(sieve.question.area, Way) and since < begins - self._lead <= until < begins:
                soon.append(entry)
        return Brought(seen, soon)

    def begin_soon(self, sieve: Sieve, entries: Iterable[Entry], moment: datetime) -> Sequence[Entry]:
        """Return which of some entries that answer a question begin soon on its route."""
        if not isinstance(sieve.question.area, Way):
            return ()
        return [entry for entry in entries if self.is_soon(entry.keys, moment)]

    def is_soon(self, keys: MatchKeys, moment: datetime) -> bool:
        """Tell whether a works begins soon."""
        begins = _begins(keys)
        return begins is not None and moment < begins <= moment + self._lead

    def next(self, question: Question, entries: Iterable[Entry], after: datetime) -> datetime | None:
        """Return the next moment at which the clock may bring something to a question, or None."""
        moments = (moment for entry in entries for moment in self.moments(question, entry.keys))
        return min((moment for moment in moments if moment > after), default=None)

    def moments(self, question: Question, keys: MatchKeys) -> Iterator[datetime]:
        """Yield when a version of a feature gives a question reason to be looked at."""
        begins = _begins(keys)
        if begins is not None and question.horizon is not None:
            yield begins - question.horizon
        if begins is not None and isinstance(question.area, Way):
            yield begins - self._lead


class Agenda:
    """Which question is to be looked at when; a question once noted for a moment may be noted for an earlier one."""

    def __init__(self) -> None:
        """Begin empty."""
        self._when: dict[Question, datetime] = {}
        self._heap: list[tuple[datetime, int, Question]] = []
        self._numbers = count()

    def note(self, question: Question, when: datetime | None) -> None:
        """Have a question looked at no later than a moment; None: whenever something else is noted."""
        if when is not None and when < self._when.get(question, _NEVER):
            self._when[question] = when
            heapq.heappush(self._heap, (when, next(self._numbers), question))

    def drop(self, question: Question) -> None:
        """Forget a question that nobody asks any more."""
        self._when.pop(question, None)

    def take_due(self, moment: datetime) -> list[Question]:
        """Take the questions whose moment has come."""
        due = []
        while self._heap and self._heap[0][0] <= moment:
            when, _, question = heapq.heappop(self._heap)
            # One noted anew for another moment, or dropped, has an entry that is out of date.
            if self._when.get(question) == when:
                del self._when[question]
                due.append(question)
        return due


def _begins(keys: MatchKeys) -> datetime | None:
    return None if keys.terms is None else keys.terms.begins
