"""From a version of a feature to whom it concerns."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from geoworks.hub.areas import Everywhere, InZones, place_of
from geoworks.hub.ground import Ground
from geoworks.hub.question import Question
from geoworks.model.change import Key, Kind, MatchKeys

M = TypeVar("M", bound=Hashable)


class Matcher(Generic[M]):
    """The questions asked and who asks them (members); belongs to the event loop's thread.

    Equal questions are kept once. Questions about places lie in an index, those about zones in a dict by zone, those
    about everywhere in one set. What is matched by a clock or by movement needs no other door: such a question is
    a question about a place, put and discarded as its place moves.
    """

    def __init__(self) -> None:
        """Begin with no question."""
        self._members: dict[Question, set[M]] = {}
        self._everywhere: dict[Question, None] = {}
        self._zones: dict[str, dict[Question, None]] = {}
        self._ground: Ground[Question] = Ground()

    def __len__(self) -> int:
        """Return how many different questions are asked."""
        return len(self._members)

    def add(self, question: Question, member: M) -> None:
        """Have a member told of what answers a question."""
        members = self._members.get(question)
        if members is None:
            members = self._members[question] = set()
            self._place(question)
        members.add(member)

    def discard(self, question: Question, member: M) -> None:
        """Have a member told no more."""
        members = self._members.get(question, set())
        members.discard(member)
        if not members and self._members.pop(question, None) is not None:
            self._unplace(question)

    def matching(self, key: Key, keys: MatchKeys | None) -> set[M]:
        """Return the members one of whose questions a version of a feature answers (None: no version)."""
        found: set[M] = set()
        if keys is not None and keys.visible:
            for question in self._candidates(key, keys):
                if question.wants(key.kind, keys):
                    found |= self._members[question]
        return found

    def _candidates(self, key: Key, keys: MatchKeys) -> Iterator[Question]:
        yield from self._everywhere
        zones = (*keys.zones, key.id) if key.kind is Kind.ZONE else keys.zones
        for zone in zones if self._zones else ():
            yield from self._zones.get(zone, ())
        if len(self._ground):
            yield from self._ground.touched(keys.geometry)

    def _place(self, question: Question) -> None:
        area = question.area
        if isinstance(area, Everywhere):
            self._everywhere[question] = None
        elif isinstance(area, InZones):
            for zone in area.zones:
                self._zones.setdefault(zone, {})[question] = None
        else:
            self._ground.add(question, place_of(area))

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
            self._ground.discard(question)
