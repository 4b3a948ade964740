"""From a version of a feature to whom it concerns."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from geoworks.hub.areas import Everywhere, InZones
from geoworks.hub.ground import ANYTIME, Ground
from geoworks.hub.grounds import Grounds
from geoworks.hub.question import Question, Sieve
from geoworks.model.change import Key, Kind, MatchKeys

M = TypeVar("M", bound=Hashable)


class _Many(set[M]):
    """The members who ask the same, where it is more than one: found in a set of members, it stands for these."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # it is itself, whoever is in it


class Matcher(Generic[M]):
    """The questions asked and who asks them (members); belongs to the event loop's thread.

    Equal questions are kept once. Most are asked by one alone, who is kept without a set: of a hundred questions that a
    change answers, a hundred sets would have to be fetched from memory. Questions about places lie in an index, those
    about zones in a dict by zone, those about everywhere in one set. What moves needs no other door: it is a question
    about a place, put and discarded as its place moves.
    """

    def __init__(self) -> None:
        """Begin with no question."""
        self._members: dict[Question, M | _Many[M]] = {}
        self._sieves: dict[Question, Sieve] = {}
        self._everywhere: dict[Question, None] = {}
        self._zones: dict[str, dict[Question, None]] = {}
        self._grounds: Grounds[M | _Many[M]] = Grounds()

    def __len__(self) -> int:
        """Return how many different questions are asked."""
        return len(self._members)

    def add(self, sieve: Sieve, member: M) -> None:
        """Have a member told of what answers a question."""
        question = sieve.question
        if question not in self._members:
            self._members[question] = member
            self._sieves[question] = sieve
            self._place(sieve, member)
            return
        members = self._members[question]
        if isinstance(members, _Many):
            members.add(member)
        elif members != member:
            self._rename(question, _Many((members, member)))

    def discard(self, question: Question, member: M) -> None:
        """Have a member told no more."""
        members = self.members(question)
        if member not in members:
            return
        if isinstance(members, _Many):
            members.discard(member)
            if len(members) == 1:
                self._rename(question, members.pop())
        else:
            del self._members[question]
            del self._sieves[question]
            self._unplace(question)

    def members(self, question: Question) -> Collection[M]:
        """Return who asks a question."""
        if question not in self._members:
            return ()
        members = self._members[question]
        return members if isinstance(members, _Many) else (members,)

    def sieve(self, question: Question) -> Sieve:
        """Return what tells whether a version of a feature answers a question that somebody asks."""
        return self._sieves[question]

    def matching(self, key: Key, keys: MatchKeys | None, moment: datetime) -> set[M]:
        """Return the members one of whose questions a version of a feature answers at a moment (None: no version)."""
        if keys is None or not keys.visible:
            return set()
        found = {
            self._members[one]
            for one in self._asked_anyway(key, keys)
            if one.wants(key.kind, keys, moment) and one.heeds(keys, ANYTIME)
        }
        if len(self._grounds):
            certain, doubtful = self._grounds.concerned(key, keys, moment)
            found.update(certain)
            found.update(self._members[one] for one in doubtful if self._sieves[one](key, keys, moment))
        return _each(found)

    def meeting(self, key: Key, keys: MatchKeys) -> Iterator[Question]:
        """Yield the questions whose place may meet a version of a feature, whatever else they ask."""
        yield from self._asked_anyway(key, keys)
        if len(self._grounds):
            yield from self._grounds.touched(keys.geometry)

    def _asked_anyway(self, key: Key, keys: MatchKeys) -> Iterator[Question]:
        """Yield the questions about everywhere, and about the zones of a version, which need no look at the place."""
        yield from self._everywhere
        zones = (*keys.zones, key.id) if key.kind is Kind.ZONE else keys.zones
        for zone in zones if self._zones else ():
            yield from self._zones.get(zone, ())

    def _rename(self, question: Question, members: M | _Many[M]) -> None:
        self._members[question] = members
        self._grounds.rename(question, members)

    def _place(self, sieve: Sieve, member: M) -> None:
        question = sieve.question
        area = question.area
        if isinstance(area, Everywhere):
            self._everywhere[question] = None
        elif isinstance(area, InZones):
            for zone in area.zones:
                self._zones.setdefault(zone, {})[question] = None
        elif isinstance(sieve.place, Ground):
            self._grounds.add(sieve, sieve.place, member)

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


def _each(found: set[M | _Many[M]]) -> set[M]:
    """Return the members found, with those of the many."""
    many = [one for one in found if isinstance(one, _Many)]
    alone: set[M] = found.difference(many) if many else found  # type: ignore[assignment]  # none of the many is left
    return alone.union(*many) if many else alone
