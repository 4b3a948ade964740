"""From a version of a feature to whom it concerns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from geoworks.hub.areas import Disc, Everywhere, InZones, Shape
from geoworks.hub.grounds import Grounds
from geoworks.hub.places import ANYTIME, Ground
from geoworks.hub.question import Question, Sieve
from geoworks.model.change import Key, Kind, MatchKeys

M = TypeVar("M", bound=Hashable)


class Matcher(Generic[M]):
    """The questions asked and who asks them (members); belongs to the event loop's thread.

    Equal questions are kept once. Questions about places lie in an index, those about zones in a dict by zone, those
    about everywhere in one set. What moves needs no other door: it is a question about a place, put and discarded as
    its place moves.
    """

    def __init__(self) -> None:
        """Begin with no question."""
        self._members: dict[Question, set[M]] = {}
        self._sieves: dict[Question, Sieve] = {}
        self._everywhere: dict[Question, None] = {}
        self._zones: dict[str, dict[Question, None]] = {}
        self._grounds: Grounds[Question] = Grounds()

    def __len__(self) -> int:
        """Return how many different questions are asked."""
        return len(self._members)

    def add(self, sieve: Sieve, member: M) -> None:
        """Have a member told of what answers a question."""
        question = sieve.question
        members = self._members.get(question)
        if members is None:
            members = self._members[question] = set()
            self._sieves[question] = sieve
            self._place(sieve)
        members.add(member)

    def discard(self, question: Question, member: M) -> None:
        """Have a member told no more."""
        members = self._members.get(question, set())
        members.discard(member)
        if not members and self._members.pop(question, None) is not None:
            del self._sieves[question]
            self._unplace(question)

    def members(self, question: Question) -> Iterable[M]:
        """Return who asks a question."""
        return self._members.get(question, ())

    def sieve(self, question: Question) -> Sieve:
        """Return what tells whether a version of a feature answers a question that somebody asks."""
        return self._sieves[question]

    def matching(self, key: Key, keys: MatchKeys | None, moment: datetime) -> set[M]:
        """Return the members one of whose questions a version of a feature answers at a moment (None: no version)."""
        found: set[M] = set()
        if keys is not None and keys.visible:
            for question in self._candidates(key, keys):
                if question.wants(key.kind, keys, moment) and self._is_met(question, key, keys):
                    found |= self._members[question]
        return found

    def meeting(self, key: Key, keys: MatchKeys) -> Iterator[Question]:
        """Yield the questions whose place may meet a version of a feature, whatever else they ask."""
        yield from self._candidates(key, keys)

    def _is_met(self, question: Question, key: Key, keys: MatchKeys) -> bool:
        """Tell whether a candidate's place meets a version, and it concerns who asks."""
        # For all but these the index, or the dict, has looked at the place itself.
        looked_at = isinstance(question.area, (Everywhere, InZones, Shape, Disc))
        meeting = ANYTIME if looked_at else self._sieves[question].place.meet(key, keys)
        return meeting is not None and question.heeds(keys, meeting)

    def _candidates(self, key: Key, keys: MatchKeys) -> Iterator[Question]:
        yield from self._everywhere
        zones = (*keys.zones, key.id) if key.kind is Kind.ZONE else keys.zones
        for zone in zones if self._zones else ():
            yield from self._zones.get(zone, ())
        if len(self._grounds):
            yield from self._grounds.touched(keys.geometry)

    def _place(self, sieve: Sieve) -> None:
        question = sieve.question
        area = question.area
        if isinstance(area, Everywhere):
            self._everywhere[question] = None
        elif isinstance(area, InZones):
            for zone in area.zones:
                self._zones.setdefault(zone, {})[question] = None
        elif isinstance(sieve.place, Ground):
            self._grounds.add(question, sieve.place)

    def _unplace(self, question: Question) -> None:
        area = question.area
        if isinstance(area, Everywhere):
            del self._everywhere[question]
        elif isinstance(area, InZones):
            for zone in area.zones:
                del self._zones[zone][question]
                if not self._zones[zone]:
                    del self._zones[zone]
        else:
            self._grounds.discard(question)
