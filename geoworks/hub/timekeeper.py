"""The hub's clock: looks what time it is, and sees to it that nobody misses what that alone gives reason to tell.

Time moves in steps, at `advance`; between two steps nothing comes or goes by the clock, whatever else happens. A
question whose moment has come is overdue until it was seen to, and whoever begins or stops to ask it has that seen to
first: then everybody who asks has been told everything up to now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from geoworks.clock import Clock
from geoworks.hub.clockwork import Agenda, Brought, Clockwork
from geoworks.hub.matcher import Matcher
from geoworks.hub.question import Question, Sieve
from geoworks.hub.snapshots import Snapshots
from geoworks.model.change import MatchKeys
from geoworks.state import Entry

M = TypeVar("M")


class Timekeeper(Generic[M]):
    """Follows a clock on behalf of all questions asked; belongs to the event loop's thread."""

    def __init__(
        self,
        clock: Clock,
        matcher: Matcher[M],
        snapshots: Snapshots,
        *,
        lead_s: float,
        tell: Callable[[Question, Brought], None],
    ) -> None:
        """Begin now; works on a route are told `lead_s` before they begin; `tell` tells those who ask a question."""
        self.moment = clock.now()
        self._clock = clock
        self._matcher = matcher
        self._snapshots = snapshots
        self._clockwork = Clockwork(timedelta(seconds=lead_s))
        self._tell = tell
        self._agenda = Agenda()
        self._overdue: dict[Question, datetime] = {}

    def advance(self) -> Iterator[None]:
        """Look at the clock and see to what that makes overdue, one question at each step of the iterator."""
        since, self.moment = self.moment, self._clock.now()
        for question in self._agenda.take_due(self.moment):
            self._overdue.setdefault(question, since)
        while self._overdue:
            self._see_to(next(iter(self._overdue)))
            yield

    def settle(self, questions: frozenset[Question]) -> None:
        """See to those of some questions that are overdue."""
        for question in questions & self._overdue.keys():
            self._see_to(question)

    def joined(self, questions: Iterable[Question]) -> None:
        """Take note that somebody asks some questions."""
        for question in questions:
            if question.heeds_clock:
                # When the clock will bring what is looked up at its next step.
                self._agenda.note(question, self.moment)

    def left(self, questions: Iterable[Question]) -> None:
        """Take note that somebody asks some questions no more."""
        for question in questions:
            if question.heeds_clock and not self._matcher.members(question):
                self._agenda.drop(question)

    def brought(self, sieve: Sieve, since: datetime) -> Brought:
        """Return what the clock brought to a question since a moment."""
        return self._clockwork.bring(sieve, self._snapshots.candidates(sieve), since=since, until=self.moment)

    def begin_soon(self, sieve: Sieve, entries: Iterable[Entry]) -> Sequence[Entry]:
        """Return which of the entries that answer a question begin soon on its route."""
        return self._clockwork.begin_soon(sieve, entries, self.moment)

    def expect(self, entry: Entry, before: MatchKeys | None) -> None:
        """Note which questions have to be looked at when because of a new version of a works."""
        begins, known = (keys.terms.begins if keys and keys.terms else None for keys in (entry.keys, before))
        if begins is None:
            return
        for question in self._matcher.meeting(entry.record.key, entry.keys):
            if question.heeds_clock:
                self._agenda.note(question, min(self._clockwork.moments(question, entry.keys)))
                if begins != known:
                    self._tell_at_once(question, entry)

    def _tell_at_once(self, question: Question, entry: Entry) -> None:
        """Tell those on a route of a works that was not known to begin so soon."""
        sieve = self._matcher.sieve(question)
        if soon := self.begin_soon(sieve, sieve.among([entry], self.moment)):
            self._tell(question, Brought((), soon))

    def _see_to(self, question: Question) -> None:
        since = self._overdue.pop(question)
        if self._matcher.members(question):
            sieve = self._matcher.sieve(question)
            self._tell(question, self.brought(sieve, since))
            self._agenda.note(question, self._clockwork.next(question, self._snapshots.candidates(sieve), self.moment))
